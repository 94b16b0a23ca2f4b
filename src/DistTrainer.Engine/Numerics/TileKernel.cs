using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine;

/// <summary>
/// The innermost part of every matrix product: one tile of <see cref="Rows"/> × <see cref="Width"/> outputs in registers.
/// <code>c[r, j] (+)= Σ_k a[r · rowStride + k · stepStride] · b[k · Width + j]</code>
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

    /// <summary>Floats of one tile.</summary>
    public const int Size = Rows * Width;

    /// <summary>Computes one whole tile; c must have room for all of it and overlaps neither a nor b.</summary>
    /// <param name="a">First element of the left operand.</param>
    /// <param name="rowStride">Floats between two rows of the left operand.</param>
    /// <param name="stepStride">Floats between two steps of k of the left operand.</param>
    /// <param name="b">[steps, Width] of the right operand, contiguous.</param>
    /// <param name="c">The outputs.</param>
    /// <param name="cStride">Floats between two rows of the outputs.</param>
    /// <param name="steps">Length of the sum, ≥ 0.</param>
    /// <param name="accumulate">Whether the chains start at c (true) or at zero (false).</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Compute(
        float* a, nint rowStride, nint stepStride, float* b, float* c, nint cStride, int steps, bool accumulate)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Compute512(a, rowStride, stepStride, b, c, cStride, steps, accumulate);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            float* lower = a + (6 * rowStride);
            Compute256(a, rowStride, stepStride, b, c, cStride, steps, accumulate);
            Compute256(a, rowStride, stepStride, b + 16, c + 16, cStride, steps, accumulate);
            Compute256(lower, rowStride, stepStride, b, c + (6 * cStride), cStride, steps, accumulate);
            Compute256(lower, rowStride, stepStride, b + 16, c + (6 * cStride) + 16, cStride, steps, accumulate);
        }
        else
        {
            ComputeScalar(a, rowStride, stepStride, b, c, cStride, steps, accumulate);
        }
    }

    /// <summary>The same, slow and obvious: the reference that the fast kernels are tested against.</summary>
    public static void ComputeScalar(
        float* a, nint rowStride, nint stepStride, float* b, float* c, nint cStride, int steps, bool accumulate)
    {
        for (int r = 0; r < Rows; r++)
        {
            for (int j = 0; j < Width; j++)
            {
                float sum = accumulate ? c[(r * cStride) + j] : 0f;
                for (int k = 0; k < steps; k++)
                    sum = MathF.FusedMultiplyAdd(a[(r * rowStride) + (k * stepStride)], b[(k * Width) + j], sum);
                c[(r * cStride) + j] = sum;
            }
        }
    }

    /// <summary>12 rows of 2 × 16 outputs.</summary>
    private static void Compute512(
        float* a, nint rowStride, nint stepStride, float* b, float* c, nint cStride, int steps, bool accumulate)
    {
        Vector512<float> c0x = default, c0y = default, c1x = default, c1y = default, c2x = default, c2y = default,
            c3x = default, c3y = default, c4x = default, c4y = default, c5x = default, c5y = default,
            c6x = default, c6y = default, c7x = default, c7y = default, c8x = default, c8y = default,
            c9x = default, c9y = default, c10x = default, c10y = default, c11x = default, c11y = default;
        if (accumulate)
        {
            c0x = Vector512.Load(c + (0 * cStride)); c0y = Vector512.Load(c + (0 * cStride) + 16);
            c1x = Vector512.Load(c + (1 * cStride)); c1y = Vector512.Load(c + (1 * cStride) + 16);
            c2x = Vector512.Load(c + (2 * cStride)); c2y = Vector512.Load(c + (2 * cStride) + 16);
            c3x = Vector512.Load(c + (3 * cStride)); c3y = Vector512.Load(c + (3 * cStride) + 16);
            c4x = Vector512.Load(c + (4 * cStride)); c4y = Vector512.Load(c + (4 * cStride) + 16);
            c5x = Vector512.Load(c + (5 * cStride)); c5y = Vector512.Load(c + (5 * cStride) + 16);
            c6x = Vector512.Load(c + (6 * cStride)); c6y = Vector512.Load(c + (6 * cStride) + 16);
            c7x = Vector512.Load(c + (7 * cStride)); c7y = Vector512.Load(c + (7 * cStride) + 16);
            c8x = Vector512.Load(c + (8 * cStride)); c8y = Vector512.Load(c + (8 * cStride) + 16);
            c9x = Vector512.Load(c + (9 * cStride)); c9y = Vector512.Load(c + (9 * cStride) + 16);
            c10x = Vector512.Load(c + (10 * cStride)); c10y = Vector512.Load(c + (10 * cStride) + 16);
            c11x = Vector512.Load(c + (11 * cStride)); c11y = Vector512.Load(c + (11 * cStride) + 16);
        }
        float* a0 = a;
        float* a3 = a + (3 * rowStride);
        float* a6 = a + (6 * rowStride);
        float* a9 = a + (9 * rowStride);
        nint twoRows = 2 * rowStride;
        for (int k = 0; k < steps; k++)
        {
            Vector512<float> bx = Vector512.Load(b);
            Vector512<float> by = Vector512.Load(b + 16);
            Vector512<float> broadcast = Vector512.Create(*a0);
            c0x = Vector512.FusedMultiplyAdd(broadcast, bx, c0x);
            c0y = Vector512.FusedMultiplyAdd(broadcast, by, c0y);
            broadcast = Vector512.Create(a0[rowStride]);
            c1x = Vector512.FusedMultiplyAdd(broadcast, bx, c1x);
            c1y = Vector512.FusedMultiplyAdd(broadcast, by, c1y);
            broadcast = Vector512.Create(a0[twoRows]);
            c2x = Vector512.FusedMultiplyAdd(broadcast, bx, c2x);
            c2y = Vector512.FusedMultiplyAdd(broadcast, by, c2y);
            broadcast = Vector512.Create(*a3);
            c3x = Vector512.FusedMultiplyAdd(broadcast, bx, c3x);
            c3y = Vector512.FusedMultiplyAdd(broadcast, by, c3y);
            broadcast = Vector512.Create(a3[rowStride]);
            c4x = Vector512.FusedMultiplyAdd(broadcast, bx, c4x);
            c4y = Vector512.FusedMultiplyAdd(broadcast, by, c4y);
            broadcast = Vector512.Create(a3[twoRows]);
            c5x = Vector512.FusedMultiplyAdd(broadcast, bx, c5x);
            c5y = Vector512.FusedMultiplyAdd(broadcast, by, c5y);
            broadcast = Vector512.Create(*a6);
            c6x = Vector512.FusedMultiplyAdd(broadcast, bx, c6x);
            c6y = Vector512.FusedMultiplyAdd(broadcast, by, c6y);
            broadcast = Vector512.Create(a6[rowStride]);
            c7x = Vector512.FusedMultiplyAdd(broadcast, bx, c7x);
            c7y = Vector512.FusedMultiplyAdd(broadcast, by, c7y);
            broadcast = Vector512.Create(a6[twoRows]);
            c8x = Vector512.FusedMultiplyAdd(broadcast, bx, c8x);
            c8y = Vector512.FusedMultiplyAdd(broadcast, by, c8y);
            broadcast = Vector512.Create(*a9);
            c9x = Vector512.FusedMultiplyAdd(broadcast, bx, c9x);
            c9y = Vector512.FusedMultiplyAdd(broadcast, by, c9y);
            broadcast = Vector512.Create(a9[rowStride]);
            c10x = Vector512.FusedMultiplyAdd(broadcast, bx, c10x);
            c10y = Vector512.FusedMultiplyAdd(broadcast, by, c10y);
            broadcast = Vector512.Create(a9[twoRows]);
            c11x = Vector512.FusedMultiplyAdd(broadcast, bx, c11x);
            c11y = Vector512.FusedMultiplyAdd(broadcast, by, c11y);
            a0 += stepStride;
            a3 += stepStride;
            a6 += stepStride;
            a9 += stepStride;
            b += Width;
        }
        c0x.Store(c + (0 * cStride)); c0y.Store(c + (0 * cStride) + 16);
        c1x.Store(c + (1 * cStride)); c1y.Store(c + (1 * cStride) + 16);
        c2x.Store(c + (2 * cStride)); c2y.Store(c + (2 * cStride) + 16);
        c3x.Store(c + (3 * cStride)); c3y.Store(c + (3 * cStride) + 16);
        c4x.Store(c + (4 * cStride)); c4y.Store(c + (4 * cStride) + 16);
        c5x.Store(c + (5 * cStride)); c5y.Store(c + (5 * cStride) + 16);
        c6x.Store(c + (6 * cStride)); c6y.Store(c + (6 * cStride) + 16);
        c7x.Store(c + (7 * cStride)); c7y.Store(c + (7 * cStride) + 16);
        c8x.Store(c + (8 * cStride)); c8y.Store(c + (8 * cStride) + 16);
        c9x.Store(c + (9 * cStride)); c9y.Store(c + (9 * cStride) + 16);
        c10x.Store(c + (10 * cStride)); c10y.Store(c + (10 * cStride) + 16);
        c11x.Store(c + (11 * cStride)); c11y.Store(c + (11 * cStride) + 16);
    }

    /// <summary>6 rows of 2 × 8 outputs; a quarter of a tile.</summary>
    private static void Compute256(
        float* a, nint rowStride, nint stepStride, float* b, float* c, nint cStride, int steps, bool accumulate)
    {
        Vector256<float> c0x = default, c0y = default, c1x = default, c1y = default, c2x = default, c2y = default,
            c3x = default, c3y = default, c4x = default, c4y = default, c5x = default, c5y = default;
        if (accumulate)
        {
            c0x = Vector256.Load(c + (0 * cStride)); c0y = Vector256.Load(c + (0 * cStride) + 8);
            c1x = Vector256.Load(c + (1 * cStride)); c1y = Vector256.Load(c + (1 * cStride) + 8);
            c2x = Vector256.Load(c + (2 * cStride)); c2y = Vector256.Load(c + (2 * cStride) + 8);
            c3x = Vector256.Load(c + (3 * cStride)); c3y = Vector256.Load(c + (3 * cStride) + 8);
            c4x = Vector256.Load(c + (4 * cStride)); c4y = Vector256.Load(c + (4 * cStride) + 8);
            c5x = Vector256.Load(c + (5 * cStride)); c5y = Vector256.Load(c + (5 * cStride) + 8);
        }
        float* a0 = a;
        float* a3 = a + (3 * rowStride);
        nint twoRows = 2 * rowStride;
        for (int k = 0; k < steps; k++)
        {
            Vector256<float> bx = Vector256.Load(b);
            Vector256<float> by = Vector256.Load(b + 8);
            Vector256<float> broadcast = Vector256.Create(*a0);
            c0x = Vector256.FusedMultiplyAdd(broadcast, bx, c0x);
            c0y = Vector256.FusedMultiplyAdd(broadcast, by, c0y);
            broadcast = Vector256.Create(a0[rowStride]);
            c1x = Vector256.FusedMultiplyAdd(broadcast, bx, c1x);
            c1y = Vector256.FusedMultiplyAdd(broadcast, by, c1y);
            broadcast = Vector256.Create(a0[twoRows]);
            c2x = Vector256.FusedMultiplyAdd(broadcast, bx, c2x);
            c2y = Vector256.FusedMultiplyAdd(broadcast, by, c2y);
            broadcast = Vector256.Create(*a3);
            c3x = Vector256.FusedMultiplyAdd(broadcast, bx, c3x);
            c3y = Vector256.FusedMultiplyAdd(broadcast, by, c3y);
            broadcast = Vector256.Create(a3[rowStride]);
            c4x = Vector256.FusedMultiplyAdd(broadcast, bx, c4x);
            c4y = Vector256.FusedMultiplyAdd(broadcast, by, c4y);
            broadcast = Vector256.Create(a3[twoRows]);
            c5x = Vector256.FusedMultiplyAdd(broadcast, bx, c5x);
            c5y = Vector256.FusedMultiplyAdd(broadcast, by, c5y);
            a0 += stepStride;
            a3 += stepStride;
            b += Width;
        }
        c0x.Store(c + (0 * cStride)); c0y.Store(c + (0 * cStride) + 8);
        c1x.Store(c + (1 * cStride)); c1y.Store(c + (1 * cStride) + 8);
        c2x.Store(c + (2 * cStride)); c2y.Store(c + (2 * cStride) + 8);
        c3x.Store(c + (3 * cStride)); c3y.Store(c + (3 * cStride) + 8);
        c4x.Store(c + (4 * cStride)); c4y.Store(c + (4 * cStride) + 8);
        c5x.Store(c + (5 * cStride)); c5y.Store(c + (5 * cStride) + 8);
    }
}
