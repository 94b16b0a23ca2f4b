using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using Akka.Event;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using AkkaCluster = Akka.Cluster.Cluster;

// Over 300 lines: the order of things of a cluster stands in it: who waits, leaves or is refused, and what is open. It
// is to be taken apart as RunActor was.
namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// Leads a cluster, as its singleton on the oldest server node: knows the nodes, takes people's requests, and has one
/// run at a time, led by a <see cref="RunActor"/>. States: idle → opening (this node reads the data) → running → idle.
/// </summary>
internal sealed partial class CoordinatorActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan s_checkEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_endPatience = TimeSpan.FromSeconds(10);
    private readonly NodeRuntime _runtime;
    private readonly Action<int, string> _end;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly KnownNodes _nodes;
    private readonly Dictionary<string, IActorRef> _leaving = [];
    private EndNode? _ending;
    private SubmitRun? _waiting;
    private (SubmitRun? Run, KeepRequests? Kept) _inherited;
    private CurrentRun? _run;
    private LastRun? _ended;
    private long _waitingSince;

    /// <summary>Begins to lead.</summary>
    /// <param name="runtime">What this node's actors share.</param>
    /// <param name="job">A run to begin with as soon as enough nodes are there; null: wait for one to be
    /// submitted.</param>
    /// <param name="end">Ends this process with an exit code, and says why.</param>
    public CoordinatorActor(NodeRuntime runtime, RunDescription? job, Action<int, string> end)
    {
        (_runtime, _end) = (runtime, end);
        _nodes = new KnownNodes(runtime.Settings);
        Receive<RegisterNode>(Register);
        Receive<SubmitRun>(Submit);
        Receive<StatusCommand>(_ => Status());
        Receive<StopCommand>(_ => _run is null && (_waiting ?? _inherited.Run) is not null, _ => Withdraw());
        Receive<IRunCommand>(Ask);
        Receive<DrainCommand>(drain => Drain(drain.Node));
        Receive<LeaveCluster>(leave => Release(leave.Node, Sender));
        Receive<RunOpened>(Start);
        Receive<ParameterShardsLost>(Deal);
        Receive<RunFails>(fails => _run!.FailedAfter = fails.Step);
        Receive<NodeUnfit>(Refuse);
        Receive<RunBegun>(_ => OnBegun());
        Receive<KeepRequests>(keep =>
        {
            if (_run is not { } run || !Sender.Equals(run.Actor))
                return;
            run.Kept = keep;
            TellRegistered();
        });
        Receive<RunEnded>(Ended);
        Receive<Terminated>(ended => AfterRun(ended.ActorRef));
        Receive<Check>(_ => CheckWait());
        Receive<EndNow>(_ => _end(_ending!.ExitCode, _ending.Reason));
        Receive<ClusterEvent.UnreachableMember>(member => Unreachable(member.Member));
        Receive<ClusterEvent.ReachableMember>(member => Reachable(member.Member));
        Receive<ClusterEvent.MemberRemoved>(member => Removed(member.Member.UniqueAddress.Address));
        Receive<ClusterEvent.IMemberEvent>(_ => { });
        Receive<EndCoordinator>(_ => Context.Stop(Self));
        if (job is not null)
            Self.Tell(new SubmitRun(job));
    }

    /// <summary>The singleton is to end, because its node leaves.</summary>
    internal sealed record EndCoordinator;

    private sealed record Check;

    private sealed record EndNow;

    private sealed record RunOpened(OpenedRun? Run, Exception? Failure);

    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>The run that no node hosts yet; they remember it, in case that this coordinator ends before.</summary>
    private SubmitRun? NotBegun =>
        _waiting ?? (_run is { Hosted: null, TakenOver: null, End: null } opening ? new SubmitRun(opening.Run) : null);

    private NodeRegistered Registered => new(Self, NotBegun, _run?.Kept);

    private IEnumerable<KnownNode> Others => _nodes.All.Where(node => node.Name != _runtime.Address.Name);

    protected override void PreStart()
    {
        AkkaCluster.Get(Context.System)
            .Subscribe(Self, ClusterEvent.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent),
            typeof(ClusterEvent.UnreachableMember), typeof(ClusterEvent.ReachableMember));
        Timers.StartPeriodicTimer(nameof(Check), new Check(), s_checkEvery);
        _log.Event(LogLevel.InfoLevel, "coordinator-started node={Node} dataEndpoint={DataEndpoint}",
            _runtime.Address.Name, _runtime.Address.Endpoint is { } endpoint ? $"{endpoint.Host}:{endpoint.Port}" : "");
    }

    protected override void PreRestart(Exception reason, object message) =>
        _end((int)FailureKind.Internal, $"the coordinator failed: {reason.Message}");

    protected override void PostStop()
    {
        AkkaCluster.Get(Context.System).Unsubscribe(Self);
        _run?.Output?.Dispose();
    }

    private void Register(RegisterNode node)
    {
        if (Conflict(node) is { } reason)
        {
            LogRefused(
                NodeName.Problem(node.Node.Name) is null ? node.Node.Name : Sender.Path.Address.ToString(), reason);
            Sender.Tell(new EndNode((int)FailureKind.Configuration, reason));
            return;
        }
        Sender.Tell(Registered);
        KeepRequests? kept = node.Kept is { } told && told.IsNewerThan(_inherited.Kept) ? told : _inherited.Kept;
        _inherited = (_inherited.Run ?? node.Waiting, kept);
        if (node.Ended is { } ended && (_ended is null || ended.At > _ended.At))
            _ended = ended;
        var known = new KnownNode(node, Sender);
        if (!_nodes.TryAdd(known))
        {
            TellAgain(_nodes.Find(known.Name)!, node.Run);
            return;
        }
        foreach (KnownNode old in _nodes.At(known.Address).Where(old => old != known))
            Forget(old, "its process was started anew");
        _log.Event(LogLevel.InfoLevel, "node-known node={Node} server={Server} workers={Workers} nodes={Nodes}",
            node.Node.Name, node.IsServer, node.Workers, _nodes.Count);
        if (_run is null && node.Run is { } hosted && hosted.Run.Id != _ended?.Id)
            TakeOver(hosted);
        _run?.Inherit(node.Kept);
        if (_run?.Hosted is { } run && (node.Workers > 0 || node.Run is not null))
            known.Tell(new OpenRun(run, [], node.Workers, _run.Actor));
        else
            StartIfReady();
    }

    /// <summary>What a node was told may have been lost with a connection: it shows in what the node hosts.</summary>
    private void TellAgain(KnownNode node, HostedRun? hosted)
    {
        if (node.Refusal is not null)
            TellRefusal(node);
        if (!node.IsWorking)
            return;
        if (_run?.Hosted is { } run && node.Opened is { } opened && opened.Run == run && hosted != run)
            node.Actor.Tell(opened);
        else if (hosted is not null && hosted.Run.Id != _run?.Run.Id)
            node.Actor.Tell(new CloseRun(hosted.Run.Id, null));
    }

    /// <summary>The coordinator before is gone, and its run goes on under this one.</summary>
    private void TakeOver(HostedRun hosted)
    {
        _log.Event(LogLevel.WarningLevel, "run-found run={Run} name=\"{Name}\"", hosted.Run.Id, hosted.Run.Name);
        _waiting = null;
        _run = new CurrentRun(hosted.Run) { TakenOver = hosted, HasBegun = true };
        _run.Inherit(_inherited.Kept);
        Open(_runtime.OpenAsync(hosted.Run, hosted.ParameterShardCount));
    }

    private void Open(Task<OpenedRun> opening) => opening.PipeTo(
        Self, success: run => new RunOpened(run, null), failure: cause => new RunOpened(null, cause));

    private void Submit(SubmitRun submit)
    {
        if (_run is not null || _waiting is not null)
        {
            Answer(
                FailureKind.Configuration,
                $"the run {(_run?.Run ?? _waiting!.Run).Name} is not over; one run at a time: wait for it, or stop it "
                + "first");
            return;
        }
        if (NodeName.Problem(submit.Run.Id) is { } problem)
        {
            Answer(FailureKind.Configuration, $"the run's id {problem}; allowed: {NodeName.Allowed()}");
            return;
        }
        try
        {
            JobFile.Read(new JobSource(submit.Run.Job, submit.Run.Name));
        }
        catch (DistTrainerException failure)
        {
            Answer(failure.Kind, failure.Message);
            return;
        }
        Answer(null, $"run {submit.Run.Id} ({submit.Run.Name}) is accepted");
        _inherited = default;
        Accept(submit);
    }

    private void Accept(SubmitRun submit)
    {
        _waitingSince = Stopwatch.GetTimestamp();
        _log.Event(LogLevel.InfoLevel, "run-submitted run={Run} name=\"{Name}\"", submit.Run.Id, submit.Run.Name);
        _waiting = submit;
        TellRegistered();
        StartIfReady();
    }

    private void TellRegistered()
    {
        foreach (KnownNode node in _nodes.All)
            node.Actor.Tell(Registered);
    }

    private void StartIfReady()
    {
        if (_waiting is null || _run is not null || _nodes.Missing() is not null)
            return;
        _run = new CurrentRun(_waiting.Run);
        _run.Inherit(_inherited.Kept);
        _waiting = null;
        Open(_runtime.OpenAsync(_run.Run, _runtime.Settings.ParameterShards, _nodes.Servers.Length));
    }

    private void CheckWait()
    {
        // By now all nodes have registered that host a run, which comes first.
        (SubmitRun? inherited, _inherited.Run) = (_inherited.Run, null);
        if (inherited is not null && _run is null && _waiting is null)
            Accept(inherited);
        else if (_waiting is null)
            _inherited = default;
        if (_waiting is not null && _nodes.Missing() is { } missing)
            _log.Event(LogLevel.InfoLevel, "waiting-for who=\"{Missing}\" for=start seconds={Seconds:F0}", missing,
                Stopwatch.GetElapsedTime(_waitingSince).TotalSeconds);
    }

    private void Start(RunOpened opened)
    {
        CurrentRun run = _run!;
        if (run.TakenOver is not null && opened.Failure?.Cause() is { } unreadable)
        {
            // Others host the run, so they can: one of them is to lead it.
            EndThisNode((int)KindOf(unreadable), unreadable.Message);
            return;
        }
        try
        {
            run.Opened = opened.Run ?? throw opened.Failure!.Cause();
            TrainingSetup setup = run.Opened.Setup;
            RunState start = setup.StartState();
            RunContinuation? from = run.TakenOver?.Folder is { } taken ? new RunContinuation(
                taken, long.MaxValue, TakesOver: true)
                : run.Run.ResumeFrom is { } checkpoint
                    ? new RunContinuation(RunFolderOf(checkpoint), start.Step, TakesOver: false) : null;
            run.Output = _runtime.Services.Open(run.Run, run.Opened.Job, setup.Data, setup.Layout, from);
            var completion = new TaskCompletionSource<TrainingResult>(
                TaskCreationOptions.RunContinuationsAsynchronously);
            (NodeAddress node, IRunOutput output, string? folder, int before) =
                (_runtime.Address, run.Output, run.Output.Folder, run.TakenOver?.Coordinators ?? 0);
            run.Hosted = new HostedRun(run.Run, setup.Ranges.Count, folder, before + 1);
            run.LedBy(
                Context.Watch(
                    Context.ActorOf(
                        Props.Create(() => new RunActor(setup, node, output, completion, folder, start, before)),
                        $"run-{run.Run.Id}")));
            run.Opened.Links.Owner = run.Actor;
            completion.Task.PipeTo(
                Self, success: result => new RunEnded(result, null), failure: cause => new RunEnded(null, cause));
            Host(run);
            TellRegistered();
        }
        catch (DistTrainerException unseen) when (run.TakenOver is not null
            && Others.Any(node => node is { IsServer: true, IsReachable: true }))
        {
            EndThisNode((int)unseen.Kind, unseen.Message);
        }
        catch (Exception failure)
        {
            Ended(new RunEnded(null, failure));
            AfterRun(run.Actor);
        }
    }

    /// <summary>The run folder that a checkpoint's folder lies in: RUN/checkpoints/step-000000100.</summary>
    private static string RunFolderOf(string checkpoint) =>
        Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(checkpoint.TrimEnd(Path.DirectorySeparatorChar))))
            ?? "";

    /// <summary>Deals the parameter shards out to the server nodes, and asks all nodes for their workers.</summary>
    private void Host(CurrentRun run)
    {
        KnownNode[] servers = run.TakenOver is null ? _nodes.Servers : [];
        int count = run.Hosted!.ParameterShardCount;
        foreach (KnownNode node in _nodes.Working)
        {
            int server = Array.IndexOf(servers, node);
            int[] shards = server < 0 ? [] : ParameterShardDeal.First(
                count, server, servers.Length, _runtime.Settings.Replicas);
            if (shards.Length > 0 || node.Workers > 0 || node.HostedBefore is not null)
                node.Tell(new OpenRun(run.Hosted, shards, node.Workers, run.Actor));
        }
    }

    /// <summary>
    /// Deals parameter shards that are lost, or have lost a copy, out to the servers that are left; with none, the run
    /// asks again.
    /// </summary>
    private void Deal(ParameterShardsLost lost)
    {
        if (_run?.Hosted is not { } run)
            return;
        foreach ((string name, int[] shards) in ParameterShardDeal.Again(lost,
            [.. _nodes.Servers.Where(node => node.IsReachable).Select(node => node.Name)]))
        {
            KnownNode server = _nodes.Find(name)!;
            if (!_run!.Dealt.IsSupersetOf(shards.Select(shard => (name, shard))))
                _log.Event(
                    LogLevel.WarningLevel, "parameter-shards-dealt node={Node} shards=\"{Shards}\"", name,
                    string.Join(' ', shards));
            _run.Dealt.UnionWith(shards.Select(shard => (name, shard)));
            server.Tell(new OpenRun(run, shards, server.Workers, _run.Actor));
        }
    }

    private void Ended(RunEnded ended)
    {
        CurrentRun run = _run!;
        run.End = ended;
        if (ended.Result is { } result)
        {
            try
            {
                run.Output!.Complete(result);
            }
            catch (Exception failure)
            {
                run.End = new RunEnded(null, failure);
            }
        }
        run.Output?.Dispose();
        run.Output = null;
        if (run.End.Failure is { } cause)
            _log.Event(
                LogLevel.ErrorLevel, "run-failed run={Run} name=\"{Name}\" message=\"{Message}\"", run.Run.Id,
                run.Run.Name, cause.Cause().Message);
        _ended = run.Told();
        if (run.IsGone)
            AfterRun(run.Actor);
        else
            Context.Stop(run.Actor);
    }

    /// <summary>The run's actor has ended: the nodes may free what belongs to the run.</summary>
    private void AfterRun(IActorRef actor)
    {
        if (_run is not { } run || !actor.Equals(run.Actor))
            return;
        if (run.End is not { } end)
        {
            // How it ended is still on its way.
            run.IsGone = true;
            return;
        }
        TellEnded();
        _run = null;
        if (!run.HasBegun)
            TakeBackRefusals();
        Exception? cause = end.Failure?.Cause();
        int code = cause is null ? 0 : (int)KindOf(cause);
        if (_runtime.Settings.ExitWhenDone)
        {
            EndAll(code, cause?.Message ?? "the run is done");
            return;
        }
        foreach ((string name, IActorRef leaving) in _leaving)
            Release(name, leaving);
        _leaving.Clear();
        StartIfReady();
    }

    private void TellEnded()
    {
        foreach (KnownNode node in _nodes.All)
            node.Actor.Tell(new CloseRun(_ended!.Id, _ended));
    }

    /// <summary>Lets the other nodes leave first, so that they do so in good order.</summary>
    private void EndAll(int code, string reason)
    {
        _ending = new EndNode(code, reason);
        foreach (KnownNode node in Others)
            node.Actor.Tell(_ending);
        Timers.StartSingleTimer(nameof(EndNow), new EndNow(), s_endPatience);
        EndIfAlone();
    }

    private void EndIfAlone()
    {
        if (_ending is { } ending && !Others.Any())
            _end(ending.ExitCode, ending.Reason);
    }

    private void Drain(string name)
    {
        if (_nodes.Meant(name) is not { } node)
            Answer(
                FailureKind.Configuration,
                $"there is no node {name}; there are {string.Join(", ", _nodes.All.Select(known => known.Name))}");
        else if (node.IsServer)
            Answer(FailureKind.Configuration, $"{name} is a server; only workers can be drained");
        else
        {
            Release(node.Name, node.Actor);
            Answer(null, $"{node.Name} is drained and ends");
        }
    }

    /// <summary>
    /// Takes a node's work away, then lets it end. A server's work cannot be taken away: the run ends first.
    /// </summary>
    private void Release(string name, IActorRef actor)
    {
        if (_nodes.Find(name) is { IsReleased: false } node)
        {
            if (node.IsServer && _run is not null)
            {
                _leaving[name] = actor;
                _log.Event(LogLevel.InfoLevel, "node-leaves node={Node}", name);
                _run.Ask(new StopCommand(), ActorRefs.NoSender);
                return;
            }

            node.IsReleased = true;
            _log.Event(LogLevel.InfoLevel, "node-drained node={Node}", name);
            _run?.Actor.Tell(new NodeGone(name, "it leaves", Bans: true));
        }
        actor.Tell(new EndNode(0, "it was released by the coordinator"));
    }

    private void Unreachable(Member member)
    {
        foreach (KnownNode node in _nodes.At(member.UniqueAddress.Address.ToString()))
        {
            node.IsReachable = false;
            _log.Event(LogLevel.WarningLevel, "node-unreachable node={Node}", node.Name);
            _run?.Actor.Tell(new NodeGone(node.Name, "the cluster cannot reach it", Bans: true));
        }
    }

    private void Reachable(Member member)
    {
        foreach (KnownNode node in _nodes.At(member.UniqueAddress.Address.ToString()))
        {
            node.IsReachable = true;
            _log.Event(LogLevel.InfoLevel, "node-reachable node={Node}", node.Name);
            if (node.IsWorking)
                _run?.Actor.Tell(new NodeBack(node.Name));
        }
    }

    private void Removed(Address address)
    {
        foreach (KnownNode node in _nodes.At(address.ToString()))
            Forget(node, "it left the cluster");
    }

    private void Forget(KnownNode node, string reason)
    {
        _nodes.Remove(node);
        _log.Event(
            LogLevel.InfoLevel, "node-forgotten node={Node} reason=\"{Reason}\" nodes={Nodes}", node.Name,
            reason, _nodes.Count);
        _run?.Actor.Tell(new NodeGone(node.Name, reason, Bans: true));
        EndIfAlone();
    }

    private void Withdraw()
    {
        RunDescription run = (_waiting ?? _inherited.Run)!.Run;
        _log.Event(LogLevel.InfoLevel, "run-withdrawn run={Run} name=\"{Name}\"", run.Id, run.Name);
        (_waiting, _inherited) = (null, default);
        _ended = new LastRun(run.Id, run.Name, "withdrawn", DateTime.UtcNow, 0, null, null);
        TellEnded();
        TellRegistered();
        Answer(null, $"run {run.Id} ({run.Name}) had not begun and is withdrawn");
    }

    private void Ask(IRunCommand command)
    {
        if (_run is not { End: null } run)
        {
            Answer(FailureKind.Configuration, Waiting() is { } waiting
                ? $"the run waits to begin ({waiting}); until then it can only be stopped" : "there is no run");
        }
        else if (!run.Ask(command, Sender))
        {
            TellRegistered(); // and what it is asked for
            Answer(null, command.Answer);
        }
    }

    private void Status()
    {
        NodeStatus[] nodes = _nodes.Status();
        IActorRef asker = Sender;
        (string leader, string? waiting) = (_runtime.Address.Name, Waiting());
        if (_run is not { Opened: not null, End: null })
        {
            asker.Tell(new ClusterStatus(null, nodes, leader, waiting, _ended));
            return;
        }
        RunDescription run = _run.Run;
        _run.Actor.Ask<RunStatus>(new StatusCommand(), TimeSpan.FromSeconds(3))
            .PipeTo(asker, success: status => new ClusterStatus(status with { Name = run.Name }, nodes, leader),
                failure: _ => new ClusterStatus(null, nodes, leader, $"{run.Name}, which does not answer"));
    }

    /// <summary>
    /// A run that has not begun, or that this node does not lead yet, and what for; null: there is none.
    /// </summary>
    private string? Waiting() => _waiting is { } waiting ? $"{waiting.Run.Name}, for {_nodes.Missing() ?? "its data"}"
        : _run is { Opened: null, End: null } run ? $"{run.Run.Name}, for its data" : null;

    private void Answer(FailureKind? failure, string text)
    {
        if (!Sender.Equals(Self))
            Sender.Tell(new CommandAnswer(failure, text));
        else if (failure is not null)
            _end((int)failure, text);
    }
}
