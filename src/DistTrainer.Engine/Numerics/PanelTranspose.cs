using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Numerics;

/// <summary>Transposes blocks of 32 columns in registers, 8 or 16 rows at a time.</summary>
internal static unsafe class PanelTranspose
{
    private const int Width = ActivationPanels.Width;

    /// <summary>
    /// to[c · toStride + r] = from[r · fromStride + c] for r &lt; <paramref name="rows"/> and c &lt; 32; the columns
    /// r = rows … 31 of the result are zeroed.
    /// </summary>
    /// <param name="from">[rows, 32].</param>
    /// <param name="fromStride">Floats between rows of <paramref name="from"/>.</param>
    /// <param name="rows">At most 32.</param>
    /// <param name="to">[32, 32].</param>
    /// <param name="toStride">Floats between rows of <paramref name="to"/>.</param>
    public static void Run(float* from, nint fromStride, int rows, float* to, nint toStride)
    {
        int r = 0;
        for (; Vector512.IsHardwareAccelerated && r + 16 <= rows; r += 16)
        {
            for (int c = 0; c < Width; c += 16)
                Block512(from + (r * fromStride) + c, fromStride, to + (c * toStride) + r, toStride);
        }
        for (; r + 8 <= rows; r += 8)
        {
            for (int c = 0; c < Width; c += 8)
                Block(from + (r * fromStride) + c, fromStride, to + (c * toStride) + r, toStride);
        }
        for (int c = 0; c < Width; c++)
        {
            for (int rest = r; rest < Width; rest++)
                to[(c * toStride) + rest] = rest < rows ? from[(rest * fromStride) + c] : 0f;
        }
    }

    /// <summary>Transposes 8 × 8 floats that lie in rows of one matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Block(float* from, nint fromStride, float* to, nint toStride)
    {
        float* r1 = from + fromStride, r2 = r1 + fromStride, r3 = r2 + fromStride;
        float* r4 = r3 + fromStride, r5 = r4 + fromStride, r6 = r5 + fromStride, r7 = r6 + fromStride;
        FourColumns(Join(from, r4), Join(r1, r5), Join(r2, r6), Join(r3, r7), to, toStride);
        FourColumns(
            Join(from + 4, r4 + 4), Join(r1 + 4, r5 + 4), Join(r2 + 4, r6 + 4), Join(r3 + 4, r7 + 4),
            to + (4 * toStride), toStride);
    }

    /// <summary>Transposes 16 × 16 floats: 4 × 4 within the 128-bit lanes, then the lanes.</summary>
    private static void Block512(float* from, nint stride, float* to, nint toStride)
    {
        (Vector512<float> a0, Vector512<float> a1, Vector512<float> a2, Vector512<float> a3) = FourRows(from, stride);
        (Vector512<float> b0, Vector512<float> b1, Vector512<float> b2, Vector512<float> b3) = FourRows(
            from + (4 * stride), stride);
        (Vector512<float> c0, Vector512<float> c1, Vector512<float> c2, Vector512<float> c3) = FourRows(
            from + (8 * stride), stride);
        (Vector512<float> d0, Vector512<float> d1, Vector512<float> d2, Vector512<float> d3) = FourRows(
            from + (12 * stride), stride);
        Lanes(a0, b0, c0, d0, to, 4 * toStride);
        Lanes(a1, b1, c1, d1, to + toStride, 4 * toStride);
        Lanes(a2, b2, c2, d2, to + (2 * toStride), 4 * toStride);
        Lanes(a3, b3, c3, d3, to + (3 * toStride), 4 * toStride);
    }

