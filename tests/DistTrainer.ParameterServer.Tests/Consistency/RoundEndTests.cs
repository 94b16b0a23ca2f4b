using DistTrainer.Engine;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Checkpoints;
using DistTrainer.ParameterServer.Consistency;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Consistency;

/// <summary>
/// What a parameter shard makes of what groups have come to: rounds of 4 steps, 2 groups of 2 data shards.
/// </summary>
public sealed class RoundEndTests : IDisposable
{
    private static readonly ParameterBlocks s_blocks = new(ShardRig.Layout);
    private readonly List<IDisposable> _owned = [];

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Parameters_and_slots_become_the_sum_of_what_is_handed_in_and_go_out_together(int parameterShards)
    {
        (ParameterShard[] shards, ParameterBuffers buffers, Exchange exchange) = Make(new(), parameterShards);
        float[] left = ShardRig.Random(1, exchange.Length), right = ShardRig.Random(2, exchange.Length);
        Apply(shards, exchange, left, right);
        float[] sum = [.. left.Zip(right, (a, b) => a + b)];
        Assert.Equal(sum, buffers[4].Span.ToArray());
        foreach (ParameterShard shard in shards)
        {
            Assert.Equal((4L, 8L), (shard.Applied, shard.OpenStep));
            (int start, int length) = exchange.SlotsOf(shard.Range);
            float[] slots = [.. shard.Slot("exp_avg"), .. shard.Slot("exp_avg_sq")];
            Assert.Equal(sum[start..(start + length)], slots);
        }
    }

    [Fact]
    public void A_sum_of_both_groups_takes_their_place_without_a_bit_changed()
    {
        (ParameterShard[] shards, ParameterBuffers buffers, Exchange exchange) = Make(new(), 2);
        float[] left = ShardRig.Random(1, exchange.Length), right = ShardRig.Random(2, exchange.Length);
        float[] sum = [.. left.Zip(right, (a, b) => a + b)];
        foreach (ParameterShard shard in shards)
        {
            Assert.Equal(PushOutcome.Accepted, shard.Accept(Push(shard, exchange, new TreeNode(2, 2), right)));
            Assert.Equal(PushOutcome.Duplicate, shard.Accept(Push(shard, exchange, new TreeNode(2, 2), left)));
            Assert.Equal(PushOutcome.Completed, shard.Accept(Push(shard, exchange, new TreeNode(0, 4), sum)));
            Assert.True(shard.Apply(new StepContext(4, 0.01, 10)));
        }
        Assert.Equal(sum, buffers[4].Span.ToArray());
    }

    [Fact]
    public void The_outer_step_is_sgd_with_nesterov_momentum_as_pytorch_has_it()
    {
        var description = new ConsistencyDescription
        {
            Outer = OuterKind.Nesterov,
            OuterRate = 0.5f,
            OuterMomentum = 0.8f,
            InnerState = InnerState.Reset,
        };
        (ParameterShard[] shards, ParameterBuffers buffers, Exchange exchange) = Make(description, 3);
        Assert.Equal(0, exchange.Slots);
        float[] parameters = buffers.Of(0).ToArray(), momentum = new float[parameters.Length];
        for (int round = 1; round <= 3; round++)
        {
            float[] left = ShardRig.Random(2 * round, parameters.Length);
            float[] right = ShardRig.Random((2 * round) + 1, parameters.Length);
            Apply(shards, exchange, left, right, 4 * round);
            for (int i = 0; i < parameters.Length; i++)
            {
                float way = parameters[i] - (left[i] + right[i]);
                momentum[i] = (0.8f * momentum[i]) + way;
                parameters[i] -= 0.5f * (way + (0.8f * momentum[i]));
            }
            Assert.Equal(parameters, buffers.Of(4 * round).ToArray());
            Assert.Equal(momentum, shards.SelectMany(shard => shard.Slot("outer_momentum").ToArray()));
        }
    }

