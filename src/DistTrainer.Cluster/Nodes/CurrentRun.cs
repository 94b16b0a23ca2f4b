using Akka.Actor;

namespace DistTrainer.Cluster;

/// <summary>The run that a coordinator has, from the moment it may begin until all is freed.</summary>
/// <param name="run">What was submitted.</param>
internal sealed class CurrentRun(RunDescription run)
{
    /// <summary>What was submitted.</summary>
    public RunDescription Run => run;

    /// <summary>Its data and network on this node; null until they are read.</summary>
    public OpenedRun? Opened { get; set; }

    /// <summary>What the nodes are told; null until it is opened.</summary>
    public HostedRun? Hosted { get; set; }

    /// <summary>What another coordinator led before; null where this one began it.</summary>
    public HostedRun? TakenOver { get; init; }

    /// <summary>Whether steps have been made, under whatever coordinator: then it goes on without nodes that cannot take part.</summary>
    public bool HasBegun { get; set; }

    /// <summary>What it leaves behind; null before and after.</summary>
    public IRunOutput? Output { get; set; }

    /// <summary>Leads it.</summary>
    public IActorRef Actor { get; set; } = ActorRefs.Nobody;

    /// <summary>Whether <see cref="Actor"/> has ended.</summary>
    public bool IsGone { get; set; }

    /// <summary>Who was asked for which parameter shards since; that is logged once.</summary>
    public HashSet<(string Node, int ParameterShard)> Dealt { get; } = [];

    /// <summary>What has come of it; null until it has ended.</summary>
    public RunEnded? End { get; set; }
}

/// <summary>A run has ended: with a result or a failure.</summary>
internal sealed record RunEnded(TrainingResult? Result, Exception? Failure);
