using Akka.Actor;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Nodes;

/// <summary>The run that a coordinator has, from the moment it may begin until all is freed.</summary>
/// <param name="run">What was submitted.</param>
internal sealed class CurrentRun(RunDescription run)
{
    private readonly List<IRunCommand> _asked = [];

    /// <summary>What was submitted.</summary>
    public RunDescription Run => run;

    /// <summary>Its data and network on this node; null until they are read.</summary>
    public OpenedRun? Opened { get; set; }

    /// <summary>What the nodes are told; null until it is opened.</summary>
    public HostedRun? Hosted { get; set; }

    /// <summary>What another coordinator led before; null where this one began it.</summary>
    public HostedRun? TakenOver { get; init; }

    /// <summary>
    /// Whether steps have been made, under whatever coordinator: then it goes on without nodes that cannot take part.
    /// </summary>
    public bool HasBegun { get; set; }

    /// <summary>What it leaves behind; null before and after.</summary>
    public IRunOutput? Output { get; set; }

    /// <summary>Leads it; nobody before it is opened.</summary>
    public IActorRef Actor { get; private set; } = ActorRefs.Nobody;

    /// <summary>Whether <see cref="Actor"/> has ended.</summary>
    public bool IsGone { get; set; }

    /// <summary>Who was asked for which parameter shards since; that is logged once.</summary>
    public HashSet<(string Node, int ParameterShard)> Dealt { get; } = [];

    /// <summary>The last step that was reported before it failed.</summary>
    public long FailedAfter { get; set; }

    /// <summary>What has come of it; null until it has ended.</summary>
    public RunEnded? End { get; private set; }

    /// <summary>What it has been asked for, as every node is to keep it; null: nothing.</summary>
    public KeepRequests? Kept { get; set; }

    /// <summary>Asks something of it: of its actor, as soon as that is there.</summary>
    /// <param name="command">What.</param>
    /// <param name="asker">Gets the answer of its actor; null: nobody does.</param>
    /// <returns>Whether its actor answers; else it hears of it later.</returns>
    public bool Ask(IRunCommand command, IActorRef? asker)
    {
        if (!Actor.IsNobody())
        {
            Actor.Tell(command, asker);
            return true;
        }
        _asked.Add(command);
        if (TakenOver is null)
            Kept = new KeepRequests((Kept?.Version ?? 0) + 1, command.With(Kept?.Requests ?? RunRequests.None));
        return false;
    }

    /// <summary>A node has kept what it was asked for under another coordinator.</summary>
    public void Inherit(KeepRequests? kept)
    {
        if (kept is null || !kept.IsNewerThan(Kept))
            return;
        Kept = kept;
        Actor.Tell(kept);
    }

    /// <summary>It is led from now on, and hears what was asked of it before.</summary>
    /// <param name="actor">Leads it.</param>
    public void LedBy(IActorRef actor)
    {
        Actor = actor;
        if (Kept is not null)
            actor.Tell(Kept);
        _asked.ForEach(command => actor.Tell(command, ActorRefs.NoSender)); // answered before
        _asked.Clear();
    }

    /// <summary>It has ended: its results are written. Where they cannot be, it has failed.</summary>
    public void EndWith(RunEnded ended)
    {
        End = ended;
        if (ended.Result is { } result)
        {
            try
            {
                Output!.Complete(result);
            }
            catch (Exception failure)
            {
                End = new RunEnded(null, failure);
            }
        }
        Output?.Dispose();
        Output = null;
    }

    /// <summary>What people are told of it once it has ended.</summary>
    public LastRun Told() => End is { Result: { } result }
        ? new LastRun(run.Id, run.Name, result.Reason.Text(), DateTime.UtcNow, result.Steps, result.ParameterHash, null)
        : new LastRun(run.Id, run.Name, "failed", DateTime.UtcNow, FailedAfter, null, End?.Failure?.Cause().Message);
}

/// <summary>A run has ended: with a result or a failure.</summary>
internal sealed record RunEnded(TrainingResult? Result, Exception? Failure);
