using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>
/// The run's side of the protocol, with probes in the places of two parameter shards and two workers' nodes.
/// </summary>
public sealed class RunActorTests : TestKit
{
    private static readonly TimeSpan s_silence = TimeSpan.FromMilliseconds(150);
    private static readonly NodeAddress s_server = new("server", null, []);
    private readonly TestProbe _shard0;
    private readonly TestProbe _shard1;
    private readonly TestProbe _parent;
    private readonly TestProbe _workerA;
    private readonly TestProbe _workerB;
    private readonly TaskCompletionSource<TrainingResult> _completion = new();
    private readonly TrainingSetup _setup;
    private readonly IActorRef _run;

    public RunActorTests()
        : base("akka.loglevel = OFF")
    {
        JobDescription job = TestJobs.Job(new OptimizerDescription());
        _setup = new TrainingSetup(
            job, TestJobs.Classification(203, 11, 4),
            new RunOptions { ParameterShards = 2, ToleratesLoss = true }, null);
        (_shard0, _shard1, _workerA, _workerB) =
            (CreateTestProbe(), CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        _parent = CreateTestProbe();
        _run = _parent.ChildActorOf(
            Props.Create(() => new RunActor(_setup, s_server, new Recorder(), _completion, null, RunState.Start, 0)));
        _run.Tell(
            new ActorsHosted(
                s_server,
                [new HostedParameterShard(0, _shard0.Ref), new HostedParameterShard(1, _shard1.Ref)], [], "test", 0));
        _run.Tell(Worker("a", _workerA));
        _run.Tell(Worker("b", _workerB));
    }

    [Fact]
    public void A_generation_begins_with_the_parameter_shards_then_the_workers_then_the_parameters()
    {
        Assert.Equal(1, _shard0.ExpectMsg<JoinParameterServer>().Generation);
        _shard1.ExpectMsg<JoinParameterServer>();
        Tell(_shard0, new ParameterServerJoined(1, 0, 1, null));
        _workerA.ExpectNoMsg(s_silence);
        Tell(_shard1, new ParameterServerJoined(1, 1, 1, null));
        AssignDataShards first = _workerA.ExpectMsg<AssignDataShards>(),
            second = _workerB.ExpectMsg<AssignDataShards>();
        Assert.Equal(
            (0, 4, 4, 4, 0L),
            (first.FirstDataShard, first.DataShardCount, second.FirstDataShard, second.DataShardCount, first.Step));
        Tell(_workerA, new DataShardsAssigned(1, 0));
        _shard0.ExpectNoMsg(s_silence);
        Tell(_workerB, new DataShardsAssigned(1, 1));
        Assert.Equal(0, _shard0.ExpectMsg<BroadcastParameters>().Step);
        Assert.Equal(5, _shard0.ExpectMsg<PrepareRun>().Step);
    }

    [Fact]
    public void While_steps_flow_the_run_sends_nothing()
    {
        Begin(1, 1, 1);
        Tell(_shard0, new ReportSteps(
            1, 0, 2, 0.1, new StepSums(1, 2, new LossSums(4, 1, 0, 0), 4, 0), [1.0], default));
        Tell(_shard1, new ReportSteps(1, 1, 2, 0.1, default, [1.0], default));
        Tell(_workerA, new ReportWorker(1, 0, 2, default));
        foreach (TestProbe probe in (TestProbe[])[_shard0, _shard1, _workerA, _workerB])
            probe.ExpectNoMsg(s_silence);
    }

    [Fact]
    public void A_worker_at_half_speed_gets_fewer_data_shards_as_soon_as_the_generation_has_settled()
    {
        Begin(1, 1, 1);
        for (int step = 1; step <= 3; step++)
        {
            Tell(_workerA, new ReportWorker(1, 0, step, new WorkerTimes(10, 0)));
            Tell(_workerB, new ReportWorker(1, 1, step, new WorkerTimes(20, 0)));
        }
        Assert.Equal(2, _shard0.ExpectMsg<JoinParameterServer>(TimeSpan.FromSeconds(10)).Generation);
        _shard1.ExpectMsg<JoinParameterServer>();
        Tell(_shard0, new ParameterServerJoined(2, 0, 4, null));
        Tell(_shard1, new ParameterServerJoined(2, 1, 4, null));
        AssignDataShards first = _workerA.ExpectMsg<AssignDataShards>(),
            second = _workerB.ExpectMsg<AssignDataShards>();
        Assert.Equal(
            (0, 6, 6, 2, 3L),
            (first.FirstDataShard, first.DataShardCount, second.FirstDataShard, second.DataShardCount, first.Step));
    }

    [Fact]
    public void A_lost_worker_begins_a_new_generation_of_the_others_at_the_earliest_open_step()
    {
        Begin(1, 1, 1);
        _run.Tell(new LinkLost(1, "server", "b", "reset", false));
        Assert.Equal(2, _shard0.ExpectMsg<JoinParameterServer>().Generation);
        Assert.Equal(2, _shard1.ExpectMsg<JoinParameterServer>().Generation);
        Tell(_shard0, new ParameterServerJoined(2, 0, 4, null));
        Tell(_shard1, new ParameterServerJoined(2, 1, 3, null));
        AssignDataShards assignment = _workerA.ExpectMsg<AssignDataShards>();
        Assert.Equal(
            (2, 0, 8, 2L),
            (assignment.Generation, assignment.FirstDataShard, assignment.DataShardCount, assignment.Step));
        Tell(_workerA, new DataShardsAssigned(2, 0));
        Assert.Equal(2, _shard0.ExpectMsg<BroadcastParameters>().Step);
        _workerB.ExpectNoMsg(s_silence);
    }

    [Fact]
    public void What_an_older_generation_says_is_dropped()
    {
        Begin(1, 1, 1);
        _run.Tell(new LinkLost(1, "server", "b", "reset", false));
        _shard0.ExpectMsg<JoinParameterServer>();
        _shard1.ExpectMsg<JoinParameterServer>();
        Tell(_shard0, new ParameterServerJoined(1, 0, 1, null));
        Tell(_shard1, new ParameterServerJoined(1, 1, 1, null));
        _workerA.ExpectNoMsg(s_silence);
    }

    [Fact]
    public void A_node_that_says_it_is_there_is_taken_in_again_but_not_before_its_last_words_can_have_come()
    {
        Begin(1, 1, 1);
        _run.Tell(new LinkLost(1, "server", "b", "reset", false));
        _shard0.ExpectMsg<JoinParameterServer>();
        _run.Tell(Worker("b", _workerB));
        _shard0.ExpectNoMsg(TimeSpan.FromMilliseconds(600));
        Thread.Sleep(600);
        _run.Tell(Worker("b", _workerB));
        Assert.Equal(3, _shard0.ExpectMsg<JoinParameterServer>().Generation);
    }

    [Fact]
    public void A_banned_node_stays_out_until_it_is_let_back()
    {
        Begin(1, 1, 1);
        _run.Tell(new NodeGone("b", "unreachable", Bans: true));
        _shard0.ExpectMsg<JoinParameterServer>();
        Thread.Sleep(1100);
        _run.Tell(Worker("b", _workerB));
        _shard0.ExpectNoMsg(TimeSpan.FromMilliseconds(600));
        _run.Tell(new NodeBack("b"));
        _run.Tell(Worker("b", _workerB));
        _shard0.ExpectMsg<JoinParameterServer>();
    }

    [Fact]
    public void Lost_parameter_shards_are_asked_for_and_once_they_are_hosted_elsewhere_all_go_back_to_the_start()
    {
        Begin(1, 1, 1);
        _run.Tell(new NodeGone("server", "unreachable", Bans: true));
        Assert.Equal(
            [0, 1], _parent.FishForMessage<ParameterShardsLost>(_ => true)
            .ParameterShards.Select(scarce => scarce.Index));
        _run.Tell(
            new ActorsHosted(
                new NodeAddress("other", null, []),
                [new HostedParameterShard(0, _shard0.Ref), new HostedParameterShard(1, _shard1.Ref)], [], "test", 0));
        Assert.Equal(2, _shard0.ExpectMsg<JoinParameterServer>().Generation);
        _shard1.ExpectMsg<JoinParameterServer>();
        Tell(_shard0, new ParameterServerJoined(2, 0, 1, null));
        Tell(_shard1, new ParameterServerJoined(2, 1, 4, null));
        Assert.Null(_shard0.ExpectMsg<RestoreParameters>().Checkpoint);
        Assert.Null(_shard1.ExpectMsg<RestoreParameters>().Checkpoint);
    }

    [Theory]
    [InlineData("node")]
    [InlineData("parameter-shard-0")]
    [InlineData("worker-0")]
    public void A_failure_of_a_node_that_has_not_taken_part_is_told_and_the_run_goes_on(string actor)
    {
        Begin(1, 1, 1);
        _run.Tell(new ActorFailed("c", actor, FailureKind.Data, "no file"));
        NodeUnfit unfit = _parent.FishForMessage<NodeUnfit>(_ => true);
        Assert.Equal(("c", FailureKind.Data, "no file"), (unfit.Node, unfit.Kind, unfit.Reason));
        _shard0.ExpectNoMsg(s_silence);
        Assert.False(_completion.Task.IsCompleted);
    }

    [Fact]
    public async Task A_parameter_shard_that_has_taken_part_and_fails_ends_the_run()
    {
        Begin(1, 1, 1);
        _run.Tell(new ActorFailed("server", _shard0.Ref.Path.Name, FailureKind.Disk, "full"));
        Assert.Equal(FailureKind.Disk, (await Assert.ThrowsAsync<DistTrainerException>(() => _completion.Task)).Kind);
    }

    [Fact]
    public void A_newcomer_that_cannot_be_linked_three_times_is_refused_with_the_reason()
    {
        Begin(1, 1, 1);
        TestProbe worker = CreateTestProbe();
        for (int time = 1; time <= 3; time++)
        {
            int generation = Joins(Worker("c", worker));
            int number = worker.ExpectMsg<AssignDataShards>().Worker;
            _run.Tell(new DataShardsRefused(generation, number, "the peer ended the connection", "server"));
            if (time == 3)
                break;
            Joins(null);
            Thread.Sleep(1100); // until it may come back
        }
        NodeUnfit unfit = _parent.FishForMessage<NodeUnfit>(_ => true);
        Assert.Equal(("c", FailureKind.Quorum), (unfit.Node, unfit.Kind));
        Assert.StartsWith(
            "data connections from c to server could not be made 3 times in a row (the peer ended the connection); ",
            unfit.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_coordinator_that_takes_over_asks_in_a_newer_generation_until_it_is_heard()
    {
        _shard0.ExpectMsg<JoinParameterServer>();
        Tell(_shard0, new GenerationRefused(1, 7));
        Assert.Equal(8, _shard0.ExpectMsg<JoinParameterServer>().Generation);
    }

    [Fact]
    public async Task Without_enough_workers_no_step_is_asked_for()
    {
        Begin(1, 1, 1);
        _run.Tell(new NodeGone("a", "gone", Bans: true));
        _shard0.ExpectMsg<JoinParameterServer>();
        _shard1.ExpectMsg<JoinParameterServer>();
        _run.Tell(new NodeGone("b", "gone", Bans: true));
        _shard0.ExpectNoMsg(s_silence);
        RunStatus status = await _run.Ask<RunStatus>(new StatusCommand(), TimeSpan.FromSeconds(5));
        Assert.Equal("waiting for 1 of at least 1 workers", status.State);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _setup.Dispose();
    }

    private static ActorsHosted Worker(string name, TestProbe probe) =>
        new(new NodeAddress(name, null, []), [], [probe.Ref], "test", 0);

    private void Tell(TestProbe from, object message) => _run.Tell(message, from.Ref);

    /// <summary>A generation begins, as far as workers are assigned.</summary>
    /// <param name="more">Who comes before; null: nobody.</param>
    /// <returns>Its number.</returns>
    private int Joins(ActorsHosted? more)
    {
        if (more is not null)
            _run.Tell(more);
        int generation = _shard0.FishForMessage<JoinParameterServer>(_ => true).Generation;
        _shard1.FishForMessage<JoinParameterServer>(_ => true);
        Tell(_shard0, new ParameterServerJoined(generation, 0, 1, null));
        Tell(_shard1, new ParameterServerJoined(generation, 1, 1, null));
        _workerA.FishForMessage<AssignDataShards>(_ => true);
        _workerB.FishForMessage<AssignDataShards>(_ => true);
        return generation;
    }

    /// <summary>Brings the run to where steps flow.</summary>
    private void Begin(int generation, long open0, long open1)
    {
        _shard0.ExpectMsg<JoinParameterServer>();
        _shard1.ExpectMsg<JoinParameterServer>();
        Tell(_shard0, new ParameterServerJoined(generation, 0, open0, null));
        Tell(_shard1, new ParameterServerJoined(generation, 1, open1, null));
        _workerA.ExpectMsg<AssignDataShards>();
        _workerB.ExpectMsg<AssignDataShards>();
        Tell(_workerA, new DataShardsAssigned(generation, 0));
        Tell(_workerB, new DataShardsAssigned(generation, 1));
        foreach (TestProbe shard in (TestProbe[])[_shard0, _shard1])
        {
            shard.ExpectMsg<BroadcastParameters>();
            long step = shard.ExpectMsg<PrepareRun>().Step;
            Tell(shard, new RunPrepared(generation, shard == _shard0 ? 0 : 1, step));
        }
        _workerA.ExpectMsg<RunUntil>();
        _workerB.ExpectMsg<RunUntil>();
    }
}
