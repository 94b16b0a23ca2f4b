using CsCheck;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

/// <summary>The same bits, however the work is cut and whatever arrives when.</summary>
public class ParameterShardBitsTests
{
    public static TheoryData<string, JobDescription> Jobs
    {
        get
        {
            var all = new RegularizationDescription
            {
                L1 = 0.01f,
                L2 = 0.01f,
                DecoupledWeightDecay = 0.1f,
                MaxNorm = 0.9f,
            };
            var jobs = new TheoryData<string, JobDescription>();
            foreach (string kind in PluginRegistry.Shared.Optimizers.All.Where(part => part.Plugin is null)
                .Select(part => part.Name))
            {
                OptimizerDescription optimizer = OptimizerDescription.Of(kind);
                jobs.Add($"{kind}", ShardRig.MakeJob(6, optimizer));
                jobs.Add($"{kind} regularized", ShardRig.MakeJob(6, optimizer) with { Regularization = all });
                jobs.Add($"{kind} clipped", ShardRig.MakeJob(6, optimizer) with
                {
                    Clipping = new ClippingDescription { Norm = 0.5f, Value = 0.1f },
                    Regularization = all,
                });
            }
            return jobs;
        }
    }

    [Theory]
    [MemberData(nameof(Jobs))]
    public void Any_number_of_parameter_shards_gives_the_same_bits(string name, JobDescription job)
    {
        (string Hash, double Norm)? expected = null;
        foreach (int parameterShards in new[] { 1, 2, 3, 5, 8 })
        {
            using var rig = new ShardRig(job, parameterShards);
            Assert.Equal(parameterShards, rig.Shards.Count);
            double[] sums = [];
            for (int step = 1; step <= 4; step++)
                sums = rig.Step(step, GradientTree.Decompose(0, 6), wantNorm: step == 4);
            (string, double) result = (ParameterHash.Compute(rig.Parameters), GlobalNorm.Norm(sums));
            expected ??= result;
            Assert.True(expected == result, $"{name}: {parameterShards} parameter shards");
        }
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Every_order_of_arrival_gives_the_bits_of_the_naive_tree(int dataShards)
    {
        string expected = NaiveHash(dataShards, int.MaxValue);
        foreach (int[] order in Permutations(dataShards))
        {
            using var rig = new ShardRig(ShardRig.MakeJob(dataShards), 1, ShardRig.MakeLayout((3, 5)));
            rig.Step(1, [.. order.Select(leaf => new TreeNode(leaf, 1))]);
            Assert.Equal(expected, ParameterHash.Compute(rig.Parameters));
        }

        string NaiveHash(int shards, int emptyFrom) => SingleNodeHash(shards, emptyFrom, ShardRig.MakeLayout((3, 5)));
    }

    [Fact]
    public void Every_number_of_workers_gives_the_bits_of_the_naive_tree()
    {
        for (int dataShards = 1; dataShards <= 13; dataShards++)
        {
            foreach (int emptyFrom in new[] { int.MaxValue, dataShards / 2 })
            {
                string expected = SingleNodeHash(dataShards, emptyFrom, ShardRig.Layout);
                for (int workers = 1; workers <= 8; workers++)
                {
                    using var rig = new ShardRig(ShardRig.MakeJob(dataShards), 2);
                    rig.Step(1, GradientTreeTests.Nodes(dataShards, workers), emptyFrom: emptyFrom);
                    Assert.Equal(expected, ParameterHash.Compute(rig.Parameters));
                }
            }
        }
    }

    [Fact]
    public void Duplicates_and_larger_nodes_in_any_order_change_no_bit()
    {
        const int dataShards = 7;
        string expected = SingleNodeHash(dataShards, int.MaxValue, ShardRig.Layout);
        TreeNode[] nodes =
            [.. from count in new[] { 1, 2, 4 } from start in Enumerable.Range(0,
            dataShards) let node = new TreeNode(start, count) where GradientTree.IsNode(node, dataShards) select node];
        Gen.Shuffle(nodes).Sample(
            arrivals =>
            {
                using var rig = new ShardRig(ShardRig.MakeJob(dataShards), 1);
                rig.Step(1, arrivals);
                return ParameterHash.Compute(rig.Parameters) == expected;
            },
            iter: 50);
    }

    [Fact]
    public void Asking_for_norms_and_statistics_changes_no_bit()
    {
        using ShardRig plain = new(ShardRig.MakeJob(6), 2), curious = new(ShardRig.MakeJob(6), 2);
        plain.Step(1, GradientTree.Decompose(0, 6));
        curious.Step(1, GradientTree.Decompose(0, 6), wantNorm: true, wantStatistics: true);
        Assert.Equal(plain.Parameters, curious.Parameters);
    }

    /// <summary>The suite runs with and without vector instructions; the hashes are the same everywhere.</summary>
    [Theory]
    [InlineData("sgd", "4998070dcfb81a37")]
    [InlineData("adam", "136889d56f4d5cf2")]
    [InlineData("rmsprop", "4d1484517cf44fcf")]
    public void The_parameters_after_three_steps_are_the_committed_ones(string kind, string expected)
    {
        OptimizerDescription optimizer = kind switch
        {
            "sgd" => OptimizerDescription.Of(kind, ("momentum", 0.9f)),
            "rmsprop" => OptimizerDescription.Of(kind, ("momentum", 0.9f), ("centered", true)),
            _ => OptimizerDescription.Of(kind, ("ams-grad", true)),
        };
        JobDescription job = ShardRig.MakeJob(6, optimizer) with
        {
            Regularization = new RegularizationDescription
            {
                L1 = 0.01f,
                L2 = 0.01f,
                DecoupledWeightDecay = 0.1f,
                MaxNorm = 0.9f,
            },
            Clipping = new ClippingDescription { Norm = 0.5f, Value = 0.1f },
        };
        using var rig = new ShardRig(job, 3);
        for (int step = 1; step <= 3; step++)
            rig.Step(step, GradientTreeTests.Nodes(6, 4));
        Assert.Equal(expected, ParameterHash.Compute(rig.Parameters)[..16]);
    }

    /// <summary>
    /// One data shard that holds the naive sum of all: no tree is left for the parameter shard to get wrong.
    /// </summary>
    private static string SingleNodeHash(int dataShards, int emptyFrom, ParameterLayout layout)
    {
        using var rig = new ShardRig(ShardRig.MakeJob(1), 1, layout);
        float[] sum = ShardRig.NaiveSum(
            [.. Enumerable.Range(0, dataShards).Select(leaf => rig.Leaf(1, leaf, leaf >= emptyFrom))]);
        using var buffer = new AlignedBuffer(sum.Length);
        sum.CopyTo(buffer.Span);
        Assert.Equal(
            PushOutcome.Completed, rig.Shards[0].Accept(new GradientPush(1, 1, new TreeNode(0, 1), buffer, 0)));
        rig.Shards[0].Apply(new StepContext(1, 0.01, 10));
        return ParameterHash.Compute(rig.Parameters);
    }

    private static IEnumerable<int[]> Permutations(int n) => n == 0
        ? [[]]
        : Permutations(n - 1)
            .SelectMany(rest => Enumerable.Range(0, n).Select(at => (int[])[.. rest[..at], n - 1, .. rest[at..]]));
}
