using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Numerics;

/// <summary>Tiles of up to 12 rows of 2 × 16 outputs: 24 accumulators of 32 registers.</summary>
internal static unsafe class TileKernel512
{
    /// <summary>
    /// Computes as many pairs of rows as the type says; otherwise as <see cref="TileKernel.Compute"/>.
    /// </summary>
    public static void Compute<TPairs>(
        in LeftOperand left, float* b, float* c, nint cStride, int rows, bool accumulate, bool adds)
        where TPairs : struct, IRowPairs
    {
        Vector512<float> c0x = default, c0y = default, c1x = default, c1y = default, c2x = default, c2y = default,
            c3x = default, c3y = default, c4x = default, c4y = default, c5x = default, c5y = default,
            c6x = default, c6y = default, c7x = default, c7y = default, c8x = default, c8y = default,
            c9x = default, c9y = default, c10x = default, c10y = default, c11x = default, c11y = default;
        nint last = Math.Max(0, rows - 2), one = Math.Min(1, rows - 1);
        nint pair1 = Math.Min(2, last), pair2 = Math.Min(4, last), pair3 = Math.Min(6, last), pair4 = Math.Min(8, last),
            pair5 = Math.Min(10, last);
        float* d0 = c, d1 = c + (pair1 * cStride), d2 = c + (pair2 * cStride), d3 = c + (pair3 * cStride),
            d4 = c + (pair4 * cStride), d5 = c + (pair5 * cStride);
        nint below = one * cStride;
        if (accumulate)
        {
            c0x = Vector512.Load(d0); c0y = Vector512.Load(d0 + 16);
            c1x = Vector512.Load(d0 + below); c1y = Vector512.Load(d0 + below + 16);
            if (TPairs.Count > 1)
            {
                c2x = Vector512.Load(d1); c2y = Vector512.Load(d1 + 16);
                c3x = Vector512.Load(d1 + below); c3y = Vector512.Load(d1 + below + 16);
            }
            if (TPairs.Count > 2)
            {
                c4x = Vector512.Load(d2); c4y = Vector512.Load(d2 + 16);
                c5x = Vector512.Load(d2 + below); c5y = Vector512.Load(d2 + below + 16);
            }
            if (TPairs.Count > 3)
            {
                c6x = Vector512.Load(d3); c6y = Vector512.Load(d3 + 16);
                c7x = Vector512.Load(d3 + below); c7y = Vector512.Load(d3 + below + 16);
            }
            if (TPairs.Count > 4)
            {
                c8x = Vector512.Load(d4); c8y = Vector512.Load(d4 + 16);
                c9x = Vector512.Load(d4 + below); c9y = Vector512.Load(d4 + below + 16);
            }
            if (TPairs.Count > 5)
            {
                c10x = Vector512.Load(d5); c10y = Vector512.Load(d5 + 16);
                c11x = Vector512.Load(d5 + below); c11y = Vector512.Load(d5 + below + 16);
            }
        }
        (nint step, nint next) = (left.StepStride, one * left.RowStride);
        float* a0 = left.First, a1 = a0 + (pair1 * left.RowStride), a2 = a0 + (pair2 * left.RowStride),
            a3 = a0 + (pair3 * left.RowStride), a4 = a0 + (pair4 * left.RowStride), a5 = a0 + (pair5 * left.RowStride);
        nint jump = left.BlockStride - (left.Steps * step);
        for (int block = left.Blocks; block > 0; block--)
        {
            for (int k = left.Steps; k > 0; k--)
            {
                Vector512<float> bx = Vector512.Load(b), by = Vector512.Load(b + 16), broadcast;
                broadcast = Vector512.Create(*a0);
                c0x = Vector512.FusedMultiplyAdd(broadcast, bx, c0x);
                c0y = Vector512.FusedMultiplyAdd(broadcast, by, c0y);
                broadcast = Vector512.Create(a0[next]);
                c1x = Vector512.FusedMultiplyAdd(broadcast, bx, c1x);
                c1y = Vector512.FusedMultiplyAdd(broadcast, by, c1y);
                a0 += step;
                if (TPairs.Count > 1)
                {
                    broadcast = Vector512.Create(*a1);
                    c2x = Vector512.FusedMultiplyAdd(broadcast, bx, c2x);
                    c2y = Vector512.FusedMultiplyAdd(broadcast, by, c2y);
                    broadcast = Vector512.Create(a1[next]);
                    c3x = Vector512.FusedMultiplyAdd(broadcast, bx, c3x);
                    c3y = Vector512.FusedMultiplyAdd(broadcast, by, c3y);
                    a1 += step;
                }
                if (TPairs.Count > 2)
                {
                    broadcast = Vector512.Create(*a2);
                    c4x = Vector512.FusedMultiplyAdd(broadcast, bx, c4x);
                    c4y = Vector512.FusedMultiplyAdd(broadcast, by, c4y);
                    broadcast = Vector512.Create(a2[next]);
                    c5x = Vector512.FusedMultiplyAdd(broadcast, bx, c5x);
                    c5y = Vector512.FusedMultiplyAdd(broadcast, by, c5y);
                    a2 += step;
                }
                if (TPairs.Count > 3)
                {
                    broadcast = Vector512.Create(*a3);
                    c6x = Vector512.FusedMultiplyAdd(broadcast, bx, c6x);
                    c6y = Vector512.FusedMultiplyAdd(broadcast, by, c6y);
                    broadcast = Vector512.Create(a3[next]);
                    c7x = Vector512.FusedMultiplyAdd(broadcast, bx, c7x);
                    c7y = Vector512.FusedMultiplyAdd(broadcast, by, c7y);
                    a3 += step;
                }
                if (TPairs.Count > 4)
                {
                    broadcast = Vector512.Create(*a4);
                    c8x = Vector512.FusedMultiplyAdd(broadcast, bx, c8x);
                    c8y = Vector512.FusedMultiplyAdd(broadcast, by, c8y);
                    broadcast = Vector512.Create(a4[next]);
                    c9x = Vector512.FusedMultiplyAdd(broadcast, bx, c9x);
                    c9y = Vector512.FusedMultiplyAdd(broadcast, by, c9y);
                    a4 += step;
                }
                if (TPairs.Count > 5)
                {
                    broadcast = Vector512.Create(*a5);
                    c10x = Vector512.FusedMultiplyAdd(broadcast, bx, c10x);
                    c10y = Vector512.FusedMultiplyAdd(broadcast, by, c10y);
                    broadcast = Vector512.Create(a5[next]);
                    c11x = Vector512.FusedMultiplyAdd(broadcast, bx, c11x);
                    c11y = Vector512.FusedMultiplyAdd(broadcast, by, c11y);
                    a5 += step;
                }
                b += TileKernel.Width;
            }
            a0 += jump;
            a1 += jump;
            a2 += jump;
            a3 += jump;
            a4 += jump;
            a5 += jump;
        }
        if (adds)
        {
            c0x = Vector512.Load(d0) + c0x; c0y = Vector512.Load(d0 + 16) + c0y;
            c1x = Vector512.Load(d0 + below) + c1x; c1y = Vector512.Load(d0 + below + 16) + c1y;
            if (TPairs.Count > 1)
            {
                c2x = Vector512.Load(d1) + c2x; c2y = Vector512.Load(d1 + 16) + c2y;
                c3x = Vector512.Load(d1 + below) + c3x; c3y = Vector512.Load(d1 + below + 16) + c3y;
            }
            if (TPairs.Count > 2)
            {
                c4x = Vector512.Load(d2) + c4x; c4y = Vector512.Load(d2 + 16) + c4y;
                c5x = Vector512.Load(d2 + below) + c5x; c5y = Vector512.Load(d2 + below + 16) + c5y;
            }
            if (TPairs.Count > 3)
            {
                c6x = Vector512.Load(d3) + c6x; c6y = Vector512.Load(d3 + 16) + c6y;
                c7x = Vector512.Load(d3 + below) + c7x; c7y = Vector512.Load(d3 + below + 16) + c7y;
            }
            if (TPairs.Count > 4)
            {
                c8x = Vector512.Load(d4) + c8x; c8y = Vector512.Load(d4 + 16) + c8y;
                c9x = Vector512.Load(d4 + below) + c9x; c9y = Vector512.Load(d4 + below + 16) + c9y;
            }
            if (TPairs.Count > 5)
            {
                c10x = Vector512.Load(d5) + c10x; c10y = Vector512.Load(d5 + 16) + c10y;
                c11x = Vector512.Load(d5 + below) + c11x; c11y = Vector512.Load(d5 + below + 16) + c11y;
            }
        }
        c0x.Store(d0); c0y.Store(d0 + 16);
        c1x.Store(d0 + below); c1y.Store(d0 + below + 16);
        if (TPairs.Count > 1)
        {
            c2x.Store(d1); c2y.Store(d1 + 16);
            c3x.Store(d1 + below); c3y.Store(d1 + below + 16);
        }
        if (TPairs.Count > 2)
        {
            c4x.Store(d2); c4y.Store(d2 + 16);
            c5x.Store(d2 + below); c5y.Store(d2 + below + 16);
        }
        if (TPairs.Count > 3)
        {
            c6x.Store(d3); c6y.Store(d3 + 16);
            c7x.Store(d3 + below); c7y.Store(d3 + below + 16);
        }
        if (TPairs.Count > 4)
        {
            c8x.Store(d4); c8y.Store(d4 + 16);
            c9x.Store(d4 + below); c9y.Store(d4 + below + 16);
        }
        if (TPairs.Count > 5)
        {
            c10x.Store(d5); c10y.Store(d5 + 16);
            c11x.Store(d5 + below); c11y.Store(d5 + below + 16);
        }
    }
}
