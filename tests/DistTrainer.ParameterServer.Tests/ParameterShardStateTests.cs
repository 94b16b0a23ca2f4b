using System.Runtime.InteropServices;
using System.Security.Cryptography;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

public class ParameterShardStateTests
{
    [Fact]
    public void Statistics_give_each_tensors_sums_of_squares()
    {
        JobDescription job = ShardRig.MakeJob(6) with
        {
            Regularization = new RegularizationDescription { MaxNorm = 0.9f },
        };
        using var rig = new ShardRig(job, 3);
        float[] before = rig.Parameters.ToArray();
        rig.Step(1, GradientTree.Decompose(0, 6), wantStatistics: true);
        float[] after = rig.Parameters.ToArray();
        float[] sum = ShardRig.NaiveSum([.. Enumerable.Range(0, 6).Select(leaf => rig.Leaf(1, leaf))]);
        TensorStatistics[] all = [.. rig.Shards.SelectMany(shard => shard.Statistics.ToArray())
            .GroupBy(part => part.Tensor).Select(parts => parts.Aggregate((a, b) => a + b))];
        Assert.Equal(ShardRig.Layout.Tensors.Count, all.Length);
        foreach (TensorStatistics statistics in all)
        {
            ParameterTensor tensor = ShardRig.Layout.Tensors[statistics.Tensor];
            IEnumerable<int> elements = Enumerable.Range(tensor.Offset, tensor.Length);
            Assert.Equal(tensor.Length, statistics.Count);
            AssertRelative(elements.Sum(i => (double)after[i] * after[i]), statistics.ParameterSquares);
            AssertRelative(elements.Sum(i => sum[i] / 10.0 * (sum[i] / 10.0)), statistics.GradientSquares);
            AssertRelative(elements.Sum(i => Math.Pow((double)after[i] - before[i], 2)), statistics.UpdateSquares);
        }
    }

    [Fact]
    public void Statistics_start_anew_each_time_and_come_with_clipping_by_norm_too()
    {
        JobDescription job = ShardRig.MakeJob(1) with { Clipping = new ClippingDescription { Norm = 0.1f } };
        using var rig = new ShardRig(job, 1);
        rig.Step(1, [new TreeNode(0, 1)], wantStatistics: true);
        rig.Step(2, [new TreeNode(0, 1)], wantStatistics: true);
        TensorStatistics first = rig.Shards[0].Statistics[0];
        double[] mean = [.. rig.Leaf(2, 0).Take(40 * 13).Select(g => g / 10.0)];
        Assert.Equal(40 * 13, first.Count);
        AssertRelative(mean.Sum(g => g * g), first.GradientSquares);
    }

    [Fact]
    public void Parts_of_different_tensors_do_not_add_up() =>
        Assert.Throws<ArgumentException>(
            () => new TensorStatistics(0, 1, 1, 1, 1) + new TensorStatistics(1, 1, 1, 1, 1));

    [Fact]
    public void The_best_parameters_come_back_and_only_ones_own()
    {
        using var rig = new ShardRig(ShardRig.MakeJob(1), 2);
        float[] best = rig.Parameters.ToArray();
        rig.Shards[0].KeepBest();
        rig.Step(1, [new TreeNode(0, 1)]);
        float[] last = rig.Parameters.ToArray();
        rig.Shards[0].RestoreBest();
        int cut = rig.Shards[0].Range.End;
        Assert.NotEqual(best, last);
        Assert.Equal(best.AsSpan(0, cut), rig.Parameters[..cut]);
        Assert.Equal(last.AsSpan(cut), rig.Parameters[cut..]);
    }

    [Fact]
    public void The_optimizers_state_can_be_read_by_name()
    {
        using ShardRig whole = new(ShardRig.MakeJob(1), 1), cut = new(ShardRig.MakeJob(1), 3);
        whole.Step(1, [new TreeNode(0, 1)]);
        cut.Step(1, [new TreeNode(0, 1)]);
        Assert.Equal(["exp_avg", "exp_avg_sq"], whole.Shards[0].SlotNames);
        foreach (string name in whole.Shards[0].SlotNames)
            Assert.Equal(
                whole.Shards[0].Slot(name).ToArray(), cut.Shards.SelectMany(shard => shard.Slot(name).ToArray()));
        Assert.Throws<ArgumentException>(() => whole.Shards[0].Slot("momentum_buffer").Length);
    }

