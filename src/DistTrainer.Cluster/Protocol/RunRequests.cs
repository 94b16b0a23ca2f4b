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