    [Fact]
    public void Figures_are_those_of_the_way_to_the_mean()
    {
        (ParameterShard[] shards, ParameterBuffers buffers, Exchange exchange) = Make(new(), 1);
        float[] before = buffers.Of(0).ToArray();
        float[] left = ShardRig.Random(1, exchange.Length), right = ShardRig.Random(2, exchange.Length);
        Apply(shards, exchange, left, right, context => context with { WantStatistics = true, WantHistograms = true });
        ReadOnlySpan<float> after = buffers.Of(4);
        double way = 0;
        for (int i = 0; i < before.Length; i++)
            way += Math.Pow(before[i] - after[i], 2);
        Assert.Equal(way, GlobalNorm.Total(shards[0].GradientSquares), 1e-9 * way);
        Assert.Equal(way, shards[0].Statistics.ToArray().Sum(tensor => tensor.UpdateSquares), 1e-9 * way);
        Assert.Equal(before.Length, shards[0].Histograms.Sum(histogram => histogram.Gradients.Count));
    }

    [Theory]
    [InlineData(3)] // a parameter
    [InlineData(-1)] // a slot
    public void What_is_not_finite_is_refused_before_anything_is_summed(int at)
    {
        (ParameterShard[] shards, _, Exchange exchange) = Make(new(), 1);
        float[] left = ShardRig.Random(1, exchange.Length), right = ShardRig.Random(2, exchange.Length);
        left[at < 0 ? left.Length + at : at] = float.NaN;
        Assert.Equal(PushOutcome.Poisoned, shards[0].Accept(Push(shards[0], exchange, new TreeNode(0, 2), left)));
        Assert.Equal([(0, 4)], shards[0].Missing());
        GradientPush shorter = Push(shards[0], exchange, new TreeNode(0, 2), right[..^1]);
        Assert.Equal(PushOutcome.Invalid, shards[0].Accept(shorter));
    }

    [Fact]
    public void Checkpoints_and_copies_that_are_kept_apart_have_all_that_a_round_begins_with()
    {
        var description = new ConsistencyDescription { Outer = OuterKind.Nesterov };
        (ParameterShard[] shards, ParameterBuffers buffers, Exchange exchange) = Make(description, 2);
        (ParameterShard[] others, ParameterBuffers theirs, _) = Make(description, 2);
        Apply(shards, exchange, ShardRig.Random(1, exchange.Length), ShardRig.Random(2, exchange.Length));
        for (int i = 0; i < shards.Length; i++)
        {
            ParameterShardCopy copy = shards[i].MakeCopy();
            Assert.Equal(["exp_avg", "exp_avg_sq", "outer_momentum"], copy.SlotNames);
            shards[i].CopyTo(copy);
            Assert.Equal(4, copy.Step);
            others[i].KeepApart(true);
            others[i].Restore(copy);
        }
        Assert.NotEqual(buffers[4].Span.ToArray(), theirs[4].Span.ToArray());
        foreach (ParameterShard shard in others)
            shard.KeepApart(false);
        Assert.Equal(buffers[4].Span.ToArray(), theirs[4].Span.ToArray());
        float[] left = ShardRig.Random(3, exchange.Length), right = ShardRig.Random(4, exchange.Length);
        Apply(shards, exchange, left, right, 8);
        Apply(others, exchange, left, right, 8);
        Assert.Equal(buffers[8].Span.ToArray(), theirs[8].Span.ToArray());
    }

