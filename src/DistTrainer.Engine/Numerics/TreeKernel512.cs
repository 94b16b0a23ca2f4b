using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// Tiles of up to 6 rows of 2 × 16 weights whose sum walks the tree of many small data shards: 12 accumulators hold the
/// data shard at hand, 12 its left neighbour, so that only every second sum leaves the registers.
/// </summary>
internal static unsafe class TreeKernel512
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 6;

    /// <summary>Floats of one level of the stack.</summary>
    public const int Size = Rows * TileKernel.Width;

    private const int Width = TileKernel.Width;

    /// <summary>
    /// c[r, j] = Σ over data shards, in the tree, of Σ over the data shard's rows b in rising order, one chain from
    /// zero, of dy[r, b] · x[b, j].
    /// </summary>
    /// <param name="dy">The tile's first row in the first panel: [rows, 32] of [panels, outputs, 32].</param>
    /// <param name="panelStride">Floats between two panels of <paramref name="dy"/>.</param>
    /// <param name="x">[all rows, 32].</param>
    /// <param name="bounds">First rows of the data shards of one complete subtree, and the end of the last.</param>
    /// <param name="stack">Space for <see cref="Size"/> floats a level of the tree.</param>
    /// <param name="c">The weights' gradient; overwritten.</param>
    /// <param name="cStride">Floats between two rows of <paramref name="c"/>.</param>
    /// <param name="rows">Rows of the tile, 1 … <see cref="Rows"/>.</param>
    /// <param name="streams">Whether c is aligned to 64 bytes and is written past the caches.</param>
    public static void Compute(
        float* dy, nint panelStride, float* x, ReadOnlySpan<int> bounds, float* stack, float* c, nint cStride,
        int rows, bool streams)
    {
        switch ((rows + 1) / 2)
        {
            case 1: Compute<RowPairs1>(dy, panelStride, x, bounds, stack, c, cStride, rows, streams); break;
            case 2: Compute<RowPairs2>(dy, panelStride, x, bounds, stack, c, cStride, rows, streams); break;
            default: Compute<RowPairs3>(dy, panelStride, x, bounds, stack, c, cStride, rows, streams); break;
        }
    }

    private static void Compute<TPairs>(
        float* dy, nint panelStride, float* x, ReadOnlySpan<int> bounds, float* stack, float* c, nint cStride,
        int rows, bool streams)
        where TPairs : struct, IRowPairs
    {
        // The sum that waits for its right neighbour.
        Vector512<float> t0x = default, t0y = default, t1x = default, t1y = default, t2x = default, t2y = default,
            t3x = default, t3y = default, t4x = default, t4y = default, t5x = default, t5y = default;
        // An odd last row takes the one before to it, which is computed and stored twice, with the same bits.
        nint last = Math.Max(0, rows - 2), one = Math.Min(1, rows - 1);
        nint pair1 = Math.Min(2, last), pair2 = Math.Min(4, last), next = one * Width;
        for (int shard = 0; shard + 1 < bounds.Length; shard++)
        {
            Vector512<float> c0x = default, c0y = default, c1x = default, c1y = default, c2x = default, c2y = default,
                c3x = default, c3y = default, c4x = default, c4y = default, c5x = default, c5y = default;
            (int row, int end) = (bounds[shard], bounds[shard + 1]);
            float* b = x + ((nint)row * Width);
            while (row < end)
            {
                int panel = row / Width, steps = Math.Min(end, (panel + 1) * Width) - row;
                float* a0 = dy + (panel * panelStride) + (row % Width), a1 = a0 + (pair1 * Width),
                    a2 = a0 + (pair2 * Width);
                row += steps;
                for (; steps > 0; steps--)
                {
                    Vector512<float> bx = Vector512.Load(b), by = Vector512.Load(b + 16), broadcast;
                    broadcast = Vector512.Create(*a0);
                    c0x = Vector512.FusedMultiplyAdd(broadcast, bx, c0x);
                    c0y = Vector512.FusedMultiplyAdd(broadcast, by, c0y);
                    broadcast = Vector512.Create(a0[next]);
                    c1x = Vector512.FusedMultiplyAdd(broadcast, bx, c1x);
                    c1y = Vector512.FusedMultiplyAdd(broadcast, by, c1y);
                    a0++;
                    if (TPairs.Count > 1)
                    {
                        broadcast = Vector512.Create(*a1);
                        c2x = Vector512.FusedMultiplyAdd(broadcast, bx, c2x);
                        c2y = Vector512.FusedMultiplyAdd(broadcast, by, c2y);
                        broadcast = Vector512.Create(a1[next]);
                        c3x = Vector512.FusedMultiplyAdd(broadcast, bx, c3x);
                        c3y = Vector512.FusedMultiplyAdd(broadcast, by, c3y);
                        a1++;
                    }
                    if (TPairs.Count > 2)
                    {
                        broadcast = Vector512.Create(*a2);
                        c4x = Vector512.FusedMultiplyAdd(broadcast, bx, c4x);
                        c4y = Vector512.FusedMultiplyAdd(broadcast, by, c4y);
                        broadcast = Vector512.Create(a2[next]);
                        c5x = Vector512.FusedMultiplyAdd(broadcast, bx, c5x);
                        c5y = Vector512.FusedMultiplyAdd(broadcast, by, c5y);
                        a2++;
                    }
                    b += Width;
                }
            }
            if ((shard & 1) == 0)
            {
                (t0x, t0y, t1x, t1y) = (c0x, c0y, c1x, c1y);
                (t2x, t2y, t3x, t3y) = (c2x, c2y, c3x, c3y);
                (t4x, t4y, t5x, t5y) = (c4x, c4y, c5x, c5y);
                continue;
            }
            t0x += c0x; t0y += c0y; t1x += c1x; t1y += c1y;
            if (TPairs.Count > 1)
            {
                t2x += c2x; t2y += c2y; t3x += c3x; t3y += c3y;
            }
            if (TPairs.Count > 2)
            {
                t4x += c4x; t4y += c4y; t5x += c5x; t5y += c5y;
            }
            float* place = stack;
            int pair = shard >> 1;
            for (; (pair & 1) == 1; pair >>= 1, place += Size)
            {
                t0x = Vector512.Load(place) + t0x; t0y = Vector512.Load(place + 16) + t0y;
                t1x = Vector512.Load(place + 32) + t1x; t1y = Vector512.Load(place + 48) + t1y;
                if (TPairs.Count > 1)
                {
                    t2x = Vector512.Load(place + 64) + t2x; t2y = Vector512.Load(place + 80) + t2y;
                    t3x = Vector512.Load(place + 96) + t3x; t3y = Vector512.Load(place + 112) + t3y;
                }
                if (TPairs.Count > 2)
                {
                    t4x = Vector512.Load(place + 128) + t4x; t4y = Vector512.Load(place + 144) + t4y;
                    t5x = Vector512.Load(place + 160) + t5x; t5y = Vector512.Load(place + 176) + t5y;
                }
            }
            if (shard + 2 == bounds.Length)
                break;
            t0x.Store(place); t0y.Store(place + 16);
            t1x.Store(place + 32); t1y.Store(place + 48);
            if (TPairs.Count > 1)
            {
                t2x.Store(place + 64); t2y.Store(place + 80);
                t3x.Store(place + 96); t3y.Store(place + 112);
            }
            if (TPairs.Count > 2)
            {
                t4x.Store(place + 128); t4y.Store(place + 144);
                t5x.Store(place + 160); t5y.Store(place + 176);
            }
        }
        Store(t0x, t0y, c, streams);
        Store(t1x, t1y, c + (one * cStride), streams);
        if (TPairs.Count > 1)
        {
            Store(t2x, t2y, c + (pair1 * cStride), streams);
            Store(t3x, t3y, c + ((pair1 + one) * cStride), streams);
        }
        if (TPairs.Count > 2)
        {
            Store(t4x, t4y, c + (pair2 * cStride), streams);
            Store(t5x, t5y, c + ((pair2 + one) * cStride), streams);
        }
    }

    private static void Store(Vector512<float> left, Vector512<float> right, float* to, bool streams)
    {
        if (streams)
        {
            left.StoreAlignedNonTemporal(to);
            right.StoreAlignedNonTemporal(to + 16);
        }
        else
        {
            left.Store(to);
            right.Store(to + 16);
        }
    }
}
