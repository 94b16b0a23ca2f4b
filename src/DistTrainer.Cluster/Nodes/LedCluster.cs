using Akka.Actor;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// A cluster as its coordinator sees it: its parts, and the life of a run in it. States: idle → opening (this node
/// reads the data) → running → ended (its actor is still to stop) → idle.
/// </summary>
internal sealed class LedCluster
{
    private static readonly TimeSpan s_endPatience = TimeSpan.FromSeconds(10);
    private readonly NodeRuntime _runtime;
    private readonly RunOpening _opening;

    /// <summary>Begins with no node and no run.</summary>
    /// <param name="shell">The coordinator's actor.</param>
    /// <param name="log">Where events are told.</param>
    /// <param name="runtime">What this node's actors share.</param>
    public LedCluster(CoordinatorShell shell, CoordinatorLog log, NodeRuntime runtime)
    {
        (Shell, Log, _runtime) = (shell, log, runtime);
        _opening = new RunOpening(runtime, shell);
        Nodes = new KnownNodes(runtime.Settings);
        Admission = new Admission(Nodes, log);
        Departures = new Departures(Nodes, Queue, Name, log);
        Hosting = new RunHosting(Nodes, runtime.Settings.Replicas, log);
    }

    /// <summary>The others have had their time to leave.</summary>
    internal sealed record EndNow;

    /// <summary>The coordinator's actor.</summary>
    public CoordinatorShell Shell { get; }

    /// <summary>Where events are told.</summary>
    public CoordinatorLog Log { get; }

    /// <summary>The name of this node.</summary>
    public string Name => _runtime.Address.Name;

    /// <summary>The plug-ins of this node, which all others must have.</summary>
    public string Plugins => _runtime.Services.Plugins;

    /// <summary>The nodes that are known.</summary>
    public KnownNodes Nodes { get; }

    /// <summary>What waits, what there is, and what ended last.</summary>
    public RunQueue Queue { get; } = new();

    /// <summary>Who cannot take part.</summary>
    public Admission Admission { get; }

    /// <summary>Who leaves.</summary>
    public Departures Departures { get; }

    /// <summary>Who hosts what.</summary>
    public RunHosting Hosting { get; }

    /// <summary>What a node is to know and to remember.</summary>
    public NodeRegistered Registered => new(Shell.Self, Queue.NotBegun, Queue.Current?.Kept);

    /// <summary>Tells what was decided.</summary>
    public static void Tell(IReadOnlyList<Letter> letters)
    {
        foreach (Letter letter in letters)
            letter.To.Tell(letter.Message);
    }

    /// <summary>Tells the run's actor, where there is one.</summary>
    public void TellRun(object message) => Queue.Current?.Actor.Tell(message);

    /// <summary>What nodes are to remember has changed.</summary>
    public void TellRegistered()
    {
        foreach (KnownNode node in Nodes.All)
            node.Actor.Tell(Registered);
    }

    /// <summary>A run is over: nodes may free what belongs to it.</summary>
    public void TellEnded()
    {
        LastRun ended = Queue.Ended!;
        foreach (KnownNode node in Nodes.All)
            node.Actor.Tell(new CloseRun(ended.Id, ended));
    }

    /// <summary>A run waits to begin from now on.</summary>
    public void OnAccepted()
    {
        Log.RunSubmitted(Queue.Waiting!.Run);
        TellRegistered();
        StartIfReady();
    }

    /// <summary>
    /// Time has gone by: what waited under the coordinator before waits under this one, and who is missing is named.
    /// </summary>
    public void CheckWait()
    {
        if (Queue.AcceptInherited())
            OnAccepted();
        if (Queue.Waiting is not null && Nodes.Missing() is { } missing)
            Log.WaitingToStart(missing, Queue.Waited);
    }

    /// <summary>The run that waits begins, if it can.</summary>
    public void StartIfReady()
    {
        if (Queue.BeginNext(Nodes.Missing()) is { } run)
            _opening.Begin(run, Nodes.Servers.Length);
    }

