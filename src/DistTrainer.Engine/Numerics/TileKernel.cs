using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine;

/// <summary>
/// The innermost part of every matrix product: one tile of <see cref="Rows"/> × <see cref="Width"/> outputs in registers.
/// <code>c[r, j] (+)= Σ_k a[r, k] · b[k · Width + j]</code>
/// Every output is one chain of fused multiply-adds over k in rising order, starting at zero or at c. Vectors run across j,
/// so the chain, and with it every bit, is the same on every instruction set; only the speed differs.
/// 2 · Rows · Width · steps FLOPs. Written for 512-bit vectors (24 accumulators of 32 registers), for 256-bit vectors
/// (two halves of 2 × 6 rows, 12 of 16 registers, after Goto and van de Geijn 2008), and once plainly.
/// </summary>
internal static unsafe class TileKernel
{
    /// <summary>Outputs of a tile across its rows.</summary>
    public const int Rows = 12;

    /// <summary>Outputs of a tile across its columns; the width of an activation panel.</summary>
    public const int Width = ActivationPanels.Width;

    private const int HalfRows = Rows / 2;

    /// <summary>Floats of one tile.</summary>
    public const int Size = Rows * Width;

    /// <summary>
    /// Computes one tile of up to <see cref="Rows"/> rows; c overlaps neither a nor b. Rows lie in groups of three, and the
    /// groups of a tile with fewer rows overlap: some rows are computed and stored twice, with the same bits.
    /// </summary>
    /// <param name="a">The left operand.</param>
    /// <param name="b">[blocks · steps, Width] of the right operand, contiguous.</param>
    /// <param name="c">The outputs.</param>
    /// <param name="cStride">Floats between two rows of the outputs.</param>
    /// <param name="rows">Rows of the tile, 1 … <see cref="Rows"/>.</param>
    /// <param name="accumulate">Whether the chains start at c (true) or at zero (false).</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Compute(in LeftOperand a, float* b, float* c, nint cStride, int rows, bool accumulate)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Compute512(a, b, c, cStride, rows, accumulate);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            for (int r = 0; r < rows; r += HalfRows)
            {
                LeftOperand half = a with { First = a.First + (r * a.RowStride) };
                Compute256(half, b, c + (r * cStride), cStride, Math.Min(HalfRows, rows - r), accumulate);
                Compute256(half, b + 16, c + (r * cStride) + 16, cStride, Math.Min(HalfRows, rows - r), accumulate);
            }
        }
        else
        {
            ComputeScalar(a, b, c, cStride, rows, accumulate);
        }
    }

    /// <summary>The same, slow and obvious: the reference that the fast kernels are tested against.</summary>
    public static void ComputeScalar(in LeftOperand a, float* b, float* c, nint cStride, int rows, bool accumulate)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int j = 0; j < Width; j++)
            {
                float sum = accumulate ? c[(r * cStride) + j] : 0f;
                for (int block = 0; block < a.Blocks; block++)
                {
                    float* left = a.First + (r * a.RowStride) + (block * a.BlockStride);
                    float* right = b + ((nint)block * a.Steps * Width) + j;
                    for (int k = 0; k < a.Steps; k++)
                        sum = MathF.FusedMultiplyAdd(left[k * a.StepStride], right[k * Width], sum);
                }
                c[(r * cStride) + j] = sum;
            }
        }
    }

    /// <summary>12 rows of 2 × 16 outputs.</summary>
    private static void Compute512(in LeftOperand left, float* b, float* c, nint cStride, int rows, bool accumulate)
    {
        Vector512<float> c0x = default, c0y = default, c1x = default, c1y = default, c2x = default, c2y = default,
            c3x = default, c3y = default, c4x = default, c4y = default, c5x = default, c5y = default,
            c6x = default, c6y = default, c7x = default, c7y = default, c8x = default, c8y = default,
            c9x = default, c9y = default, c10x = default, c10y = default, c11x = default, c11y = default;
        // Rows of a group: 0, second, third; groups begin at rows 0, 3, 6, 9 or earlier.
        (nint second, nint third) = (Math.Min(1, rows - 1), Math.Min(2, rows - 1));
        nint last = Math.Max(0, rows - 3);
        (nint group1, nint group2, nint group3) = (Math.Min(3, last), Math.Min(6, last), Math.Min(9, last));
        float* d0 = c, d1 = c + (group1 * cStride), d2 = c + (group2 * cStride), d3 = c + (group3 * cStride);
        (nint dSecond, nint dThird) = (second * cStride, third * cStride);
        if (accumulate)
        {
            c0x = Vector512.Load(d0); c0y = Vector512.Load(d0 + 16);
            c1x = Vector512.Load(d0 + dSecond); c1y = Vector512.Load(d0 + dSecond + 16);
            c2x = Vector512.Load(d0 + dThird); c2y = Vector512.Load(d0 + dThird + 16);
            c3x = Vector512.Load(d1); c3y = Vector512.Load(d1 + 16);
            c4x = Vector512.Load(d1 + dSecond); c4y = Vector512.Load(d1 + dSecond + 16);
            c5x = Vector512.Load(d1 + dThird); c5y = Vector512.Load(d1 + dThird + 16);
            c6x = Vector512.Load(d2); c6y = Vector512.Load(d2 + 16);
            c7x = Vector512.Load(d2 + dSecond); c7y = Vector512.Load(d2 + dSecond + 16);
            c8x = Vector512.Load(d2 + dThird); c8y = Vector512.Load(d2 + dThird + 16);
            c9x = Vector512.Load(d3); c9y = Vector512.Load(d3 + 16);
            c10x = Vector512.Load(d3 + dSecond); c10y = Vector512.Load(d3 + dSecond + 16);
            c11x = Vector512.Load(d3 + dThird); c11y = Vector512.Load(d3 + dThird + 16);
        }
        (nint stepStride, nint aSecond, nint aThird) = (left.StepStride, second * left.RowStride, third * left.RowStride);
        float* a0 = left.First, a1 = a0 + (group1 * left.RowStride), a2 = a0 + (group2 * left.RowStride), a3 = a0 + (group3 * left.RowStride);
        nint jump = left.BlockStride - (left.Steps * stepStride);
        for (int block = left.Blocks; block > 0; block--)
        {
            for (int k = left.Steps; k > 0; k--)
            {
                Vector512<float> bx = Vector512.Load(b), by = Vector512.Load(b + 16);
                Vector512<float> broadcast = Vector512.Create(*a0);
                c0x = Vector512.FusedMultiplyAdd(broadcast, bx, c0x);
                c0y = Vector512.FusedMultiplyAdd(broadcast, by, c0y);
                broadcast = Vector512.Create(a0[aSecond]);
                c1x = Vector512.FusedMultiplyAdd(broadcast, bx, c1x);
                c1y = Vector512.FusedMultiplyAdd(broadcast, by, c1y);
                broadcast = Vector512.Create(a0[aThird]);
                c2x = Vector512.FusedMultiplyAdd(broadcast, bx, c2x);
                c2y = Vector512.FusedMultiplyAdd(broadcast, by, c2y);
                broadcast = Vector512.Create(*a1);
                c3x = Vector512.FusedMultiplyAdd(broadcast, bx, c3x);
                c3y = Vector512.FusedMultiplyAdd(broadcast, by, c3y);
                broadcast = Vector512.Create(a1[aSecond]);
                c4x = Vector512.FusedMultiplyAdd(broadcast, bx, c4x);
                c4y = Vector512.FusedMultiplyAdd(broadcast, by, c4y);
                broadcast = Vector512.Create(a1[aThird]);
                c5x = Vector512.FusedMultiplyAdd(broadcast, bx, c5x);
                c5y = Vector512.FusedMultiplyAdd(broadcast, by, c5y);
                broadcast = Vector512.Create(*a2);
                c6x = Vector512.FusedMultiplyAdd(broadcast, bx, c6x);
                c6y = Vector512.FusedMultiplyAdd(broadcast, by, c6y);
                broadcast = Vector512.Create(a2[aSecond]);
                c7x = Vector512.FusedMultiplyAdd(broadcast, bx, c7x);
                c7y = Vector512.FusedMultiplyAdd(broadcast, by, c7y);
                broadcast = Vector512.Create(a2[aThird]);
                c8x = Vector512.FusedMultiplyAdd(broadcast, bx, c8x);
                c8y = Vector512.FusedMultiplyAdd(broadcast, by, c8y);
                broadcast = Vector512.Create(*a3);
                c9x = Vector512.FusedMultiplyAdd(broadcast, bx, c9x);
                c9y = Vector512.FusedMultiplyAdd(broadcast, by, c9y);
                broadcast = Vector512.Create(a3[aSecond]);
                c10x = Vector512.FusedMultiplyAdd(broadcast, bx, c10x);
                c10y = Vector512.FusedMultiplyAdd(broadcast, by, c10y);
                broadcast = Vector512.Create(a3[aThird]);
                c11x = Vector512.FusedMultiplyAdd(broadcast, bx, c11x);
                c11y = Vector512.FusedMultiplyAdd(broadcast, by, c11y);
                a0 += stepStride;
                a1 += stepStride;
                a2 += stepStride;
                a3 += stepStride;
                b += Width;
            }
            a0 += jump;
            a1 += jump;
            a2 += jump;
            a3 += jump;
        }
        c0x.Store(d0); c0y.Store(d0 + 16);
        c1x.Store(d0 + dSecond); c1y.Store(d0 + dSecond + 16);
        c2x.Store(d0 + dThird); c2y.Store(d0 + dThird + 16);
        c3x.Store(d1); c3y.Store(d1 + 16);
        c4x.Store(d1 + dSecond); c4y.Store(d1 + dSecond + 16);
        c5x.Store(d1 + dThird); c5y.Store(d1 + dThird + 16);
        c6x.Store(d2); c6y.Store(d2 + 16);
        c7x.Store(d2 + dSecond); c7y.Store(d2 + dSecond + 16);
        c8x.Store(d2 + dThird); c8y.Store(d2 + dThird + 16);
        c9x.Store(d3); c9y.Store(d3 + 16);
        c10x.Store(d3 + dSecond); c10y.Store(d3 + dSecond + 16);
        c11x.Store(d3 + dThird); c11y.Store(d3 + dThird + 16);
    }

    /// <summary>6 rows of 2 × 8 outputs; a quarter of a tile.</summary>
    private static void Compute256(in LeftOperand left, float* b, float* c, nint cStride, int rows, bool accumulate)
    {
        Vector256<float> c0x = default, c0y = default, c1x = default, c1y = default, c2x = default, c2y = default,
            c3x = default, c3y = default, c4x = default, c4y = default, c5x = default, c5y = default;
        // Rows of a group: 0, second, third; groups begin at rows 0, 3, 6, 9 or earlier.
        (nint second, nint third) = (Math.Min(1, rows - 1), Math.Min(2, rows - 1));
        nint last = Math.Max(0, rows - 3);
        nint group1 = Math.Min(3, last);
        float* d0 = c, d1 = c + (group1 * cStride);
        (nint dSecond, nint dThird) = (second * cStride, third * cStride);
        if (accumulate)
        {
            c0x = Vector256.Load(d0); c0y = Vector256.Load(d0 + 8);
            c1x = Vector256.Load(d0 + dSecond); c1y = Vector256.Load(d0 + dSecond + 8);
            c2x = Vector256.Load(d0 + dThird); c2y = Vector256.Load(d0 + dThird + 8);
            c3x = Vector256.Load(d1); c3y = Vector256.Load(d1 + 8);
            c4x = Vector256.Load(d1 + dSecond); c4y = Vector256.Load(d1 + dSecond + 8);
            c5x = Vector256.Load(d1 + dThird); c5y = Vector256.Load(d1 + dThird + 8);
        }
        (nint stepStride, nint aSecond, nint aThird) = (left.StepStride, second * left.RowStride, third * left.RowStride);
        float* a0 = left.First, a1 = a0 + (group1 * left.RowStride);
        nint jump = left.BlockStride - (left.Steps * stepStride);
        for (int block = left.Blocks; block > 0; block--)
        {
            for (int k = left.Steps; k > 0; k--)
            {
                Vector256<float> bx = Vector256.Load(b), by = Vector256.Load(b + 8);
                Vector256<float> broadcast = Vector256.Create(*a0);
                c0x = Vector256.FusedMultiplyAdd(broadcast, bx, c0x);
                c0y = Vector256.FusedMultiplyAdd(broadcast, by, c0y);
                broadcast = Vector256.Create(a0[aSecond]);
                c1x = Vector256.FusedMultiplyAdd(broadcast, bx, c1x);
                c1y = Vector256.FusedMultiplyAdd(broadcast, by, c1y);
                broadcast = Vector256.Create(a0[aThird]);
                c2x = Vector256.FusedMultiplyAdd(broadcast, bx, c2x);
                c2y = Vector256.FusedMultiplyAdd(broadcast, by, c2y);
                broadcast = Vector256.Create(*a1);
                c3x = Vector256.FusedMultiplyAdd(broadcast, bx, c3x);
                c3y = Vector256.FusedMultiplyAdd(broadcast, by, c3y);
                broadcast = Vector256.Create(a1[aSecond]);
                c4x = Vector256.FusedMultiplyAdd(broadcast, bx, c4x);
                c4y = Vector256.FusedMultiplyAdd(broadcast, by, c4y);
                broadcast = Vector256.Create(a1[aThird]);
                c5x = Vector256.FusedMultiplyAdd(broadcast, bx, c5x);
                c5y = Vector256.FusedMultiplyAdd(broadcast, by, c5y);
                a0 += stepStride;
                a1 += stepStride;
                b += Width;
            }
            a0 += jump;
            a1 += jump;
        }
        c0x.Store(d0); c0y.Store(d0 + 8);
        c1x.Store(d0 + dSecond); c1y.Store(d0 + dSecond + 8);
        c2x.Store(d0 + dThird); c2y.Store(d0 + dThird + 8);
        c3x.Store(d1); c3y.Store(d1 + 8);
        c4x.Store(d1 + dSecond); c4y.Store(d1 + dSecond + 8);
        c5x.Store(d1 + dThird); c5y.Store(d1 + dThird + 8);
    }
}
