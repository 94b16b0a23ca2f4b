using CsCheck;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Checkpoints;

public class CheckpointResumeTests
{
    public static TheoryData<OptimizerDescription> Optimizers =>
    [
        new() { Kind = "sgd" },
        new() { Kind = "sgd", Settings = PartSettings.Of(("momentum", 0.9f), ("dampening", 0.1f)) },
        new() { Kind = "sgd", Settings = PartSettings.Of(("momentum", 0.9f), ("nesterov", true)) },
        new() { Kind = "adam" },
        new() { Kind = "adam", Settings = PartSettings.Of(("ams-grad", true)) },
        new() { Kind = "adamw" },
        new() { Kind = "rmsprop" },
        new() { Kind = "rmsprop", Settings = PartSettings.Of(("momentum", 0.5f), ("centered", true)) },
    ];

    [Theory]
    [MemberData(nameof(Optimizers))]
    public void Going_on_with_another_number_of_parameter_shards_gives_the_bits_of_not_stopping(
        OptimizerDescription optimizer)
    {
        Gen<(int Before, int After, int From, int To)> cases = Gen.Select(
            Gen.Int[0, 3], Gen.Int[1, 3], Gen.Int[1, 5], Gen.Int[1, 5]);
        cases.Sample(
            c =>
            {
                using var folder = new CheckpointRig();
                JobDescription job = ShardRig.MakeJob(2, optimizer) with
                {
                    Clipping = new ClippingDescription { Norm = 1 },
                };
                using ShardRig whole = new(job, 1), stopped = new(job, c.From), resumed = new(job, c.To);
                Steps(whole, 1, c.Before + c.After);
                Steps(stopped, 1, c.Before);
                Steps(resumed, 1, 4); // what it had before must not matter
                CheckpointRig.Load(folder.Save(stopped), resumed);
                Steps(resumed, c.Before + 1, c.After);
                Assert.Equal(whole.Parameters, resumed.Parameters);
                foreach (string slot in whole.Shards[0].SlotNames)
                    Assert.Equal(
                        whole.Shards[0].Slot(slot)
                        .ToArray(), resumed.Shards.SelectMany(shard => shard.Slot(slot).ToArray()));
            },
            iter: 12, threads: 1);
    }

    [Fact]
    public void The_best_parameters_go_through_a_checkpoint_and_are_forgotten_where_it_has_none()
    {
        using var folder = new CheckpointRig();
        using ShardRig rig = CheckpointRig.Trained(1), other = CheckpointRig.Trained(3, 1);
        string without = folder.Save(rig);
        float[] best = rig.Parameters.ToArray();
        foreach (ParameterShard shard in rig.Shards)
            shard.KeepBest();
        rig.Step(2, [new TreeNode(0, 1)]);
        CheckpointRig.Load(folder.Save(rig), other);
        Assert.Equal(rig.Parameters, other.Parameters);
        Assert.Equal(3, other.Shards[0].OpenStep);
        other.Shards[0].RestoreBest();
        Assert.Equal(best, other.Parameters);
        CheckpointRig.Load(without, other);
        Assert.Throws<InvalidOperationException>(other.Shards[0].RestoreBest);
    }