    /// <summary>The coordinator before is gone, and its run goes on under this one.</summary>
    /// <param name="hosted">What a node hosts; null: nothing.</param>
    public void TakeOver(HostedRun? hosted)
    {
        if (Queue.TakeOver(hosted) is not { } run)
            return;
        Log.RunFound(run.Run);
        _opening.Begin(run, servers: 0);
    }

    /// <summary>This node has read the run's data: the run begins.</summary>
    public void On(RunOpening.Opened opened)
    {
        CurrentRun run = Queue.Current!;
        if (run.TakenOver is not null && opened.Failure?.Cause() is { } unreadable)
        {
            // Others host the run, so they can: one of them is to lead it.
            EndThisNode(KindOf(unreadable), unreadable.Message);
            return;
        }
        try
        {
            _opening.Start(run, opened.Run ?? throw opened.Failure!.Cause());
            Tell(Hosting.Begin(run));
            TellRegistered();
        }
        catch (DistTrainerException unseen) when (run.TakenOver is not null
            && Nodes.But(Name).Any(node => node is { IsServer: true, IsReachable: true }))
        {
            EndThisNode(unseen.Kind, unseen.Message);
        }
        catch (Exception failure)
        {
            On(new RunEnded(null, failure));
            OnStopped(run.Actor);
        }
    }

    /// <summary>The run has been asked for something, and every node is to keep it.</summary>
    public void Keep(KeepRequests keep, IActorRef sender)
    {
        if (Queue.Current is not { } run || !sender.Equals(run.Actor))
            return;
        run.Kept = keep;
        TellRegistered();
    }

    /// <summary>The run has ended: its actor stops.</summary>
    public void On(RunEnded ended)
    {
        CurrentRun run = Queue.EndCurrent(ended);
        if (run.End!.Failure is { } cause)
            Log.RunFailed(run.Run, cause.Cause().Message);
        if (run.IsGone)
            OnStopped(run.Actor);
        else
            Shell.Stop(run.Actor);
    }

    /// <summary>
    /// The run's actor has ended: the nodes may free what belongs to the run, and the next one may begin.
    /// </summary>
    public void OnStopped(IActorRef actor)
    {
        if (Queue.Current is not { } run || !actor.Equals(run.Actor))
            return;
        if (run.End is not { } end)
        {
            // How it ended is still on its way.
            run.IsGone = true;
            return;
        }
        TellEnded();
        Queue.FreeCurrent();
        if (!run.HasBegun)
            Admission.TakeBack();
        if (_runtime.Settings.ExitWhenDone)
        {
            EndAll(end.Failure?.Cause() is { } cause
                ? new EndNode((int)KindOf(cause), cause.Message) : new EndNode(0, "the run is done"));
            return;
        }
        Tell(Departures.ReleaseLeaving());
        StartIfReady();
    }

    /// <summary>This node is the one that cannot take part: another server is to lead.</summary>
    public void EndThisNode(FailureKind kind, string reason)
    {
        Log.NodeRefused(Name, reason);
        Shell.End((int)kind, reason);
    }

    /// <summary>Where all are to end, this node does once it is alone.</summary>
    public void EndIfAlone()
    {
        if (Departures.EndingAlone is { } end)
            Shell.End(end.ExitCode, end.Reason);
    }

    /// <summary>Where all are to end, this node does now.</summary>
    public void EndAnyway()
    {
        EndNode end = Departures.Ending!;
        Shell.End(end.ExitCode, end.Reason);
    }

    private static FailureKind KindOf(Exception cause) => (cause as DistTrainerException)?.Kind ?? FailureKind.Internal;

    private void EndAll(EndNode end)
    {
        Tell(Departures.EndAll(end));
        Shell.Timers.StartSingleTimer(nameof(EndNow), new EndNow(), s_endPatience);
        EndIfAlone();
    }
}
