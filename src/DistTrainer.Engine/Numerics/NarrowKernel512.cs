using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// Tiles of up to 12 rows of 16 outputs, for panels of which no more than half is in use: 12 accumulators of 32
/// registers.
/// </summary>
internal static unsafe class NarrowKernel512
{
    /// <summary>
    /// Computes the first half of each row as <see cref="TileKernel512"/> does, and puts zeros in the second.
    /// </summary>
    public static void Compute<TPairs>(
        in LeftOperand left, float* b, float* c, nint cStride, int rows, bool accumulate)
        where TPairs : struct, IRowPairs
    {
        Vector512<float> c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default,
            c6 = default, c7 = default, c8 = default, c9 = default, c10 = default, c11 = default;
        nint last = Math.Max(0, rows - 2), one = Math.Min(1, rows - 1);
        nint pair1 = Math.Min(2, last), pair2 = Math.Min(4, last), pair3 = Math.Min(6, last), pair4 = Math.Min(8, last),
            pair5 = Math.Min(10, last);
        float* d0 = c, d1 = c + (pair1 * cStride), d2 = c + (pair2 * cStride), d3 = c + (pair3 * cStride),
            d4 = c + (pair4 * cStride), d5 = c + (pair5 * cStride);
        nint below = one * cStride;
        if (accumulate)
        {
            c0 = Vector512.Load(d0); c1 = Vector512.Load(d0 + below);
            if (TPairs.Count > 1)
            {
                c2 = Vector512.Load(d1); c3 = Vector512.Load(d1 + below);
            }
            if (TPairs.Count > 2)
            {
                c4 = Vector512.Load(d2); c5 = Vector512.Load(d2 + below);
            }
            if (TPairs.Count > 3)
            {
                c6 = Vector512.Load(d3); c7 = Vector512.Load(d3 + below);
            }
            if (TPairs.Count > 4)
            {
                c8 = Vector512.Load(d4); c9 = Vector512.Load(d4 + below);
            }
            if (TPairs.Count > 5)
            {
                c10 = Vector512.Load(d5); c11 = Vector512.Load(d5 + below);
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
                Vector512<float> x = Vector512.Load(b);
                c0 = Vector512.FusedMultiplyAdd(Vector512.Create(*a0), x, c0);
                c1 = Vector512.FusedMultiplyAdd(Vector512.Create(a0[next]), x, c1);
                a0 += step;
                if (TPairs.Count > 1)
                {
                    c2 = Vector512.FusedMultiplyAdd(Vector512.Create(*a1), x, c2);
                    c3 = Vector512.FusedMultiplyAdd(Vector512.Create(a1[next]), x, c3);
                    a1 += step;
                }
                if (TPairs.Count > 2)
                {
                    c4 = Vector512.FusedMultiplyAdd(Vector512.Create(*a2), x, c4);
                    c5 = Vector512.FusedMultiplyAdd(Vector512.Create(a2[next]), x, c5);
                    a2 += step;
                }
                if (TPairs.Count > 3)
                {
                    c6 = Vector512.FusedMultiplyAdd(Vector512.Create(*a3), x, c6);
                    c7 = Vector512.FusedMultiplyAdd(Vector512.Create(a3[next]), x, c7);
                    a3 += step;
                }
                if (TPairs.Count > 4)
                {
                    c8 = Vector512.FusedMultiplyAdd(Vector512.Create(*a4), x, c8);
                    c9 = Vector512.FusedMultiplyAdd(Vector512.Create(a4[next]), x, c9);
                    a4 += step;
                }
                if (TPairs.Count > 5)
                {
                    c10 = Vector512.FusedMultiplyAdd(Vector512.Create(*a5), x, c10);
                    c11 = Vector512.FusedMultiplyAdd(Vector512.Create(a5[next]), x, c11);
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
        Store(c0, d0);
        Store(c1, d0 + below);
        if (TPairs.Count > 1)
        {
            Store(c2, d1);
            Store(c3, d1 + below);
        }
        if (TPairs.Count > 2)
        {
            Store(c4, d2);
            Store(c5, d2 + below);
        }
        if (TPairs.Count > 3)
        {
            Store(c6, d3);
            Store(c7, d3 + below);
        }
        if (TPairs.Count > 4)
        {
            Store(c8, d4);
            Store(c9, d4 + below);
        }
        if (TPairs.Count > 5)
        {
            Store(c10, d5);
            Store(c11, d5 + below);
        }
    }

    private static void Store(Vector512<float> half, float* to)
    {
        half.Store(to);
        Vector512<float>.Zero.Store(to + TileKernel.NarrowWidth);
    }
}
