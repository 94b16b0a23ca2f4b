using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

public class ParameterShardTests
{
    private static readonly OptimizerDescription s_plainSgd = new() { Kind = "sgd" };

    [Fact]
    public void Each_kind_of_push_has_its_outcome()
    {
        using var rig = new ShardRig(ShardRig.MakeJob(4), 1);
        ParameterShard shard = rig.Shards[0];
        PushOutcome Accept(long step, int start, int count) =>
            shard.Accept(rig.Push(shard, step, new TreeNode(start, count)));

        Assert.Equal(PushOutcome.Early, Accept(2, 0, 1));
        Assert.Equal(PushOutcome.Accepted, Accept(1, 0, 2));
        Assert.Equal(PushOutcome.Duplicate, Accept(1, 0, 2));
        Assert.Equal(PushOutcome.Duplicate, Accept(1, 1, 1)); // held by the larger node
        Assert.Equal(PushOutcome.Accepted, Accept(1, 2, 1));
        Assert.False(shard.IsComplete);
        Assert.Equal(PushOutcome.Completed, Accept(1, 2, 2)); // takes the smaller node's place
        Assert.Equal(PushOutcome.Duplicate, Accept(1, 3, 1));
        shard.Apply(new StepContext(1, 0.1, 4));
        Assert.Equal(2, shard.OpenStep);
        Assert.Equal(PushOutcome.Stale, Accept(1, 3, 1));
        Assert.Equal(PushOutcome.Accepted, Accept(2, 0, 1));
    }

    [Fact]
    public void Two_halves_make_their_whole_a_duplicate()
    {
        using var rig = new ShardRig(ShardRig.MakeJob(4), 1);
        ParameterShard shard = rig.Shards[0];
        Assert.Equal(PushOutcome.Accepted, shard.Accept(rig.Push(shard, 1, new TreeNode(0, 1))));
        Assert.Equal(PushOutcome.Accepted, shard.Accept(rig.Push(shard, 1, new TreeNode(1, 1))));
        Assert.Equal(PushOutcome.Duplicate, shard.Accept(rig.Push(shard, 1, new TreeNode(0, 2))));
    }

    [Fact]
    public void Another_generation_is_stale_and_forgets_what_was_in()
    {
        using var rig = new ShardRig(ShardRig.MakeJob(2), 1);
        ParameterShard shard = rig.Shards[0];
        GradientPush left = rig.Push(shard, 1, new TreeNode(0, 1)), right = rig.Push(shard, 1, new TreeNode(1, 1));
        Assert.Equal(PushOutcome.Stale, shard.Accept(left with { Generation = 2 }));
        Assert.Equal(PushOutcome.Accepted, shard.Accept(left));
        shard.BeginGeneration(2);
        Assert.Equal(PushOutcome.Stale, shard.Accept(left));
        Assert.Equal(PushOutcome.Accepted, shard.Accept(right with { Generation = 2 }));
        Assert.Equal(PushOutcome.Completed, shard.Accept(left with { Generation = 2 }));
    }

