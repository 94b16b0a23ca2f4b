using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using AkkaCluster = Akka.Cluster.Cluster;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// Leads a cluster, as its singleton on the oldest server node: knows the nodes, takes people's requests, and has one
/// run at a time, led by a <see cref="Run.RunActor"/>. The actor says which message goes where; the life of a run is in
/// <see cref="LedCluster"/>, that of a node in <see cref="MemberChanges"/>, people's requests in
/// <see cref="ClusterRequests"/>. A restart would lose all that it knows, so its own failure ends the process.
/// </summary>
internal sealed class CoordinatorActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan s_checkEvery = TimeSpan.FromSeconds(5);
    private readonly NodeRuntime _runtime;
    private readonly LedCluster _cluster;
    private readonly MemberChanges _members;
    private readonly ClusterRequests _requests;

    /// <summary>Begins to lead.</summary>
    /// <param name="runtime">What this node's actors share.</param>
    /// <param name="job">A run to begin with as soon as enough nodes are there; null: wait for one to be
    /// submitted.</param>
    /// <param name="end">Ends this process with an exit code, and says why.</param>
    public CoordinatorActor(NodeRuntime runtime, RunDescription? job, Action<int, string> end)
    {
        _runtime = runtime;
        IActorContext context = Context;
        var shell = new CoordinatorShell(
            Self, Timers, (props, name) => context.Watch(context.ActorOf(props, name)), context.Stop, end);
        _cluster = new LedCluster(shell, new CoordinatorLog(context.GetLogger()), runtime);
        _members = new MemberChanges(_cluster);
        _requests = new ClusterRequests(_cluster);
        HearsPeople();
        HearsNodes();
        HearsRun();
        Receive<Check>(_ => _cluster.CheckWait());
        Receive<LedCluster.EndNow>(_ => _cluster.EndAnyway());
        Receive<EndCoordinator>(_ => Context.Stop(Self));
        if (job is not null)
            Self.Tell(new SubmitRun(job));
    }

    /// <summary>The singleton is to end, because its node leaves.</summary>
    internal sealed record EndCoordinator;

    private sealed record Check;

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        AkkaCluster.Get(Context.System)
            .Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.UnreachableMember), typeof(ClusterEvent.ReachableMember));
        Timers.StartPeriodicTimer(nameof(Check), new Check(), s_checkEvery);
        _cluster.Log.Started(_runtime.Address);
    }

    protected override void PreRestart(Exception reason, object message) =>
        _cluster.Shell.End((int)FailureKind.Internal, $"the coordinator failed: {reason.Message}");

    protected override void PostStop()
    {
        AkkaCluster.Get(Context.System).Unsubscribe(Self);
        _cluster.Queue.Current?.Output?.Dispose();
    }

    private void HearsPeople()
    {
        Receive<SubmitRun>(submit => _requests.Submit(submit, Sender));
        Receive<StatusCommand>(_ => _requests.Status(Sender));
        Receive<StopCommand>(_ => _cluster.Queue.CanWithdraw, _ => _requests.Withdraw(Sender));
        Receive<IRunCommand>(command => _requests.Ask(command, Sender));
        Receive<DrainCommand>(drain => _requests.Drain(drain.Node, Sender));
    }

    private void HearsNodes()
    {
        Receive<RegisterNode>(node => _members.On(node, Sender));
        Receive<LeaveCluster>(leave => LedCluster.Tell(_cluster.Departures.Release(leave.Node, Sender)));
        Receive<ClusterEvent.UnreachableMember>(member => _members.Unreachable(member.Member.UniqueAddress.Address));
        Receive<ClusterEvent.ReachableMember>(member => _members.Reachable(member.Member.UniqueAddress.Address));
        Receive<ClusterEvent.MemberRemoved>(member => _members.Removed(member.Member.UniqueAddress.Address));
        Receive<ClusterEvent.IMemberEvent>(_ => { });
    }

    private void HearsRun()
    {
        Receive<RunOpening.Opened>(_cluster.On);
        Receive<ParameterShardsLost>(lost => LedCluster.Tell(_cluster.Hosting.Deal(lost, _cluster.Queue.Current)));
        Receive<RunFails>(fails => _cluster.Queue.Current!.FailedAfter = fails.Step);
        Receive<NodeUnfit>(unfit => _members.On(unfit, Sender));
        Receive<RunBegun>(_ => _members.OnBegun(Sender));
        Receive<KeepRequests>(keep => _cluster.Keep(keep, Sender));
        Receive<RunEnded>(_cluster.On);
        Receive<Terminated>(ended => _cluster.OnStopped(ended.ActorRef));
    }
}
