using DistTrainer.Engine;

namespace DistTrainer.Cluster.Protocol;

/// <summary>
/// What people have asked of a run, and it has not done or goes on doing. Part of the run's state: it outlives a
/// coordinator.
/// </summary>
/// <param name="Stops">End after the open step.</param>
/// <param name="Pauses">Begin no further step until resumed.</param>
/// <param name="AskedRate">A full learning rate that comes into force after the open step.</param>
/// <param name="Checkpoints">Time for a checkpoint has come.</param>
internal sealed record RunRequests(bool Stops, bool Pauses, double? AskedRate, bool Checkpoints)
{
    /// <summary>Nobody has asked for anything.</summary>
    public static RunRequests None { get; } = new(false, false, null, false);

    /// <summary>Whether steps must stop flowing for it.</summary>
    public bool WantsHold => Stops || Pauses || Checkpoints || AskedRate is not null;
}

/// <summary>
/// Run → coordinator: what people have asked for. The coordinator tells every node (<see cref="NodeRegistered"/>), and
/// a node the next coordinator: so it outlives this one and all parameter shards. Coordinator → run, as it takes over.
/// No reply. A second copy changes nothing.
/// </summary>
/// <param name="Version">Of the run's state with it: of two the higher one holds.</param>
/// <param name="Requests">All that is asked for.</param>
internal sealed record KeepRequests(long Version, RunRequests Requests) : IControlMessage
{
    /// <summary>Whether it holds against another; null: nothing was kept before.</summary>
    public bool IsNewerThan(KeepRequests? other) => Version > (other?.Version ?? 0);
}

/// <summary>
/// Run → coordinator: of these parameter shards there are too few copies, or none; deal them out anew.
/// </summary>
/// <param name="ParameterShards">Their numbers.</param>
/// <param name="Gone">Names of nodes that the run has lost; the cluster may not have noticed yet.</param>
internal sealed record ParameterShardsLost(
    IReadOnlyList<ScarceParameterShard> ParameterShards, IReadOnlyList<string> Gone);

/// <summary>A parameter shard of which there are too few copies.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Hosts">Names of the nodes that host it.</param>
internal sealed record ScarceParameterShard(int Index, IReadOnlyList<string> Hosts);

/// <summary>A node takes no part in the run from now on.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="Bans">Whether it stays out, whatever it says, until <see cref="NodeBack"/>.</param>
internal sealed record NodeGone(string Node, string Reason, bool Bans);

/// <summary>A node may take part again when it says that it is there.</summary>
/// <param name="Node">Its name.</param>
internal sealed record NodeBack(string Node);

/// <summary>Run → coordinator: a node cannot take part, and has no part in the run any more.</summary>
/// <param name="Node">Its name; the coordinator's own where the run's nodes agree that it is the one.</param>
/// <param name="Kind">What kind of failure: its exit code.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record NodeUnfit(string Node, FailureKind Kind, string Reason);

/// <summary>Run → coordinator: the first generation has begun.</summary>
internal sealed record RunBegun;

/// <summary>Coordinator → run: it can never begin, since nodes that it needs cannot take part.</summary>
/// <param name="Kind">What kind of failure.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record AbandonRun(FailureKind Kind, string Reason);

/// <summary>Run → coordinator, before its end: it fails.</summary>
/// <param name="Step">The last step that was reported.</param>
internal sealed record RunFails(long Step);
