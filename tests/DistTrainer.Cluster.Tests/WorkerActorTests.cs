using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>The worker's side of the protocol, with probes in the places of two runs' actors.</summary>
public sealed class WorkerActorTests : TestKit
{
    private readonly TestProbe _run;
    private readonly TestProbe _other;
    private readonly IActorRef _worker;

    public WorkerActorTests()
        : base(ComputeDispatchers.Settings)
    {
        var setup = new TrainingSetup(
            TestJobs.Job(new OptimizerDescription()), TestJobs.Classification(40, 3, 2),
            new RunOptions { ParameterShards = 1 }, null);
        (_run, _other) = (CreateTestProbe(), CreateTestProbe());
        _worker = Sys.ActorOf(Props.Create(() => new WorkerActor(setup)));
    }

    [Fact]
    public void An_assignment_of_an_older_generation_is_refused_with_the_newest()
    {
        Assign(_run, 3);
        Assert.Equal(3, _run.ExpectMsg<DataShardsAssigned>().Generation);
        Assign(_other, 2);
        Assert.Equal(new GenerationRefused(2, 3), _other.ExpectMsg<GenerationRefused>());
    }

    [Fact]
    public void A_generation_belongs_to_the_run_actor_that_began_it_and_its_own_second_copy_is_answered_again()
    {
        Assign(_run, 3);
        _run.ExpectMsg<DataShardsAssigned>();
        Assign(_other, 3);
        Assert.Equal(new GenerationRefused(3, 3), _other.ExpectMsg<GenerationRefused>());
        Assign(_run, 3);
        _run.ExpectMsg<DataShardsAssigned>();
        Assign(_other, 4);
        Assert.Equal(4, _other.ExpectMsg<DataShardsAssigned>().Generation);
    }

    [Fact]
    public void An_idle_worker_hands_in_the_data_shards_of_a_slow_one_too_behind_its_own()
    {
        TestProbe shard = CreateTestProbe();
        Assign(_run, 1, shard, backup: new DataShardRange(2, 2));
        Broadcast(0);
        _worker.Tell(new RunUntil(1, 1, new RateChange(1, null)), _run.Ref);
        Assert.Equal([(1L, 0, 2), (1L, 2, 2)], Pushes(shard, 2));
        _run.ExpectMsg<ReportWorker>();

        // It has done all of this step: nothing more comes before the next parameters.
        _worker.Tell(new RunUntil(1, 2, new RateChange(1, null)), _run.Ref);
        shard.ExpectNoMsg(TimeSpan.FromMilliseconds(50));
        Broadcast(1);
        Assert.Equal([(2L, 0, 2), (2L, 2, 2)], Pushes(shard, 2));
    }

    [Fact]
    public void A_worker_without_data_shards_of_its_own_stands_in_for_a_slow_one_and_holds_at_the_step_that_it_has_begun()
    {
        TestProbe shard = CreateTestProbe();
        Assign(_run, 1, shard, own: 0, backup: new DataShardRange(0, 4));
        Broadcast(0);
        _worker.Tell(new RunUntil(1, 5, new RateChange(1, null)), _run.Ref);
        Assert.Equal([(1L, 0, 4)], Pushes(shard, 1));
        _worker.Tell(new Hold(1, 9), _run.Ref);
        Assert.Equal(new Holding(1, 0, 1, 9), _run.ExpectMsg<Holding>());
    }

    [Fact]
    public void A_worker_leaves_steps_out_that_others_have_finished_for_it()
    {
        TestProbe shard = CreateTestProbe();
        Assign(_run, 1, shard);
        Broadcast(3);
        _worker.Tell(new RunUntil(1, 4, new RateChange(1, null)), _run.Ref);
        Assert.Equal([(4L, 0, 2)], Pushes(shard, 1));
    }