    [Fact]
    public void Nodes_outside_the_tree_and_short_buffers_are_invalid()
    {
        using var rig = new ShardRig(ShardRig.MakeJob(6), 1);
        ParameterShard shard = rig.Shards[0];
        GradientPush push = rig.Push(shard, 1, new TreeNode(0, 1));
        Assert.Equal(PushOutcome.Invalid, shard.Accept(push with { Node = new TreeNode(0, 3) }));
        Assert.Equal(PushOutcome.Invalid, shard.Accept(push with { Node = new TreeNode(4, 4) }));
        Assert.Equal(PushOutcome.Invalid, shard.Accept(push with { GradientOffset = 4 }));
        Assert.Equal(PushOutcome.Invalid, shard.Accept(push with { GradientOffset = -1 }));
        Assert.Equal(PushOutcome.Accepted, shard.Accept(push));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_value_that_is_not_finite_poisons_its_push_at_any_place_and_nothing_else(float value)
    {
        using ShardRig rig = new(ShardRig.MakeJob(2), 1), healthy = new(ShardRig.MakeJob(2), 1);
        ParameterShard shard = rig.Shards[0];
        GradientPush push = rig.Push(shard, 1, new TreeNode(0, 1));
        for (int i = 0; i < shard.Range.Length; i++)
        {
            float before = push.Gradient.Span[push.GradientOffset + i];
            push.Gradient.Span[push.GradientOffset + i] = value;
            Assert.Equal(PushOutcome.Poisoned, shard.Accept(push));
            push.Gradient.Span[push.GradientOffset + i] = before;
        }
        push.Gradient.Span[push.GradientOffset - 1] = value; // not this parameter shard's
        Assert.Equal(PushOutcome.Accepted, shard.Accept(push));
        rig.Step(1, [new TreeNode(1, 1)]);
        healthy.Step(1, GradientTree.Decompose(0, 2));
        Assert.Equal(healthy.Parameters, rig.Parameters);
    }

    [Fact]
    public void A_step_that_is_not_ready_cannot_be_applied()
    {
        using ShardRig plain = new(ShardRig.MakeJob(2), 1),
            clipped = new(ShardRig.MakeJob(1) with { Clipping = new ClippingDescription { Norm = 1 } }, 1);
        ParameterShard shard = plain.Shards[0];
        shard.Accept(plain.Push(shard, 1, new TreeNode(0, 1)));
        Assert.Throws<InvalidOperationException>(() => shard.Apply(new StepContext(1, 0.1, 1)));
        shard.Accept(plain.Push(shard, 1, new TreeNode(1, 1)));
        Assert.Throws<InvalidOperationException>(() => shard.Apply(new StepContext(2, 0.1, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => shard.Apply(new StepContext(1, 0.1, -1)));
        Assert.Throws<InvalidOperationException>(() => shard.PartialNorms(1).Length);
        Assert.Throws<InvalidOperationException>(shard.RestoreBest);

        ParameterShard two = clipped.Shards[0];
        two.Accept(clipped.Push(two, 1, new TreeNode(0, 1)));
        Assert.Throws<InvalidOperationException>(() => two.Apply(new StepContext(1, 0.1, 1) { GradientNorm = 1 }));
        two.PartialNorms(1);
        Assert.Throws<InvalidOperationException>(() => two.Apply(new StepContext(1, 0.1, 1)));
    }

    [Fact]
    public void The_sum_is_divided_by_the_samples_and_clipped_to_the_norm()
    {
        JobDescription job = ShardRig.MakeJob(1, s_plainSgd) with
        {
            Clipping = new ClippingDescription { Norm = 0.5f },
        };
        using var rig = new ShardRig(job, 3);
        float[] before = rig.Parameters.ToArray();
        double norm = GlobalNorm.Norm(rig.Step(1, [new TreeNode(0, 1)]));
        double[] mean = [.. rig.Leaf(1, 0).Select(g => g / 10.0)];
        Assert.Equal(Math.Sqrt(mean.Sum(g => g * g)), norm, 1e-6);
        Assert.True(norm > 0.5);
        AssertClose([.. before.Zip(mean, (p, g) => p - 0.01 * g * 0.5 / norm)], rig.Parameters);
    }

    [Fact]
    public void A_gradient_within_the_norm_is_not_changed_by_clipping()
    {
        JobDescription job = ShardRig.MakeJob(6);
        using ShardRig plain = new(job, 2),
            clipped = new(job with { Clipping = new ClippingDescription { Norm = 1e6f } }, 2);
        plain.Step(1, GradientTree.Decompose(0, 6));
        clipped.Step(1, GradientTree.Decompose(0, 6));
        Assert.Equal(plain.Parameters, clipped.Parameters);
    }

    [Fact]
    public void Values_are_clipped_after_averaging_and_before_the_norm()
    {
        JobDescription job = ShardRig.MakeJob(1, s_plainSgd) with
        {
            Clipping = new ClippingDescription { Value = 0.02f, Norm = 0.1f },
        };
        using ShardRig rig = new(job, 2),
            valueOnly = new(job with { Clipping = new ClippingDescription { Value = 0.02f } }, 2);
        float[] before = rig.Parameters.ToArray();
        double[] mean = [.. rig.Leaf(1, 0).Select(g => g / 10.0)];
        double[] clamped = [.. mean.Select(g => Math.Clamp(g, -0.02, 0.02))];
        double norm = Math.Sqrt(clamped.Sum(g => g * g));
        double[] sums = rig.Step(1, [new TreeNode(0, 1)]);
        valueOnly.Step(1, [new TreeNode(0, 1)]);
        Assert.True(norm > 0.1);
        Assert.Equal(Math.Sqrt(mean.Sum(g => g * g)), GlobalNorm.Norm(sums), 1e-6); // what is reported: before clipping
        AssertClose([.. before.Zip(clamped, (p, g) => p - 0.01 * g * 0.1 / norm)], rig.Parameters);
        AssertClose([.. before.Zip(clamped, (p, g) => p - 0.01 * g)], valueOnly.Parameters);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Penalties_and_decay_act_on_biases_only_where_asked(bool applyToBiases)
    {
        var regularization = new RegularizationDescription
        {
            L1 = 0.1f,
            L2 = 0.2f,
            DecoupledWeightDecay = 0.3f,
            ApplyToBiases = applyToBiases,
        };
        using var rig = new ShardRig(ShardRig.MakeJob(1, s_plainSgd) with { Regularization = regularization }, 2);
        float[] before = rig.Parameters.ToArray(), gradient = rig.Leaf(1, 0);
        rig.Step(1, [new TreeNode(0, 1)]);
        double[] expected = [.. before.Zip(gradient, (p, g) => p - 0.01 * g / 10)];
        foreach (ParameterTensor tensor in ShardRig.Layout.Tensors.Where(tensor => applyToBiases
            || tensor.Kind == ParameterKind.Weight))
        {
            for (int i = tensor.Offset; i < tensor.End; i++)
                expected[i] =
                    before[i] * (1 - 0.01 * 0.3) - 0.01 * (
                        gradient[i] / 10 + 0.1 * Math.Sign(before[i]) + 0.2 * before[i]);
        }
        AssertClose(expected, rig.Parameters);
    }

    [Fact]
    public void Max_norm_limits_weight_rows_and_leaves_biases()
    {
        using ShardRig free = new(ShardRig.MakeJob(1), 2), limited =
            new(ShardRig.MakeJob(1) with { Regularization = new RegularizationDescription { MaxNorm = 0.9f } }, 2);
        free.Step(1, [new TreeNode(0, 1)]);
        limited.Step(1, [new TreeNode(0, 1)]);
        int longer = 0;
        foreach (ParameterTensor tensor in ShardRig.Layout.Tensors)
        {
            for (int start = tensor.Offset; start < tensor.End; start += tensor.RowLength)
            {
                float[] was = free.Parameters.Slice(start, tensor.RowLength).ToArray();
                double norm = Math.Sqrt(was.Sum(w => (double)w * w));
                bool isLonger = tensor.Kind == ParameterKind.Weight && norm > 0.9f;
                longer += isLonger ? 1 : 0;
                AssertClose(
                    [.. was.Select(w => isLonger ? w * 0.9 / norm : w)], limited.Parameters.Slice(
                        start, tensor.RowLength));
            }
        }
        Assert.InRange(longer, 1, 46);
    }

    private static void AssertClose(double[] expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i], 1e-6);
    }
}
