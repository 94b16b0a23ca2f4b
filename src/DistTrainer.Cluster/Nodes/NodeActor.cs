using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// A node of a cluster: registers with the coordinator, and with the next one where that ends; hosts the actors of the
/// run that it is told to; hands people's requests to the coordinator. States: none beside those; a restart would lose
/// the run's actors, so it ends the process instead.
/// </summary>
internal sealed class NodeActor : ReceiveActor, IWithTimers
{
    private const string NoMemory =
        "the memory does not suffice for this run's data and parameters; give the node more, or take data.limit or "
        + "fewer units";
    private static readonly TimeSpan s_registerEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_sayEvery = TimeSpan.FromSeconds(3);
    private readonly NodeRuntime _runtime;
    private readonly IActorRef _coordinator;
    private readonly Action<int, string> _end;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private (string Id, IActorRef Actor)? _host;
    private HostedRun? _hosted;
    private SubmitRun? _waiting;
    private KeepRequests? _kept;
    private OpenRun? _next;
    private string? _closed;
    private LastRun? _ended;
    private IActorRef _known = ActorRefs.Nobody;
    private bool _leaves;

    /// <summary>Begins to register.</summary>
    /// <param name="runtime">What the node's actors share.</param>
    /// <param name="coordinator">A proxy of the coordinator.</param>
    /// <param name="end">Ends the process with an exit code, and says why.</param>
    public NodeActor(NodeRuntime runtime, IActorRef coordinator, Action<int, string> end)
    {
        (_runtime, _coordinator, _end) = (runtime, coordinator, end);
        Receive<Register>(_ => RegisterNow());
        Receive<NodeRegistered>(Registered);
        Receive<Terminated>(ended => ended.ActorRef.Equals(_known), _ => Lost());
        Receive<Terminated>(_ => HostEnded());
        Receive<OpenRun>(Open);
        Receive<Opened>(Host);
        Receive<CloseRun>(Close);
        Receive<EndNode>(end =>
        {
            Become(Ending);
            _end(end.ExitCode, end.Reason);
        });
        Receive<Leave>(_ =>
        {
            _leaves = true;
            AskToLeave();
        });
        Receive<IClusterCommand>(command => _coordinator.Forward(command));
    }

    /// <summary>Asks the node to leave the cluster in good order.</summary>
    internal sealed record Leave;

    private sealed record Register;

    private sealed record Opened(OpenRun Request, OpenedRun? Run, Exception? Failure);

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() =>
        Timers.StartPeriodicTimer(nameof(Register), new Register(), TimeSpan.Zero, s_registerEvery);

    protected override void PreRestart(Exception reason, object message) =>
        _end((int)FailureKind.Internal, $"the node's actor failed: {reason.Message}");

    private void Ending()
    {
        Timers.CancelAll();
        Receive<CloseRun>(Close);
        Receive<Terminated>(ended => !ended.ActorRef.Equals(_known), _ => HostEnded());
        ReceiveAny(_ => { });
    }

    private void RegisterNow()
    {
        NodeSettings settings = _runtime.Settings;
        string address = Akka.Cluster.Cluster.Get(Context.System).SelfAddress.ToString();
        _coordinator.Tell(
            new RegisterNode(ProtocolVersion.Current, _runtime.Services.Plugins, _runtime.Address, address,
            settings.IsServer, settings.IsWorker ? settings.Workers : 0, _hosted, _known.IsNobody() ? _waiting
            : null, _known.IsNobody() ? _kept : null, _ended));
    }

    private void Registered(NodeRegistered registered)
    {
        (_waiting, _kept) = (registered.Waiting, registered.Kept);
        if (_known.Equals(registered.Coordinator))
            return;

        // Said again and again: what the coordinator told may have been lost with a connection.
        Timers.StartPeriodicTimer(nameof(Register), new Register(), s_sayEvery);
        _known = Context.Watch(registered.Coordinator);
        _log.Event(
            LogLevel.InfoLevel, "node-registered node={Node} coordinator={Coordinator}", _runtime.Address.Name,
            registered.Coordinator.Path.Address);
        AskToLeave(); // the coordinator before may have heard it only
    }

    private void AskToLeave()
    {
        if (_leaves)
            _coordinator.Tell(new LeaveCluster(_runtime.Address.Name));
    }

    private void Lost()
    {
        _log.Event(LogLevel.WarningLevel, "coordinator-gone node={Node}", _runtime.Address.Name);
        _known = ActorRefs.Nobody;
        PreStart();
    }

    private void Open(OpenRun open)
    {
        // also while the data are being read: whoever leads next hears of the run
        (_waiting, _hosted) = (null, open.Run);
        if (_closed == open.Run.Run.Id)
            _closed = null; // it was withdrawn, and is submitted again
        if (_host is { } host && host.Id != open.Run.Run.Id)
        {
            // The run before is still ending.
            _next = open;
            return;
        }
        _log.Event(
            LogLevel.InfoLevel,
            "run-opening run={Run} name=\"{Name}\" parameterShards={ParameterShards} workers={Workers}",
            open.Run.Run.Id, open.Run.Run.Name, open.ParameterShards.Length, open.Workers);
        _runtime.OpenAsync(open.Run.Run, open.Run.ParameterShardCount).PipeTo(
            Self, success: run => new Opened(open, run, null), failure: cause => new Opened(open, null, cause));
    }

    private void Host(Opened opened)
    {
        OpenRun request = opened.Request;
        if (opened.Run is not { } run)
        {
            Exception cause = opened.Failure!.Cause();
            request.RunActor.Tell(
                new ActorFailed(
                    _runtime.Address.Name, "node", (cause as DistTrainerException)?.Kind ?? FailureKind.Internal,
                    cause is OutOfMemoryException ? NoMemory : cause.Message));
            _runtime.Close(request.Run.Run.Id);
            _hosted = null;
            return;
        }
        if (_closed == request.Run.Run.Id)
        {
            // The run was over before this node had read its data.
            _runtime.Close(request.Run.Run.Id);
            return;
        }
        run.Links.Owner = request.RunActor;
        if (_host is { } hosting)
        {
            hosting.Actor.Tell(new HostActor.HostMore(request.ParameterShards, request.RunActor));
            return;
        }
        IActorRef host = Context.ActorOf(
            Props.Create(
                () => new HostActor(
                    run.Setup, _runtime.Address, request.ParameterShards, request.Workers, request.RunActor)));
        _host = (request.Run.Run.Id, Context.Watch(host));
    }

    private void Close(CloseRun close)
    {
        string id = close.Id;
        (_closed, _ended, _kept) = (id, close.Ended ?? _ended, null);
        if (_hosted?.Run.Id == id)
            _hosted = null;
        if (_waiting?.Run.Id == id)
            _waiting = null;
        if (_host is { } host && host.Id == id)
            Context.Stop(host.Actor);
        if (_next?.Run.Run.Id == id)
            _next = null;
    }

    private void HostEnded()
    {
        _runtime.Close(_host!.Value.Id);
        _host = null;
        if (_next is { } next)
        {
            _next = null;
            Open(next);
        }
    }
}
