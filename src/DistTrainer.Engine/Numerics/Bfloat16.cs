using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// bfloat16, the upper half of a float32: 8 bits of exponent, 7 of mantissa (Kalamkar et al., 2019). A float that was
/// rounded to it is sent in two bytes and comes back the same.
/// </summary>
internal static class Bfloat16
{
    /// <summary>Bytes of one.</summary>
    public const int Bytes = sizeof(ushort);

    private const uint Largest = 0x7f7f0000; // 3.39e38: what is finite stays so

    /// <summary>
    /// Rounds to the nearest, of two that are as near to the even one; the largest finite one stands for all that is
    /// finite beyond, NaN and infinity stay. In place or not; the same bits on every instruction set.
    /// </summary>
    /// <param name="values">Floats.</param>
    /// <param name="rounded">As many; may be the same memory.</param>
    public static void Round(ReadOnlySpan<float> values, Span<float> rounded)
    {
        ReadOnlySpan<uint> from = MemoryMarshal.Cast<float, uint>(values);
        Span<uint> to = MemoryMarshal.Cast<float, uint>(rounded)[..from.Length];
        int i = 0;
        for (; i <= from.Length - Vector256<uint>.Count; i += Vector256<uint>.Count)
            Round(Vector256.Create(from[i..])).CopyTo(to[i..]);
        for (; i < from.Length; i++)
            to[i] = Round(Vector256.Create(from[i]))[0];
    }

    /// <summary>The upper halves of floats that were rounded, in the machine's byte order.</summary>
    /// <param name="values">Rounded floats.</param>
    /// <param name="bytes">Two bytes each.</param>
    public static void Encode(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        ReadOnlySpan<uint> from = MemoryMarshal.Cast<float, uint>(values);
        Span<ushort> to = MemoryMarshal.Cast<byte, ushort>(bytes)[..from.Length];
        int i = 0;
        for (; i <= from.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            Vector256<uint> low = Vector256.Create(from[i..]) >>> 16;
            Vector256<uint> high = Vector256.Create(from[(i + Vector256<uint>.Count)..]) >>> 16;
            Vector256.Narrow(low, high).CopyTo(to[i..]);
        }
        for (; i < from.Length; i++)
            to[i] = (ushort)(from[i] >> 16);
    }

    /// <summary>
    /// Floats from their upper halves, which lie at the end of the floats' own memory: the first n floats of 2n upper
    /// halves are written before the halves there are read.
    /// </summary>
    /// <param name="values">The floats; the second half of their memory has the upper halves.</param>
    public static void DecodeInPlace(Span<float> values)
    {
        Span<uint> to = MemoryMarshal.Cast<float, uint>(values);
        ReadOnlySpan<ushort> from = MemoryMarshal.Cast<float, ushort>(values)[values.Length..];
        int i = 0;
        for (; i <= to.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
        {
            (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Create(from[i..]));
            (low << 16).CopyTo(to[i..]);
            (high << 16).CopyTo(to[(i + Vector256<uint>.Count)..]);
        }
        for (; i < to.Length; i++)
            to[i] = (uint)from[i] << 16;
    }

    private static Vector256<uint> Round(Vector256<uint> bits)
    {
        Vector256<uint> magnitude = bits & Vector256.Create(0x7fffffffu);
        Vector256<uint> even = (bits >>> 16) & Vector256<uint>.One;
        Vector256<uint> rounded = (magnitude + Vector256.Create(0x7fffu) + even) & Vector256.Create(0xffff0000u);
        rounded = Vector256.Min(rounded, Vector256.Create(Largest));
        // Infinity stays, and so does NaN, whatever is left of its mantissa.
        Vector256<uint> isFinite = Vector256.LessThan(magnitude, Vector256.Create(0x7f800000u));
        Vector256<uint> isNan = Vector256.GreaterThan(magnitude, Vector256.Create(0x7f800000u));
        Vector256<uint> other = (magnitude & Vector256.Create(0xffff0000u)) | (isNan & Vector256.Create(0x00400000u));
        return Vector256.ConditionalSelect(isFinite, rounded, other) | (bits & Vector256.Create(0x80000000u));
    }
}
