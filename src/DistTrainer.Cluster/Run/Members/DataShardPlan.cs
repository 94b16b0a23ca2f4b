using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Which data shards each worker of a row gets, as a pure function of how fast they are: in a row, at least one each
/// where there are enough, and so that the step's last worker is done as early as possible. Who computes a data shard
/// changes no bit.
/// </summary>
internal static class DataShardPlan
{
    /// <summary>
    /// What a plan may lose for fewer complete subtrees, as a share of the time: each is one more push of all
    /// parameters.
    /// </summary>
    private const double Slack = 0.02;

    /// <summary>The same number for all, within one.</summary>
    public static DataShardRange[] Even(int dataShards, int workers) => [.. Enumerable.Range(0, workers)
        .Select(worker => GradientTree.Share(dataShards, workers, worker))
        .Select(share => new DataShardRange(share.Start, share.Count))];

    /// <summary>
    /// By speed: the shortest time until all are done, and within <see cref="Slack"/> of it the fewest complete
    /// subtrees. Dynamic programming over workers and data shards (linear partitioning), at most workers · data shards²
    /// steps, and hardly more than data shards² where no worker is much slower than the others.
    /// </summary>
    /// <param name="dataShards">Data shards of a step, ≥ 1.</param>
    /// <param name="milliseconds">Time of each worker for a data shard, above 0.</param>
    public static DataShardRange[] BySpeed(int dataShards, ReadOnlySpan<double> milliseconds)
    {
        if (milliseconds.Length == 0 || milliseconds.Length >= dataShards)
            return Even(dataShards, milliseconds.Length);
        double[,] longest = Table(dataShards, milliseconds, double.PositiveInfinity, out _);
        double allowed = longest[milliseconds.Length, dataShards] * (1 + Slack);
        Table(dataShards, milliseconds, allowed, out int[,] starts);
        var ranges = new DataShardRange[milliseconds.Length];
        int end = dataShards;
        for (int worker = ranges.Length; worker > 0; worker--)
        {
            int start = starts[worker, end];
            ranges[worker - 1] = new DataShardRange(start, end - start);
            end = start;
        }
        return ranges;
    }

    /// <summary>
    /// When all would be done at the same moment, if data shards could be divided: no plan is shorter.
    /// </summary>
    /// <param name="dataShards">Data shards of a step.</param>
    /// <param name="milliseconds">Time of each worker for one, above 0.</param>
    public static double Ideal(int dataShards, ReadOnlySpan<double> milliseconds)
    {
        double perMillisecond = 0;
        foreach (double time in milliseconds)
            perMillisecond += 1 / time;
        return dataShards / perMillisecond;
    }

    /// <summary>When the last worker is done, in milliseconds.</summary>
    /// <param name="ranges">What each has.</param>
    /// <param name="milliseconds">Time of each for a data shard.</param>
    public static double Longest(IReadOnlyList<DataShardRange> ranges, ReadOnlySpan<double> milliseconds)
    {
        double longest = 0;
        for (int worker = 0; worker < milliseconds.Length; worker++)
            longest = Math.Max(longest, ranges[worker].Count * milliseconds[worker]);
        return longest;
    }

    /// <summary>
    /// The best value of the first w workers with the first e data shards: the longest time, or where times are limited
    /// the number of subtrees; and where the last of them then starts. Of equal ones the last start.
    /// </summary>
    private static double[,] Table(
        int dataShards, ReadOnlySpan<double> milliseconds, double allowed, out int[,] starts)
    {
        bool countsTrees = double.IsFinite(allowed);
        int workers = milliseconds.Length;
        var best = new double[workers + 1, dataShards + 1];
        starts = new int[workers + 1, dataShards + 1];
        for (int end = 1; end <= dataShards; end++)
            best[0, end] = double.PositiveInfinity;
        for (int worker = 1; worker <= workers; worker++)
        {
            best[worker, 0] = double.PositiveInfinity;
            for (int end = 1; end <= dataShards; end++)
            {
                best[worker, end] = double.PositiveInfinity;
                // A longer range takes longer: once that alone is too much, so are all longer ones.
                for (int start = end - 1; start >= worker - 1; start--)
                {
                    double time = (end - start) * milliseconds[worker - 1];
                    if (time > allowed || (!countsTrees && time >= best[worker, end]))
                        break;
                    double value = countsTrees
                        ? best[worker - 1, start] + GradientTree.Pieces(start, end - start)
                        : Math.Max(best[worker - 1, start], time);
                    if (value < best[worker, end])
                        (best[worker, end], starts[worker, end]) = (value, start);
                }
            }
        }
        return best;
    }
}
