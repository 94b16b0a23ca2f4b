using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>
/// The parameter shard's side of the protocol, with probes in the places of the run, a worker and another parameter
/// shard.
/// </summary>
public sealed class ParameterShardActorTests : TestKit
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(50);
    private readonly TestProbe _run;
    private readonly TestProbe _worker;
    private readonly TestProbe _peer;
    private readonly TrainingSetup _setup;
    private readonly IActorRef _shard;

    public ParameterShardActorTests()
        : base(ComputeDispatchers.Settings)
    {
        JobDescription job = TestJobs.Job(new OptimizerDescription());
        job = job with { Clipping = new ClippingDescription { Norm = 1 } };
        var options = new RunOptions { ParameterShards = 2, ReportEvery = 1 };
        _setup = new TrainingSetup(job, TestJobs.Classification(40, 3, 2), options, null);
        (_run, _worker, _peer) = (CreateTestProbe(), CreateTestProbe(), CreateTestProbe());
        _shard = Sys.ActorOf(Props.Create(() => new ParameterShardActor(_setup, _setup.Ranges[0], false)));
    }

    [Fact]
    public void A_step_that_is_clipped_by_norm_waits_for_the_other_part_of_it_and_is_then_reported()
    {
        Begin(number: 0);
        Push(1);
        ShareNorm own = _peer.ExpectMsg<ShareNorm>();
        Assert.Equal((1L, 0), (own.Step, own.ParameterShard));
        _shard.Tell(own);
        _worker.ExpectNoMsg(s_quiet);
        _shard.Tell(own with { ParameterShard = 1 });
        Assert.Equal(new ParametersBroadcast(1, 0, 1), _worker.ExpectMsg<ParametersBroadcast>());
        ReportSteps report = _run.ExpectMsg<ReportSteps>();
        Assert.Equal((1L, 0), (report.Step, report.ParameterShard));
        RunReached reached = _run.ExpectMsg<RunReached>();
        Assert.Equal([(1L, 1L)], reached.Sums.Select(sums => (sums.FirstStep, sums.LastStep)).Distinct());
    }

    [Fact]
    public void A_parameter_shard_that_is_a_step_ahead_repeats_both_steps_and_its_part_of_the_norm()
    {
        Begin(number: 0);
        Push(1);
        ShareNorm own = _peer.ExpectMsg<ShareNorm>();
        _shard.Tell(own);
        _shard.Tell(own with { ParameterShard = 1 });
        _worker.ExpectMsg<ParametersBroadcast>();
        Join(2, 0);
        Broadcast(2, 0);
        Assert.Equal(0, _worker.ExpectMsg<ParametersBroadcast>().Step);
        Assert.Equal(1, _worker.ExpectMsg<ParametersBroadcast>().Step);
        ShareNorm again = _peer.ExpectMsg<ShareNorm>();
        Assert.Equal((2, 1L), (again.Generation, again.Step));
        Assert.Equal(own.BlockSums, again.BlockSums);
    }

    [Fact]
    public void A_replica_reports_nothing_and_tells_the_run_only_where_it_stands()
    {
        Begin(number: 2);
        Push(1);
        _peer.ExpectNoMsg(s_quiet);
        double[] sums = new double[1];
        _shard.Tell(new ShareNorm(1, 0, 1, sums));
        _shard.Tell(new ShareNorm(1, 1, 1, sums));
        Assert.Equal(new ParametersBroadcast(1, 2, 1), _worker.ExpectMsg<ParametersBroadcast>());
        RunReached reached = _run.ExpectMsg<RunReached>();
        Assert.Equal((2, 1L), (reached.ParameterShard, reached.Step));
    }

    private void Begin(int number)
    {
        Join(1, number);
        Broadcast(1, number);
        Assert.Equal(0, _worker.ExpectMsg<ParametersBroadcast>().Step);
        _shard.Tell(new PrepareRun(1, 1, new RateChange(1, null), false, RunState.Start, 0, 0), _run.Ref);
        Assert.Equal(new RunPrepared(1, number, 1), _run.ExpectMsg<RunPrepared>());
    }

    private void Join(int generation, int number)
    {
        _shard.Tell(new JoinParameterServer(generation, number), _run.Ref);
        _run.FishForMessage<ParameterServerJoined>(joined => joined.Generation == generation);
    }

    private void Broadcast(int generation, int number)
    {
        var worker = new ActorPlace(_worker.Ref, new NodeAddress("w", null, []));
        _shard.Tell(new BroadcastParameters(generation, 0, [worker], [_peer.Ref], number), _run.Ref);
    }

    private void Push(long step)
    {
        int dataShards = _setup.Job.Training.DataShards;
        LossSums[] losses = [.. Enumerable.Repeat(new LossSums(5, 1, 0, 0), dataShards)];
        var all = new TreeNode(0, dataShards);
        _shard.Tell(new PushGradient(1, 0, step, all, _setup.CreateVector(), 0, true, losses, 7));
    }
}
