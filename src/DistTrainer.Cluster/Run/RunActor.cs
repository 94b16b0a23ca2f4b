using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Checkpoints;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Cluster.Run.Phases;
using DistTrainer.Cluster.Run.Reports;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// Leads one run: brings parameter shards and workers into a generation, lets them run to the next decision, evaluates,
/// decides, and ends with a <see cref="TrainingResult"/>. It is not on the path of a step. The actor says which message
/// goes where; what it does is in <see cref="LedRun"/>, what it is at in <see cref="RunPhase"/>, what comes next in
/// <see cref="RunCourse"/>. A restart would lose the run, so its own failure ends it.
/// </summary>
internal sealed class RunActor : ReceiveActor, IWithTimers
{
    private readonly TaskCompletionSource<TrainingResult> _completion;
    private readonly LedRun _run;
    private readonly RunReports _reports;

    /// <summary>Begins to gather.</summary>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="node">This node.</param>
    /// <param name="observer">Hears how it goes.</param>
    /// <param name="completion">Gets the result.</param>
    /// <param name="folder">The run folder, for checkpoints; null writes none.</param>
    /// <param name="start">Where the run began.</param>
    /// <param name="before">How many coordinators led it before: parameter shards know how far it is, and some may be
    /// lost with the last one's node.</param>
    public RunActor(
        TrainingSetup setup, NodeAddress node, ITrainingObserver observer,
            TaskCompletionSource<TrainingResult> completion,
        string? folder, RunState start, int before = 0)
    {
        _completion = completion;
        IActorContext context = Context;
        var shell = new RunShell(
            Self, context.Parent, Timers, context.System.Scheduler, () => context.Stop(context.Self));
        _run = new LedRun(
            shell, new RunLog(setup, context.GetLogger(), observer), setup, node, observer, completion,
                folder, start, before);
        _reports = new RunReports(_run);
        HearsPeople();
        HearsNodes();
        HearsReports();
        HearsDisk();

        // What is left over from a generation before.
        Receive<IProtocolMessage>(message => message.Generation != _run.Generation.Number, _ => { });
        HearsGeneration();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    private bool IsOpen(int generation) => generation == _run.Generation.Number;

    protected override void PreRestart(Exception reason, object message) => _run.Fail(_run.Known(reason));

    protected override void PostStop() => _completion.TrySetException(
        new DistTrainerException(FailureKind.Internal, "The run's actor stopped before the run had ended."));

    private void HearsPeople()
    {
        Receive<StatusCommand>(_ => Sender.Tell(_reports.Status()));
        Receive<IRunCommand>(command =>
        {
            _run.Request(command.With, command.Event);
            Sender.Tell(new CommandAnswer(null, command.Answer));
        });
        Receive<AbandonRun>(abandon => _run.Fail(new DistTrainerException(abandon.Kind, abandon.Reason)));
        Receive<KeepRequests>(_run.Asked.Take);
    }

    private void HearsNodes()
    {
        Receive<ActorsHosted>(_run.Nodes.On);
        Receive<NodeGone>(_run.Nodes.On);
        Receive<NodeBack>(back => _run.Members.Unban(back.Node));
        Receive<NodeChanges.JoinsSettled>(_ => _run.Renew());
        Receive<LinkLost>(_run.Nodes.On);
        Receive<ActorFailed>(_run.Nodes.OnFailed);
        Receive<Linked>(linked => !IsOpen(linked.Generation), linked => _run.Nodes.IsRefused(linked));
        Receive<LedRun.ShardsOverdue>(_ => _run.Nodes.TellLost());
        Receive<GatheringPhase.StillWaiting>(_ => (_run.Phase as GatheringPhase)?.SayWaiting());
    }

    private void HearsReports()
    {
        Receive<ReportSteps>(report =>
        {
            if (_reports.On(report))
                _run.Request(asked => asked with { Checkpoints = true }, "checkpoint-due");
        });
        Receive<ReportHistogram>(_reports.On);
        Receive<RunReports.CheckWait>(_ => _reports.SayAwaited());
        Receive<RunReports.CheckSpeeds>(_ => _reports.DealBySpeed());
    }

    private void HearsDisk()
    {
        Receive<CheckpointWriting.FolderMade>(_run.Writing.On);
        Receive<CheckpointWriting.PartsOverdue>(_ => _run.Writing.AskForParts());
        Receive<PartWritten>(_run.Writing.On);
        Receive<CheckpointWriting.CheckpointEnded>(_run.Writing.On);
        Receive<PartCompared>(compared => IsOpen(compared.Generation), compared => _run.Phase.On(compared));
        Receive<PartCompared>(_ => { });
        Receive<CheckpointFound>(found => IsOpen(found.Generation), found => _run.Phase.On(found));
        Receive<CheckpointFound>(_ => { });
    }

    private void HearsGeneration()
    {
        Receive<DataShardsRefused>(_run.Nodes.On);
        Receive<ReportWorker>(_reports.On);
        Receive<RefuseContribution>(_reports.On);
        Receive<WaitingFor>(waiting => _run.Phase.On(waiting));
        Receive<ParameterServerJoined>(joined => _run.Phase.On(joined));
        Receive<RestoreFailed>(failed => _run.Phase.On(failed));
        Receive<GenerationRefused>(refused => _run.Phase.On(refused));
        Receive<DataShardsAssigned>(assigned => _run.Phase.On(assigned));
        Receive<Linked>(linked => _run.Phase.On(linked));
        Receive<RunPrepared>(prepared => _run.Phase.On(prepared));
        Receive<RunReached>(reached => _run.Phase.On(reached));
        Receive<Holding>(holding => _run.Phase.On(holding));
        Receive<Evaluated>(evaluated => _run.Phase.On([evaluated]));
        Receive<Evaluated[]>(evaluated => _run.Phase.On(evaluated));
        Receive<ParametersBroadcast>(broadcast => _run.Phase.On(broadcast));
        Receive<BestKept>(kept => _run.Phase.On(kept));
        Receive<CheckpointCopied>(copied => _run.Phase.On(copied));
    }
}