    [Fact]
    public void A_worker_does_not_leave_out_a_step_that_a_replica_still_lacks()
    {
        TestProbe shard = CreateTestProbe(), replica = CreateTestProbe();
        _worker.Tell(new AssignDataShards(1, 0, [Place(shard), Place(replica)], [0], 0, 2, [], default, 0), _run.Ref);
        _run.ExpectMsg<DataShardsAssigned>();
        Broadcast(1);
        Broadcast(0, number: 1);
        _worker.Tell(new RunUntil(1, 1, new RateChange(1, null)), _run.Ref);
        Assert.Equal([(1L, 0, 2)], Pushes(replica, 1));
    }

    [Fact]
    public void A_worker_holds_in_a_rounds_midst_and_evaluates_there_and_goes_on_from_where_it_was()
    {
        IActorRef worker = InRounds(steps: 2000, out TestProbe shard);
        worker.Tell(new RunUntil(1, 2000, new RateChange(1, null)), _run.Ref);
        worker.Tell(new Hold(1, 5), _run.Ref);
        worker.Tell(new EvaluateChunks(1, 0, DataPart.Test, 0, 1), _run.Ref);
        _run.FishForMessage(message => message is Holding);
        _run.FishForMessage(message => message is Evaluated { Step: 0 });
        shard.ExpectNoMsg(TimeSpan.FromMilliseconds(300)); // it stands still: 2,000 steps take less
        worker.Tell(new RunUntil(1, 2000, new RateChange(1, null)), _run.Ref);
        Assert.Equal(
            (2000L, 0, 4),
            shard.ExpectMsg<PushGradient>(TimeSpan.FromSeconds(30)) is var push
                ? (push.Step, push.Node.Start, push.Node.Count) : default);
    }

    [Fact]
    public void A_round_that_was_begun_with_another_rate_begins_anew()
    {
        float[][] handedIn = [.. ((double?[])[null, 1e-5]).Select(first =>
        {
            IActorRef worker = InRounds(steps: 400, out TestProbe shard);
            worker.Tell(new RunUntil(1, 400, new RateChange(1, first)), _run.Ref);
            worker.Tell(new Hold(1, 5), _run.Ref);
            worker.Tell(new RunUntil(1, 400, new RateChange(1, 0.5)), _run.Ref);
            return shard.ExpectMsg<PushGradient>(TimeSpan.FromSeconds(30)).Gradient.Span.ToArray();
        })];
        Assert.Equal(handedIn[0], handedIn[1]);
    }

    /// <summary>A worker of all data shards, as 2 groups, whose first round can begin.</summary>
    private IActorRef InRounds(int steps, out TestProbe shard)
    {
        JobDescription job = LocalRoundRunTests.With(
            TestJobs.Job(new OptimizerDescription()), new ConsistencyDescription { Groups = 2, Steps = steps });
        job = job with { Training = job.Training with { BatchSize = 8, DataShards = 4, Epochs = 100 } };
        var setup = new TrainingSetup(
            job, TestJobs.Classification(8 * steps, 3, 2), new RunOptions { ParameterShards = 1 }, null);
        IActorRef worker = Sys.ActorOf(Props.Create(() => new WorkerActor(setup)));
        shard = CreateTestProbe();
        worker.Tell(new AssignDataShards(1, 0, [Place(shard)], [], 0, 4, [], default, 0), _run.Ref);
        worker.Tell(new ParametersBroadcast(1, 0, 0));
        return worker;
    }

    private static ActorPlace Place(TestProbe probe) => new(probe.Ref, new NodeAddress("s", null, []));

    private static (long Step, int First, int Count)[] Pushes(TestProbe shard, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => shard.ExpectMsg<PushGradient>())
            .Select(push => (push.Step, push.Node.Start, push.Node.Count))];

    private void Broadcast(long step, int number = 0) => _worker.Tell(new ParametersBroadcast(1, number, step));

    private void Assign(TestProbe run, int generation, TestProbe shard, int own = 2, DataShardRange backup = default)
    {
        _worker.Tell(new AssignDataShards(generation, 0, [Place(shard)], [], 0, own, [], backup, 0), run.Ref);
        run.ExpectMsg<DataShardsAssigned>();
    }

    private void Assign(TestProbe run, int generation) =>
        _worker.Tell(new AssignDataShards(generation, 0, [], [], 0, 2, [], default, 0), run.Ref);
}
