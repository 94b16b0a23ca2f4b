using CsCheck;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>Who gets which data shards.</summary>
public sealed class DataShardPlanTests
{
    [Theory]
    [InlineData(8, new[] { 1.0, 1, 1, 2 }, new[] { 2, 2, 3, 1 }, 3)]
    [InlineData(8, new[] { 1.0, 2 }, new[] { 5, 3 }, 6)]
    [InlineData(8, new[] { 1.0, 1 }, new[] { 4, 4 }, 4)]
    [InlineData(64, new[] { 1.0, 1, 1, 1, 1, 1, 1, 4 }, new[] { 8, 9, 9, 9, 9, 9, 9, 2 }, 9)]
    [InlineData(4, new[] { 1.0, 100 }, new[] { 3, 1 }, 100)]
    public void The_last_is_done_as_early_as_can_be(int dataShards, double[] milliseconds, int[] counts, double longest)
    {
        DataShardRange[] plan = DataShardPlan.BySpeed(dataShards, milliseconds);
        Assert.Equal(longest, DataShardPlan.Longest(plan, milliseconds));
        Assert.Equal(counts.Sum(), plan.Sum(range => range.Count));
        Assert.True(
            DataShardPlan.Longest(plan, milliseconds) <= counts.Zip(milliseconds, (count, ms) => count * ms).Max());
    }

    [Fact]
    public void A_plan_is_in_a_row_gives_each_one_and_is_no_longer_than_the_best_of_all() =>
        Gen.Select(Gen.Int[1, 9], Gen.Double[0.1, 10].Array[1, 4]).Sample((dataShards, milliseconds) =>
        {
            DataShardRange[] plan = DataShardPlan.BySpeed(dataShards, milliseconds);
            int next = 0;
            foreach (DataShardRange range in plan)
            {
                Assert.Equal(next, range.First);
                Assert.True(range.Count >= 1 || milliseconds.Length > dataShards);
                next += range.Count;
            }
            Assert.Equal(dataShards, next);
            if (milliseconds.Length <= dataShards)
            {
                double best = All(dataShards, milliseconds.Length).Min(counts => Longest(counts, milliseconds));
                Assert.InRange(DataShardPlan.Longest(plan, milliseconds), best, best * 1.0201);
            }
        });

    [Fact]
    public void Of_plans_as_fast_the_one_with_the_fewest_subtrees_is_taken() =>
        Gen.Select(Gen.Int[2, 9], Gen.Double[0.1, 10].Array[2, 3]).Sample((dataShards, milliseconds) =>
        {
            if (milliseconds.Length >= dataShards)
                return;
            DataShardRange[] plan = DataShardPlan.BySpeed(dataShards, milliseconds);
            int[][] all = [.. All(dataShards, milliseconds.Length)];
            double allowed = all.Min(counts => Longest(counts, milliseconds)) * 1.02;
            int fewest = all.Where(counts => Longest(counts, milliseconds) <= allowed).Min(Subtrees);
            Assert.Equal(fewest, Subtrees([.. plan.Select(range => range.Count)]));
        });

    [Fact]
    public void A_thousand_data_shards_of_a_hundred_workers_are_dealt_in_no_time()
    {
        var random = new Random(1);
        double[] milliseconds = [.. Enumerable.Range(0, 100).Select(_ => 1 + random.NextDouble())];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        DataShardRange[] plan = DataShardPlan.BySpeed(1024, milliseconds);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 1);
        Assert.InRange(
            DataShardPlan.Longest(plan, milliseconds), DataShardPlan.Ideal(1024, milliseconds),
            1.15 * DataShardPlan.Ideal(1024, milliseconds));
    }

    [Fact]
    public void Workers_as_fast_as_one_another_are_as_busy_as_when_dealt_evenly() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 12]).Sample((dataShards, workers) =>
        {
            double[] same = [.. Enumerable.Repeat(3.0, workers)];
            Assert.Equal(
                DataShardPlan.Longest(DataShardPlan.Even(dataShards, workers), same),
                DataShardPlan.Longest(DataShardPlan.BySpeed(dataShards, same), same));
        });

    private static double Longest(int[] counts, double[] milliseconds) =>
        counts.Zip(milliseconds, (count, ms) => count * ms).Max();

    private static int Subtrees(int[] counts) => Enumerable.Range(0, counts.Length)
        .Sum(worker => GradientTree.Decompose(counts[..worker].Sum(), counts[worker]).Count);

    private static IEnumerable<int[]> All(int dataShards, int workers) => workers == 1
        ? [[dataShards]]
        : Enumerable.Range(1, dataShards - workers + 1).SelectMany(
            first => All(dataShards - first, workers - 1), (first, rest) => (int[])[first, .. rest]);
}