    /// <summary>
    /// Four rows, transposed within their lanes: columns 0, 4, 8 and 12 of the four rows, columns 1, 5, 9 and 13, ….
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> C0, Vector512<float> C1, Vector512<float> C2, Vector512<float> C3) FourRows(
        float* from, nint stride)
    {
        Vector512<float> r0 = Vector512.Load(from), r1 = Vector512.Load(from + stride);
        Vector512<float> r2 = Vector512.Load(from + (2 * stride)), r3 = Vector512.Load(from + (3 * stride));
        Vector512<float> low = Avx512F.UnpackLow(r0, r1), low2 = Avx512F.UnpackLow(r2, r3);
        Vector512<float> high = Avx512F.UnpackHigh(r0, r1), high2 = Avx512F.UnpackHigh(r2, r3);
        return (Avx512F.Shuffle(low, low2, 0x44), Avx512F.Shuffle(low, low2, 0xEE),
            Avx512F.Shuffle(high, high2, 0x44), Avx512F.Shuffle(high, high2, 0xEE));
    }

    /// <summary>Stores lane 0 of a, b, c and d side by side, then lane 1, 2 and 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lanes(
        Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* to, nint stride)
    {
        Vector512<float> evenAb = Avx512F.Shuffle4x128(a, b, 0x88), oddAb = Avx512F.Shuffle4x128(a, b, 0xDD);
        Vector512<float> evenCd = Avx512F.Shuffle4x128(c, d, 0x88), oddCd = Avx512F.Shuffle4x128(c, d, 0xDD);
        Avx512F.Shuffle4x128(evenAb, evenCd, 0x88).Store(to);
        Avx512F.Shuffle4x128(oddAb, oddCd, 0x88).Store(to + stride);
        Avx512F.Shuffle4x128(evenAb, evenCd, 0xDD).Store(to + (2 * stride));
        Avx512F.Shuffle4x128(oddAb, oddCd, 0xDD).Store(to + (3 * stride));
    }

    /// <summary>to[c · toStride + r] = rows[r][offset + c] for r, c &lt; 8.</summary>
    public static void Gather(float** rows, int offset, float* to, nint toStride)
    {
        for (int c = 0; c < 8; c += 4, offset += 4, to += 4 * toStride)
        {
            FourColumns(
                Join(rows[0] + offset, rows[4] + offset), Join(rows[1] + offset, rows[5] + offset),
                Join(rows[2] + offset, rows[6] + offset), Join(rows[3] + offset, rows[7] + offset), to, toStride);
        }
    }

    /// <summary>Four columns of two rows, side by side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Join(float* low, float* high) =>
        Vector256.Create(Vector128.Load(low), Vector128.Load(high));

    /// <summary>Transposes 8 rows (0 and 4, 1 and 5, …) of 4 columns: pairs change places, then fours.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourColumns(
        Vector256<float> r0, Vector256<float> r1, Vector256<float> r2, Vector256<float> r3, float* to, nint toStride)
    {
        (r0, r1) = Pairs(r0, r1);
        (r2, r3) = Pairs(r2, r3);
        (r0, r2) = Fours(r0, r2);
        (r1, r3) = Fours(r1, r3);
        r0.Store(to);
        r2.Store(to + toStride);
        r1.Store(to + (2 * toStride));
        r3.Store(to + (3 * toStride));
    }

    // The index vectors are chosen so that the JIT emits one vunpck or vshuf each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Low, Vector256<float> High) Pairs(Vector256<float> a, Vector256<float> b)
    {
        if (Avx.IsSupported)
            return (Avx.UnpackLow(a, b), Avx.UnpackHigh(a, b));
        return (
            Vector256.Create(a[0], b[0], a[1], b[1], a[4], b[4], a[5], b[5]),
            Vector256.Create(a[2], b[2], a[3], b[3], a[6], b[6], a[7], b[7]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Low, Vector256<float> High) Fours(Vector256<float> a, Vector256<float> b)
    {
        if (Avx.IsSupported)
            return (Avx.Shuffle(a, b, 0x44), Avx.Shuffle(a, b, 0xEE));
        return (
            Vector256.Create(a[0], a[1], b[0], b[1], a[4], a[5], b[4], b[5]),
            Vector256.Create(a[2], a[3], b[2], b[3], a[6], a[7], b[6], b[7]));
    }
}
