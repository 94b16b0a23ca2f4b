using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace DistTrainer.Fuzz;

/// <summary>
/// Makes inputs from seeds, knowing nothing of what they mean. Input n of a number is always the same.
/// </summary>
/// <param name="seeds">The valid inputs.</param>
/// <param name="number">Which inputs are made.</param>
internal sealed class Mutator(IReadOnlyList<Seed> seeds, int number)
{
    private const int LongestInput = 1 << 16;
    private const int LongestBlock = 64;

    private static readonly long[] s_integers =
        [0, 1, 2, 3, 4, 7, 8, 16, 32, 64, 100, 127, 128, 255, 256, 1000, 4096, 32767, 32768, 65535, 65536, 1 << 20,
            1 << 24, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 32, long.MaxValue];

    private static readonly string[] s_numbers =
        ["0", "1", "-1", "2", "00", "255", "65536", "1e3", "1e38", "1e39", "1e400", "-1e400", "1e-400", "0.5", "NaN",
            "Infinity", "1,5", "2147483647", "2147483648", "-2147483648", "4294967296", "9223372036854775807",
            "9223372036854775808", "99999999999999999999999999999999", "0x10"];

    private readonly long _lengths = seeds.Sum(seed => (long)seed.Bytes.Length);

    /// <summary>
    /// Makes input n: every second one is a seed cut off, at each length in turn, until all were; the others are
    /// mutated.
    /// </summary>
    /// <param name="n">From 0.</param>
    /// <param name="isSealed">Whether checksums are to be repaired.</param>
    public Seed Make(long n, out bool isSealed)
    {
        var random = new Random(SeedOf(n));
        isSealed = random.Next(4) != 0;
        if (n % 2 == 0 && n / 2 < _lengths)
            return Cut(n / 2);
        Seed seed = seeds[random.Next(seeds.Count)];
        List<byte> bytes = [.. seed.Bytes];
        for (int times = 1 << random.Next(4); times > 0; times--)
            Mutate(bytes, random);
        if (bytes.Count > LongestInput)
            bytes.RemoveRange(LongestInput, bytes.Count - LongestInput);
        return seed with { Bytes = [.. bytes] };
    }

    // Neighbouring seeds of Random give similar first numbers, so they are spread (a step of SplitMix64).
    private int SeedOf(long n)
    {
        ulong z = ((ulong)n + 1) * 0x9E3779B97F4A7C15 + (uint)number;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)(z >> 33);
    }

    private Seed Cut(long length)
    {
        foreach (Seed seed in seeds)
        {
            if (length < seed.Bytes.Length)
                return seed with { Bytes = seed.Bytes[..(int)length] };
            length -= seed.Bytes.Length;
        }
        return seeds[0];
    }

    private void Mutate(List<byte> bytes, Random random)
    {
        int at = random.Next(bytes.Count + 1), length = Math.Min(random.Next(1, LongestBlock), bytes.Count - at);
        switch (random.Next(10))
        {
            case 0 or 1 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 3 or 4:
                SetInteger(bytes, at, random);
                break;
            case 5:
                bytes.RemoveRange(at, random.Next(4) == 0 ? bytes.Count - at : length);
                break;
            case 6:
                // Now and then very often: what nests or takes the square of the time shows then.
                byte[] block = [.. bytes.GetRange(at, length)];
                int times = random.Next(16) == 0 ? 1 << random.Next(12) : 1;
                times = Math.Min(times, (LongestInput - Math.Min(bytes.Count, LongestInput)) / Math.Max(length, 1));
                bytes.InsertRange(
                    random.Next(bytes.Count + 1), Enumerable.Repeat(block, times).SelectMany(copy => copy));
                break;
            case 7:
                byte[] inserted = new byte[random.Next(1, 9)];
                random.NextBytes(inserted);
                bytes.InsertRange(at, inserted);
                break;
            case 8:
                byte[] other = seeds[random.Next(seeds.Count)].Bytes;
                int from = random.Next(other.Length);
                bytes.RemoveRange(at, random.Next(2) == 0 ? bytes.Count - at : length);
                bytes.InsertRange(
                    at, other[from..(random.Next(2) == 0 ? other.Length
                    : Math.Min(other.Length, from + LongestBlock))]);
                break;
            default:
                SwapNumber(bytes, at, random);
                break;
        }
    }

    // One of the usual suspects, or a length that nearly fits, of 1, 2, 4 or 8 bytes and either order.
    private static void SetInteger(List<byte> bytes, int at, Random random)
    {
        Span<byte> value = stackalloc byte[8];
        long number = random.Next(3) == 0 ? bytes.Count - at + random.Next(-9, 10)
            : s_integers[random.Next(s_integers.Length)];
        if (random.Next(4) == 0)
            number = -number;
        int size = 1 << random.Next(4);
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        if (random.Next(2) == 0)
            value[..size].Reverse();
        for (int i = 0; i < size && at + i < bytes.Count; i++)
            bytes[at + i] = value[i];
    }

    private static void SwapNumber(List<byte> bytes, int at, Random random)
    {
        int start = bytes.FindIndex(at, IsDigit);
        if (start < 0)
            return;
        int end = bytes.FindIndex(start, value => !IsDigit(value));
        string text = random.Next(3) == 0 ? random.NextInt64()
            .ToString(CultureInfo.InvariantCulture)[..random.Next(1, 8)] : s_numbers[random.Next(s_numbers.Length)];
        bytes.RemoveRange(start, (end < 0 ? bytes.Count : end) - start);
        bytes.InsertRange(start, Encoding.ASCII.GetBytes(text));
    }

    private static bool IsDigit(byte value) => value is >= (byte)'0' and <= (byte)'9';
}
