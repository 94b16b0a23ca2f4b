namespace DistTrainer.Engine.Training;

/// <summary>How what is handed in and out is made smaller.</summary>
public enum CompressionKind
{
    /// <summary>Not at all: float32.</summary>
    None,

    /// <summary>
    /// Gradients are handed in, and parameters handed out, rounded to bfloat16 (the upper half of a float32): half the
    /// bytes. The parameter server's own parameters stay float32.
    /// </summary>
    Bfloat16,
}

/// <summary>
/// Compression of what goes between workers and parameter shards. It changes the result, and so belongs to the job:
/// what is rounded are the sums of groups of data shards, wherever they are summed, so the parameters are the same bits
/// for any number of workers, in one process too.
/// </summary>
public sealed record CompressionDescription
{
    /// <summary>How.</summary>
    public CompressionKind Kind { get; init; }

    /// <summary>
    /// Groups of data shards whose gradient sums are rounded; ≥ 1. Each has as many data shards, a power of two. As
    /// many as there are nodes send least: a node with several sends their sum in float32, one with less than a group
    /// its part.
    /// </summary>
    public int Groups { get; init; } = 2;

    /// <summary>Data shards of a group; 0: nothing is rounded.</summary>
    /// <param name="dataShards">Data shards of the job.</param>
    internal int DataShardsOfGroup(int dataShards) => Kind == CompressionKind.None ? 0 : dataShards / Groups;

    /// <summary>What does not fit, by key; null where all does.</summary>
    /// <param name="training">The section that it stands in.</param>
    internal (string Key, string What)? Problem(TrainingDescription training) => Kind == CompressionKind.None ? null
        : DataShardGroups.Problem(training.DataShards, Groups) is { } problem ? ("groups", problem)
        : training.Consistency.Mode == ConsistencyMode.Local
            ? ("kind", "= bfloat16 works only with training.consistency.mode = bulk: rounds send parameters, which "
                + "would lose what a step changes in them")
            : null;
}
