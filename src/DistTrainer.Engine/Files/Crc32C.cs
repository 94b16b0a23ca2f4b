using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistTrainer.Engine.Files;

/// <summary>
/// CRC-32C (Castagnoli; RFC 3720, appendix B.4). The processor's instruction has a latency of three cycles and a
/// throughput of one, so three lanes run at once and are joined by a table; without the instruction the same code runs
/// on <see cref="BitOperations"/>' own tables.
/// </summary>
internal static class Crc32C
{
    private const int Lane = 2048;
    private static readonly uint[] s_shift = ShiftTable();

    /// <summary>The checksum of some bytes.</summary>
    /// <param name="data">The bytes.</param>
    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The checksum of bytes that follow others.</summary>
    /// <param name="checksum">Checksum of the bytes before; 0 if there are none.</param>
    /// <param name="data">The bytes that follow.</param>
    /// <returns>The checksum of all of them.</returns>
    public static uint Append(uint checksum, ReadOnlySpan<byte> data)
    {
        uint state = ~checksum;
        while (data.Length >= 3 * Lane)
        {
            state = ThreeLanes(state, ref MemoryMarshal.GetReference(data));
            data = data[(3 * Lane)..];
        }
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(data))
            state = BitOperations.Crc32C(state, word);
        foreach (byte value in data[(data.Length & ~7)..])
            state = BitOperations.Crc32C(state, value);
        return ~state;
    }

    private static uint ThreeLanes(uint first, ref byte data)
    {
        uint second = 0, third = 0;
        for (int i = 0; i < Lane; i += sizeof(ulong))
        {
            first = BitOperations.Crc32C(first, Word(ref data, i));
            second = BitOperations.Crc32C(second, Word(ref data, i + Lane));
            third = BitOperations.Crc32C(third, Word(ref data, i + 2 * Lane));
        }
        return Shift(Shift(first) ^ second) ^ third;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Word(ref byte data, int offset) =>
        Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref data, offset));

    // The state after a lane of zero bytes. It is linear over GF(2), so each byte of the state has its own 256 entries.
    private static uint Shift(uint state) =>
        s_shift[(byte)state] ^ s_shift[256 + (byte)(state >> 8)] ^ s_shift[512
            + (byte)(state >> 16)] ^ s_shift[768 + (state >> 24)];

    private static uint[] ShiftTable()
    {
        var table = new uint[4 * 256];
        for (int bit = 0; bit < 32; bit++)
        {
            uint state = 1u << bit;
            for (int i = 0; i < Lane; i += sizeof(ulong))
                state = BitOperations.Crc32C(state, 0ul);
            for (int value = 0; value < 256; value++)
            {
                if ((value >> (bit % 8) & 1) != 0)
                    table[bit / 8 * 256 + value] ^= state;
            }
        }
        return table;
    }
}
