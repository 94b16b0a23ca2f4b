using DistTrainer.Engine.Data;

namespace DistTrainer.Cli;

/// <summary>Columns of samples, which are read row by row.</summary>
internal static class SampleColumns
{
    private const int RowsAtOnce = 1024;
    private const int ColumnsAtOnce = 64;

    /// <summary>One target of all samples.</summary>
    /// <param name="data">The samples.</param>
    /// <param name="target">Number of the target.</param>
    public static float[] Targets(ISampleSource data, int target)
    {
        float[] column = new float[data.Count];
        float[] rows = new float[RowsAtOnce * data.TargetWidth];
        foreach (int[] samples in Blocks(data))
        {
            data.Read(samples, default, rows.AsSpan(0, samples.Length * data.TargetWidth));
            for (int row = 0; row < samples.Length; row++)
                column[samples[row]] = rows[(row * data.TargetWidth) + target];
        }
        return column;
    }

    /// <summary>The first features, one after another, each of all samples. A pass gives 64 of them.</summary>
    /// <param name="data">The samples.</param>
    /// <param name="count">How many features.</param>
    public static IEnumerable<float[]> Features(ISampleSource data, int count)
    {
        for (int first = 0; first < count; first += ColumnsAtOnce)
        {
            foreach (float[] column in Features(data, first, Math.Min(ColumnsAtOnce, count - first)))
                yield return column;
        }
    }

    private static float[][] Features(ISampleSource data, int first, int count)
    {
        float[][] columns = [.. Enumerable.Range(0, count).Select(_ => new float[data.Count])];
        float[] rows = new float[RowsAtOnce * data.FeatureCount];
        foreach (int[] samples in Blocks(data))
        {
            data.Read(samples, rows.AsSpan(0, samples.Length * data.FeatureCount), default);
            for (int row = 0; row < samples.Length; row++)
            {
                for (int column = 0; column < count; column++)
                    columns[column][samples[row]] = rows[(row * data.FeatureCount) + first + column];
            }
        }
        return columns;
    }

    private static IEnumerable<int[]> Blocks(ISampleSource data)
    {
        int count = checked((int)data.Count);
        for (int first = 0; first < count; first += RowsAtOnce)
            yield return [.. Enumerable.Range(first, Math.Min(RowsAtOnce, count - first))];
    }
}
