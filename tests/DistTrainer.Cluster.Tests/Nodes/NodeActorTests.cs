using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>What a node tells the next coordinator where the one before ends.</summary>
public sealed class NodeActorTests : TestKit
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private readonly ManualResetEventSlim _read = new();
    private readonly NodeRuntime _runtime;
    private readonly IActorRef _node;

    public NodeActorTests()
        : base(
            "akka.loglevel = OFF\nakka.actor.provider = cluster\nakka.remote.dot-netty.tcp { hostname = 127.0.0.1, "
            + "port = 0 }")
    {
        NodeRuntime runtime = _runtime = new NodeRuntime(
            new NodeSettings { Roles = [NodeRole.Worker] }, new SlowReader(_read), () => "{}", _ => { }, null);
        (IActorRef coordinator, Action<int, string> end) = (TestActor, (_, _) => { });
        _node = Sys.ActorOf(Props.Create(() => new NodeActor(runtime, coordinator, end)));
    }

    [Fact]
    public void The_next_coordinator_hears_of_a_run_whose_data_the_node_is_still_reading_and_what_it_was_asked_for()
    {
        Assert.Null(Registration().Run);
        TestProbe first = CreateTestProbe();
        var run = new RunDescription(
            "id", "name", new JobFile(TestJobs.Variants["sgd"], new RunSettings()).Write(), null);
        _node.Tell(new NodeRegistered(first.Ref, new SubmitRun(run), null));
        var hosted = new HostedRun(run, 1, null, 1);
        _node.Tell(new OpenRun(hosted, [], 1, first.Ref));
        var asked = new KeepRequests(3, RunRequests.None with { Pauses = true });
        _node.Tell(new NodeRegistered(first.Ref, null, asked));
        FishForMessage<RegisterNode>(registration => registration.Run == hosted, s_patience);
        Sys.Stop(first.Ref);
        FishForMessage<RegisterNode>(
            registration =>
            registration is { Waiting: null } && registration.Run == hosted && registration.Kept == asked, s_patience);
        _read.Set();
    }

    [Fact]
    public void A_node_that_is_about_to_leave_asks_the_next_coordinator_too()
    {
        TestProbe first = CreateTestProbe();
        Registration();
        _node.Tell(new NodeRegistered(first.Ref, null, null));
        _node.Tell(new NodeActor.Leave());
        LeaveCluster asked = FishForMessage<LeaveCluster>(_ => true, s_patience);
        Sys.Stop(first.Ref);
        Registration();
        _node.Tell(new NodeRegistered(CreateTestProbe().Ref, null, null));
        Assert.Equal(asked, FishForMessage<LeaveCluster>(_ => true, s_patience));
    }

    protected override void AfterAll()
    {
        _read.Set();
        base.AfterAll();
        _runtime.Dispose();
        _read.Dispose();
    }

    private RegisterNode Registration() => ExpectMsg<RegisterNode>(s_patience);

    private sealed class SlowReader(ManualResetEventSlim read) : INodeServices
    {
        public string Plugins => "none";

        public DataParts Load(JobDescription job)
        {
            read.Wait();
            return s_data;
        }

        public float[] LoadInitial(string path, ParameterLayout layout) => throw new NotSupportedException();

        public IRunOutput Open(
            RunDescription run, JobFile job, DataParts data, ParameterLayout layout, RunContinuation? from) =>
            throw new NotSupportedException();
    }
}