    [Fact]
    public void A_step_allocates_nothing_after_the_first()
    {
        foreach (ClippingDescription clipping in new[] { new ClippingDescription(),
            new ClippingDescription { Norm = 1, Value = 0.1f } })
        {
            JobDescription job = ShardRig.MakeJob(6) with
            {
                Clipping = clipping,
                Regularization = new RegularizationDescription { MaxNorm = 1, L1 = 0.1f },
            };
            using var rig = new ShardRig(job, 1);
            ParameterShard shard = rig.Shards[0];
            GradientPush[] pushes =
                [.. Enumerable.Range(0, 6).Select(leaf => rig.Push(shard, 1, new TreeNode(leaf, 1)))];
            long before = 0;
            for (int step = 1; step <= 4; step++)
            {
                if (step == 3)
                    before = GC.GetAllocatedBytesForCurrentThread();
                foreach (GradientPush push in pushes)
                    shard.Accept(push with { Step = step });
                double? norm = clipping.Norm > 0 ? GlobalNorm.Norm(shard.PartialNorms(10)) : null;
                shard.Apply(new StepContext(step, 0.1, 10)
                {
                    GradientNorm = norm,
                    WantNorm = true,
                    WantStatistics = true,
                });
            }
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
            Assert.Equal(5, shard.OpenStep);
        }
    }

    [Fact]
    public void A_vector_of_another_length_is_refused()
    {
        var blocks = new ParameterBlocks(ShardRig.Layout);
        using var parameters = new AlignedBuffer(ShardRig.Layout.Length - 1);
        Assert.Throws<ArgumentException>(
            () => new ParameterShard(
                ParameterShardMap.Cut(blocks, 1)[0], blocks, ShardRig.MakeJob(1), 1, new ParameterBuffers(parameters)));
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        var blocks = new ParameterBlocks(ShardRig.Layout);
        using var parameters = new AlignedBuffer(ShardRig.Layout.Length);
        JobDescription job = ShardRig.MakeJob(1) with { Clipping = new ClippingDescription { Norm = -1 } };
        var refused = Assert.Throws<DistTrainerException>(
            () => new ParameterShard(
                ParameterShardMap.Cut(blocks, 1)[0], blocks, job, 1, new ParameterBuffers(parameters)));
        Assert.Equal(FailureKind.Configuration, refused.Kind);
    }

    [Fact]
    public void The_hash_is_the_Sha256_of_little_endian_floats()
    {
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ParameterHash.Compute([]));
        byte[] one = [0, 0, 0x80, 0x3f];
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(one)), ParameterHash.Compute([1f]));
        float[] many = ShardRig.Random(1, (1 << 20) + 5);
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes<float>(many))), ParameterHash.Compute(many));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(512)]
    public void The_norm_is_the_root_of_the_sum_over_blocks(int blocks)
    {
        double[] sums = [.. Enumerable.Range(1, blocks).Select(i => (double)i)];
        Assert.Equal(Math.Sqrt(blocks * (blocks + 1) / 2.0), GlobalNorm.Norm(sums));
    }

    private static void AssertRelative(double expected, double actual) => Assert.Equal(1, actual / expected, 1e-5);

    [Fact]
    public void A_replica_that_keeps_its_parameters_apart_writes_the_same_bits_and_brings_them_along()
    {
        var job = ShardRig.MakeJob(1, new OptimizerDescription { Kind = "adam" });
        using var plain = new ShardRig(job, 1);
        using var replica = new ShardRig(job, 1);
        TreeNode[] all = [new TreeNode(0, 1)];
        float[] before = replica.Parameters.ToArray();
        replica.Shards[0].KeepApart(true);
        for (long step = 1; step <= 3; step++)
        {
            plain.Step(step, all);
            replica.Step(step, all);
        }
        Assert.Equal(before, replica.Parameters.ToArray());
        Assert.Equal(plain.Parameters.ToArray(), replica.Shards[0].Parameters.ToArray());
        replica.Shards[0].KeepApart(false);
        Assert.Equal(plain.Parameters.ToArray(), replica.Parameters.ToArray());
        plain.Step(4, all);
        replica.Step(4, all);
        Assert.Equal(plain.Parameters.ToArray(), replica.Parameters.ToArray());
    }
}
