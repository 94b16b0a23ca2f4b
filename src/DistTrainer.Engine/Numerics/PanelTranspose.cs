using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DistTrainer.Engine;

/// <summary>Transposes blocks of 32 columns, 8 × 8 at a time in registers.</summary>
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
    public static void Block(float* from, nint fromStride, float* to, nint toStride)
    {
        float** rows = stackalloc float*[8];
        for (int r = 0; r < 8; r++)
            rows[r] = from + (r * fromStride);
        Gather(rows, 0, to, toStride);
    }

    /// <summary>
    /// to[c · toStride + r] = rows[r][offset + c] for r, c &lt; 8: pairs, then fours, then halves change places.
    /// </summary>
    public static void Gather(float** rows, int offset, float* to, nint toStride)
    {
        Vector256<float> r0 = Vector256.Load(rows[0] + offset), r1 = Vector256.Load(rows[1] + offset);
        Vector256<float> r2 = Vector256.Load(rows[2] + offset), r3 = Vector256.Load(rows[3] + offset);
        Vector256<float> r4 = Vector256.Load(rows[4] + offset), r5 = Vector256.Load(rows[5] + offset);
        Vector256<float> r6 = Vector256.Load(rows[6] + offset), r7 = Vector256.Load(rows[7] + offset);
        (r0, r1) = Pairs(r0, r1);
        (r2, r3) = Pairs(r2, r3);
        (r4, r5) = Pairs(r4, r5);
        (r6, r7) = Pairs(r6, r7);
        (r0, r2) = Fours(r0, r2);
        (r1, r3) = Fours(r1, r3);
        (r4, r6) = Fours(r4, r6);
        (r5, r7) = Fours(r5, r7);
        Halves(r0, r4, to, toStride);
        Halves(r2, r6, to + toStride, toStride);
        Halves(r1, r5, to + (2 * toStride), toStride);
        Halves(r3, r7, to + (3 * toStride), toStride);
    }

    // The index vectors are chosen so that the JIT emits one vunpck/vshuf/vperm2f128 each.
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Halves(Vector256<float> a, Vector256<float> b, float* to, nint toStride)
    {
        Vector256.Create(a.GetLower(), b.GetLower()).Store(to);
        Vector256.Create(a.GetUpper(), b.GetUpper()).Store(to + (4 * toStride));
    }
}