    [Fact]
    public void A_copy_stays_as_it_is_while_training_goes_on_and_is_used_again_without_allocating()
    {
        using ShardRig rig = CheckpointRig.Trained(1, 1, ShardRig.Layout);
        ParameterShard shard = rig.Shards[0];
        ParameterShardCopy copy = shard.MakeCopy();
        shard.KeepBest();
        shard.CopyTo(copy);
        float[] before = rig.Parameters.ToArray();
        rig.Step(2, [new TreeNode(0, 1)]);
        Assert.Equal(1, copy.Step);
        Assert.Equal(before, copy.Parameters);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        shard.CopyTo(copy);
        Assert.Equal(allocated, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(2, copy.Step);
        Assert.Equal(rig.Parameters, copy.Parameters);
    }

    [Fact]
    public void With_two_buffers_the_restored_step_lies_in_its_own()
    {
        using ShardRig source = CheckpointRig.Trained(3, 1);
        ParameterShardCopy copy = source.Shards[0].MakeCopy();
        source.Shards[0].CopyTo(copy);
        using var buffers =
            new ParameterBuffers(
                new AlignedBuffer(CheckpointRig.Tiny.Length), new AlignedBuffer(CheckpointRig.Tiny.Length));
        var blocks = new ParameterBlocks(CheckpointRig.Tiny);
        using var shard =
            new ParameterShard(ParameterShardMap.Cut(blocks, 1)[0], blocks, ShardRig.MakeJob(1), 1, buffers);
        shard.Restore(copy);
        Assert.Equal(4, shard.OpenStep);
        Assert.Equal(source.Parameters, buffers[3].Span);
        Assert.Equal(new float[CheckpointRig.Tiny.Length], buffers[4].Span);
    }

    [Fact]
    public void Contributions_that_were_in_before_are_forgotten()
    {
        using ShardRig rig = new(ShardRig.MakeJob(2), 1);
        ParameterShard shard = rig.Shards[0];
        ParameterShardCopy copy = shard.MakeCopy();
        shard.CopyTo(copy);
        Assert.Equal(PushOutcome.Accepted, shard.Accept(rig.Push(shard, 1, new TreeNode(0, 1))));
        shard.Restore(copy);
        Assert.Equal([(0, 2)], shard.Missing());
    }

    [Fact]
    public void A_copy_of_another_stretch_or_optimizer_is_refused()
    {
        using ShardRig adam = CheckpointRig.Trained(1), sgd = CheckpointRig.Trained(1, 2, null, new OptimizerDescription
        {
            Kind = "sgd",
        });
        ParameterShardCopy copy = adam.Shards[0].MakeCopy();
        Assert.Throws<ArgumentException>(() => adam.Shards[1].CopyTo(copy));
        Assert.Throws<ArgumentException>(() => adam.Shards[1].Restore(copy));
        Assert.Throws<ArgumentException>(() => sgd.Shards[0].Restore(copy));
    }

    [Fact]
    public void Trackers_go_on_where_they_were()
    {
        double[] losses = [1, 0.9, 0.95, 0.91, 0.92, 0.5, 0.6, 0.7, 0.8, 0.4, 0.41, 0.42];
        var schedule = new ScheduleDescription
        {
            Kind = "reduce-on-plateau",
            Settings = PartSettings.Of(("patience", 1)),
        };
        var stopping = new EarlyStoppingDescription { Patience = 3 };
        PlateauTracker plateau = schedule.CreateTracker()!, resumedPlateau = schedule.CreateTracker()!;
        EarlyStoppingTracker stop = new(stopping), resumedStop = new(stopping);
        for (int epoch = 1; epoch <= losses.Length; epoch++)
        {
            // As if each epoch were another process.
            (PlateauTracker lastPlateau, EarlyStoppingTracker lastStop) = (resumedPlateau, resumedStop);
            (resumedPlateau, resumedStop) = (schedule.CreateTracker()!, new EarlyStoppingTracker(stopping));
            resumedPlateau.Restore(lastPlateau.Factor, lastPlateau.Best, lastPlateau.BadEpochs);
            resumedStop.Restore(lastStop.BestEpoch, lastStop.BestLoss, lastStop.BadEpochs);
            Assert.Equal(plateau.Report(losses[epoch - 1]), resumedPlateau.Report(losses[epoch - 1]));
            Assert.Equal(stop.Report(epoch, losses[epoch - 1]), resumedStop.Report(epoch, losses[epoch - 1]));
            Assert.Equal(
                (plateau.Factor, stop.BestEpoch, stop.ShouldStop),
                (resumedPlateau.Factor, resumedStop.BestEpoch, resumedStop.ShouldStop));
        }
        Assert.True(plateau.Factor < 1);
        Assert.Equal(10, stop.BestEpoch);
    }

    private static void Steps(ShardRig rig, int first, int count)
    {
        for (int step = first; step < first + count; step++)
            rig.Step(step, GradientTree.Decompose(0, 2));
    }
}
