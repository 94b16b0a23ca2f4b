using System.Buffers;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Copies the features of some parts' rows out of raw data and scales them: stretch by stretch in the order of the
/// file. What was copied is forgotten, so that large data are never in memory twice.
/// </summary>
/// <param name="raw">All rows.</param>
/// <param name="parts">Numbers of each part's rows, ascending.</param>
/// <param name="normalization">How features are scaled.</param>
internal sealed class RowGather(RawMatrix raw, int[][] parts, Normalization normalization)
{
    private const int BlockRows = 512;
    private const int RowsAtOnce = 64;
    private const long StretchValues = 2 << 20;

    private readonly int _width = raw.Features.Width;
    private readonly int[] _firstBad = Array.ConvertAll(parts, _ => int.MaxValue);

    /// <summary>[rows, features] row-major, a part each.</summary>
    public float[][] Features { get; } = Array.ConvertAll(parts, rows =>
    {
        RawData.CheckSize(raw.Path, rows.Length, raw.Features.Width);
        float[] values = GC.AllocateUninitializedArray<float>(rows.Length * raw.Features.Width);
        AlignedBuffer.AdviseHugePages(values);
        return values;
    });

    /// <summary>Copies all rows.</summary>
    /// <exception cref="DistTrainerException">A value cannot be scaled.</exception>
    public void Run()
    {
        LargeMemory.Collect(raw);
        int stretch = (int)Math.Max(BlockRows, StretchValues / _width / BlockRows * BlockRows);
        int[] next = new int[parts.Length];
        for (int start = 0; start < raw.Count; start += Math.Min(stretch, raw.Count - start))
        {
            int end = start + Math.Min(stretch, raw.Count - start);
            for (int part = 0; part < parts.Length; part++)
            {
                int found = Array.BinarySearch(parts[part], next[part], parts[part].Length - next[part], end);
                int after = found < 0 ? ~found : found;
                Copy(part, next[part], after);
                next[part] = after;
            }
            if (end < raw.Count)
                raw.Features.Forget(end); // the next stretch takes its place
        }
        int bad = _firstBad.FirstOrDefault(row => row != int.MaxValue, -1);
        if (bad >= 0)
            throw DataError.Of(
                $"{raw.RowPlace(bad)}: a feature is so far from the training data that it cannot be scaled; correct "
                + "it, or choose another data.normalization.");
    }

    /// <summary>Copies some rows of a part. They are independent, so blocks of them are done in parallel.</summary>
    private void Copy(int part, int start, int end)
    {
        int blocks = (end - start + BlockRows - 1) / BlockRows;
        if (blocks <= 2)
        {
            CopyRows(part, start, end, new double[Math.Min(RowsAtOnce, end - start) * _width]);
            return;
        }
        Parallel.For(0, blocks, () => ArrayPool<double>.Shared.Rent(RowsAtOnce * _width), (block, _, values) =>
        {
            int first = start + (block * BlockRows);
            CopyRows(part, first, Math.Min(end, first + BlockRows), values);
            return values;
        }, values => ArrayPool<double>.Shared.Return(values));
    }

    private void CopyRows(int part, int start, int end, double[] values)
    {
        for (int first = start; first < end; first += RowsAtOnce)
        {
            ReadOnlySpan<int> rows = parts[part].AsSpan(first, Math.Min(RowsAtOnce, end - first));
            raw.Features.CopyRows(rows, values);
            for (int i = 0; i < rows.Length; i++)
            {
                if (!normalization.ScaleFeatures(
                    values.AsSpan(i * _width, _width), Features[part].AsSpan((first + i) * _width, _width)))
                    InterlockedMin(ref _firstBad[part], rows[i]);
            }
        }
    }

    private static void InterlockedMin(ref int least, int value)
    {
        for (int known = least; value < known;)
        {
            int before = Interlocked.CompareExchange(ref least, value, known);
            if (before == known)
                return;
            known = before;
        }
    }
}

/// <summary>The memory of data that are much of what the process has.</summary>
internal static class LargeMemory
{
    private const long Large = 16 << 20;

    /// <summary>
    /// Gives back what large data do not need any more: the runtime would wait until as much again has come together.
    /// </summary>
    /// <param name="raw">The data.</param>
    public static void Collect(RawData raw)
    {
        int width = raw switch
        {
            RawTable table => table.Columns.Count,
            RawMatrix { Features: Columns.TableEncoder features } => features.Width,
            _ => 0, // not on the collector's heap, or kept
        };
        if ((long)raw.Count * width >= Large)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