    [Fact]
    public void In_bulk_before_the_first_round_gradients_are_handed_in_and_slots_go_out_with_the_last_step_alone()
    {
        (ParameterShard[] shards, ParameterBuffers buffers, Exchange exchange) = Make(new() { WarmUpSteps = 2 }, 1);
        Assert.Equal([false, true, false], new long[] { 1, 2, 1 }.Select(exchange.CarriesSlots));
        for (int step = 1; step <= 2; step++)
        {
            var gradient = new AlignedBuffer(exchange.Length);
            _owned.Add(gradient);
            ShardRig.Random(step, exchange.Parameters).CopyTo(gradient.Span);
            var push = new GradientPush(1, step, new TreeNode(0, 4), gradient, 0);
            Assert.Equal(PushOutcome.Completed, shards[0].Accept(push));
            shards[0].Apply(new StepContext(step, 0.01, 10));
        }
        Assert.All(buffers[1].Span[exchange.Parameters..].ToArray(), value => Assert.Equal(0, value));
        (int start, int length) = exchange.SlotsOf(shards[0].Range);
        float[] slots = [.. shards[0].Slot("exp_avg"), .. shards[0].Slot("exp_avg_sq")];
        Assert.Equal(slots, buffers[2].Span.Slice(start, length).ToArray());
        Assert.Equal(4, shards[0].OpenStep);
    }

    [Theory]
    [InlineData(3, 4, "groups = 3 does not divide the 4 data shards")]
    [InlineData(2, 6, "allowed here: 3, 6")]
    [InlineData(16, 16, "leaves some groups without a sample")]
    public void Groups_that_cannot_be_made_are_refused(int groups, int dataShards, string message)
    {
        JobDescription job = ShardRig.MakeJob(dataShards);
        job = job with
        {
            Training = job.Training with
            {
                BatchSize = 8,
                Consistency = new ConsistencyDescription { Mode = ConsistencyMode.Local, Groups = groups },
            },
        };
        DistTrainerException refused = Assert.Throws<DistTrainerException>(() => Exchange.Of(job, 10, 10, 10));
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    private static void Apply(
        ParameterShard[] shards, Exchange exchange, float[] left, float[] right, long step = 4) =>
        Apply(shards, exchange, left, right, context => context with { Step = step });

    private static void Apply(
        ParameterShard[] shards, Exchange exchange, float[] left, float[] right, Func<StepContext, StepContext> with)
    {
        StepContext context = with(new StepContext(4, 0.01, 10));
        foreach (ParameterShard shard in shards)
        {
            Assert.False(shard.NeedsNorm);
            Assert.Equal(
                PushOutcome.Accepted, shard.Accept(Push(shard, exchange, new TreeNode(0, 2), left, context.Step)));
            Assert.Equal(
                PushOutcome.Completed, shard.Accept(Push(shard, exchange, new TreeNode(2, 2), right, context.Step)));
            shard.Apply(context);
        }
    }

    private static GradientPush Push(
        ParameterShard shard, Exchange exchange, TreeNode node, float[] values, long step = 4)
    {
        var buffer = new AlignedBuffer(values.Length);
        values.CopyTo(buffer.Span);
        return new GradientPush(1, step, node, buffer, shard.Range.Start)
        {
            SlotsOffset = exchange.SlotsOf(shard.Range).Start,
        };
    }

    private (ParameterShard[] Shards, ParameterBuffers Buffers, Exchange Exchange) Make(
        ConsistencyDescription description, int parameterShards)
    {
        JobDescription job = ShardRig.MakeJob(4, new OptimizerDescription { Settings = PartSettings.None });
        job = job with
        {
            Clipping = new ClippingDescription { Norm = 1 },
            Training = job.Training with
            {
                Consistency = description with { Mode = ConsistencyMode.Local, Groups = 2, Steps = 4 },
            },
        };
        if (description.WarmUpSteps > 0)
            job = job with { Clipping = new ClippingDescription() };
        Exchange exchange = Exchange.Of(job, s_blocks.Layout.Length, stepsPerEpoch: 100, totalSteps: 200);
        var buffers = new ParameterBuffers(
            exchange, new AlignedBuffer(exchange.Length), new AlignedBuffer(exchange.Length));
        ShardRig.Random(0, exchange.Parameters).CopyTo(buffers.Of(0));
        ParameterShard[] shards = [.. ParameterShardMap.Cut(s_blocks, parameterShards)
            .Select(range => new ParameterShard(range, s_blocks, job, 1, buffers))];
        _owned.AddRange([.. shards, buffers]);
        return (shards, buffers, exchange);
    }
}
