using System.Diagnostics;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// The runs of a coordinator, one at a time: what nodes remember of the coordinator before, what waits to begin, what
/// there is, and what ended last. It decides what begins next and what whoever submits is answered; it tells nobody.
/// </summary>
internal sealed class RunQueue
{
    private SubmitRun? _inherited;
    private KeepRequests? _kept;
    private long _waitingSince;

    /// <summary>The run that there is, from the moment it may begin until all is freed; null: none.</summary>
    public CurrentRun? Current { get; private set; }

    /// <summary>The same, unless it has ended and is only being freed.</summary>
    public CurrentRun? Going => Current is { End: null } run ? run : null;

    /// <summary>The run that waits for nodes; null: none.</summary>
    public SubmitRun? Waiting { get; private set; }

    /// <summary>How long it has waited.</summary>
    public TimeSpan Waited => Stopwatch.GetElapsedTime(_waitingSince);

    /// <summary>The run that ended last, under whatever coordinator; null: none is known.</summary>
    public LastRun? Ended { get; private set; }

    /// <summary>The run that no node hosts yet; they remember it, in case that this coordinator ends before.</summary>
    public SubmitRun? NotBegun => Waiting
        ?? (Current is { Hosted: null, TakenOver: null, End: null } opening ? new SubmitRun(opening.Run) : null);

    /// <summary>Whether there is a run that can be withdrawn, since nobody has begun to open it.</summary>
    public bool CanWithdraw => Current is null && (Waiting ?? _inherited) is not null;

    /// <summary>Somebody wants a run: where it is accepted, it waits from now on.</summary>
    /// <returns>What whoever submits it is answered.</returns>
    public CommandAnswer Submit(SubmitRun submit)
    {
        if ((Current?.Run ?? Waiting?.Run) is { } other)
        {
            return new CommandAnswer(
                FailureKind.Configuration,
                $"the run {other.Name} is not over; one run at a time: wait for it, or stop it first");
        }
        if (NodeName.Problem(submit.Run.Id) is { } problem)
            return new CommandAnswer(
                FailureKind.Configuration, $"the run's id {problem}; allowed: {NodeName.Allowed()}");
        try
        {
            JobFile.Read(new JobSource(submit.Run.Job, submit.Run.Name));
        }
        catch (DistTrainerException failure)
        {
            return new CommandAnswer(failure.Kind, failure.Message);
        }
        (_inherited, _kept) = (null, null);
        Accept(submit);
        return new CommandAnswer(null, $"run {submit.Run.Id} ({submit.Run.Name}) is accepted");
    }

    /// <summary>A node says what it remembers of the coordinator before.</summary>
    public void Inherit(RegisterNode node)
    {
        _inherited ??= node.Waiting;
        if (node.Kept is { } kept && kept.IsNewerThan(_kept))
            _kept = kept;
        if (node.Ended is { } ended && (Ended is null || ended.At > Ended.At))
            Ended = ended;
    }

    /// <summary>
    /// By now all nodes have registered that host a run, which comes first: with none, the one that waited under the
    /// coordinator before waits under this one.
    /// </summary>
    /// <returns>Whether it does from now on.</returns>
    public bool AcceptInherited()
    {
        (SubmitRun? inherited, _inherited) = (_inherited, null);
        if (inherited is not null && Current is null && Waiting is null)
        {
            Accept(inherited);
            return true;
        }
        if (Waiting is null)
            _kept = null;
        return false;
    }

    /// <summary>
    /// What a node hosts goes on under this coordinator, where there is no run and that one is not over.
    /// </summary>
    /// <returns>The run; null where it is not taken over.</returns>
    public CurrentRun? TakeOver(HostedRun? hosted)
    {
        if (Current is not null || hosted is null || hosted.Run.Id == Ended?.Id)
            return null;
        Waiting = null;
        return Begin(new CurrentRun(hosted.Run) { TakenOver = hosted, HasBegun = true });
    }

    /// <summary>The run that waits begins, once nobody is missing and the one before is freed.</summary>
    /// <param name="missing">Who is missing; null: nobody.</param>
    /// <returns>The run; null where none begins.</returns>
    public CurrentRun? BeginNext(string? missing)
    {
        if (Waiting is not { } next || Current is not null || missing is not null)
            return null;
        Waiting = null;
        return Begin(new CurrentRun(next.Run));
    }

    /// <summary>The run that has not begun, <see cref="CanWithdraw"/>, never will.</summary>
    /// <returns>Which that was.</returns>
    public RunDescription Withdraw()
    {
        RunDescription run = (Waiting ?? _inherited)!.Run;
        (Waiting, _inherited, _kept) = (null, null, null);
        Ended = new LastRun(run.Id, run.Name, "withdrawn", DateTime.UtcNow, 0, null, null);
        return run;
    }

    /// <summary>The run has ended, and is still to be freed.</summary>
    /// <returns>The run, which knows what has come of it.</returns>
    public CurrentRun EndCurrent(RunEnded ended)
    {
        Current!.EndWith(ended);
        Ended = Current.Told();
        return Current;
    }

    /// <summary>The run is freed: there is none.</summary>
    public void FreeCurrent() => Current = null;

    /// <summary>
    /// A run that has not begun, or that this node does not lead yet, and what for; null: there is none.
    /// </summary>
    /// <param name="missing">Who is missing; null: nobody.</param>
    public string? WaitsFor(string? missing) =>
        Waiting is { } waiting ? $"{waiting.Run.Name}, for {missing ?? "its data"}"
        : Current is { Opened: null, End: null } run ? $"{run.Run.Name}, for its data" : null;

    private void Accept(SubmitRun submit) => (Waiting, _waitingSince) = (submit, Stopwatch.GetTimestamp());

    private CurrentRun Begin(CurrentRun run)
    {
        Current = run;
        run.Inherit(_kept);
        return run;
    }
}
