using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Numerics;

/// <summary>Quarters of a tile, up to 6 rows of 2 × 8 outputs: 12 accumulators of 16 registers.</summary>
internal static unsafe class TileKernel256
{
    /// <summary>
    /// Computes as many pairs of rows as the type says, of 16 outputs each; otherwise as
    /// <see cref="TileKernel.Compute"/>.
    /// </summary>
    public static void Compute<TPairs>(
        in LeftOperand left, float* b, float* c, nint cStride, int rows, bool accumulate, bool adds)
        where TPairs : struct, IRowPairs
    {
        Vector256<float> c0x = default, c0y = default, c1x = default, c1y = default, c2x = default, c2y = default,
            c3x = default, c3y = default, c4x = default, c4y = default, c5x = default, c5y = default;
        nint last = Math.Max(0, rows - 2), one = Math.Min(1, rows - 1);
        nint pair1 = Math.Min(2, last), pair2 = Math.Min(4, last);
        float* d0 = c, d1 = c + (pair1 * cStride), d2 = c + (pair2 * cStride);
        nint below = one * cStride;
        if (accumulate)
        {
            c0x = Vector256.Load(d0); c0y = Vector256.Load(d0 + 8);
            c1x = Vector256.Load(d0 + below); c1y = Vector256.Load(d0 + below + 8);
            if (TPairs.Count > 1)
            {
                c2x = Vector256.Load(d1); c2y = Vector256.Load(d1 + 8);
                c3x = Vector256.Load(d1 + below); c3y = Vector256.Load(d1 + below + 8);
            }
            if (TPairs.Count > 2)
            {
                c4x = Vector256.Load(d2); c4y = Vector256.Load(d2 + 8);
                c5x = Vector256.Load(d2 + below); c5y = Vector256.Load(d2 + below + 8);
            }
        }
        (nint step, nint next) = (left.StepStride, one * left.RowStride);
        float* a0 = left.First, a1 = a0 + (pair1 * left.RowStride), a2 = a0 + (pair2 * left.RowStride);
        nint jump = left.BlockStride - (left.Steps * step);
        for (int block = left.Blocks; block > 0; block--)
        {
            for (int k = left.Steps; k > 0; k--)
            {
                Vector256<float> bx = Vector256.Load(b), by = Vector256.Load(b + 8), broadcast;
                broadcast = Vector256.Create(*a0);
                c0x = Vector256.FusedMultiplyAdd(broadcast, bx, c0x);
                c0y = Vector256.FusedMultiplyAdd(broadcast, by, c0y);
                broadcast = Vector256.Create(a0[next]);
                c1x = Vector256.FusedMultiplyAdd(broadcast, bx, c1x);
                c1y = Vector256.FusedMultiplyAdd(broadcast, by, c1y);
                a0 += step;
                if (TPairs.Count > 1)
                {
                    broadcast = Vector256.Create(*a1);
                    c2x = Vector256.FusedMultiplyAdd(broadcast, bx, c2x);
                    c2y = Vector256.FusedMultiplyAdd(broadcast, by, c2y);
                    broadcast = Vector256.Create(a1[next]);
                    c3x = Vector256.FusedMultiplyAdd(broadcast, bx, c3x);
                    c3y = Vector256.FusedMultiplyAdd(broadcast, by, c3y);
                    a1 += step;
                }
                if (TPairs.Count > 2)
                {
                    broadcast = Vector256.Create(*a2);
                    c4x = Vector256.FusedMultiplyAdd(broadcast, bx, c4x);
                    c4y = Vector256.FusedMultiplyAdd(broadcast, by, c4y);
                    broadcast = Vector256.Create(a2[next]);
                    c5x = Vector256.FusedMultiplyAdd(broadcast, bx, c5x);
                    c5y = Vector256.FusedMultiplyAdd(broadcast, by, c5y);
                    a2 += step;
                }
                b += TileKernel.Width;
            }
            a0 += jump;
            a1 += jump;
            a2 += jump;
        }
        if (adds)
        {
            c0x = Vector256.Load(d0) + c0x; c0y = Vector256.Load(d0 + 8) + c0y;
            c1x = Vector256.Load(d0 + below) + c1x; c1y = Vector256.Load(d0 + below + 8) + c1y;
            if (TPairs.Count > 1)
            {
                c2x = Vector256.Load(d1) + c2x; c2y = Vector256.Load(d1 + 8) + c2y;
                c3x = Vector256.Load(d1 + below) + c3x; c3y = Vector256.Load(d1 + below + 8) + c3y;
            }
            if (TPairs.Count > 2)
            {
                c4x = Vector256.Load(d2) + c4x; c4y = Vector256.Load(d2 + 8) + c4y;
                c5x = Vector256.Load(d2 + below) + c5x; c5y = Vector256.Load(d2 + below + 8) + c5y;
            }
        }
        c0x.Store(d0); c0y.Store(d0 + 8);
        c1x.Store(d0 + below); c1y.Store(d0 + below + 8);
        if (TPairs.Count > 1)
        {
            c2x.Store(d1); c2y.Store(d1 + 8);
            c3x.Store(d1 + below); c3y.Store(d1 + below + 8);
        }
        if (TPairs.Count > 2)
        {
            c4x.Store(d2); c4y.Store(d2 + 8);
            c5x.Store(d2 + below); c5y.Store(d2 + below + 8);
        }
    }
}
