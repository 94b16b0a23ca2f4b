namespace DistTrainer.Jobs;

/// <summary>
/// How a job is run here: its <see cref="RunSettings"/>, in the place of which the one who runs it may set others, and
/// what only that one knows. None of it can change the result by a bit.
/// </summary>
public sealed record RunOptions : RunSettings
{
    private readonly RunSettings? _job;

    /// <summary>Every setting at its default.</summary>
    public RunOptions()
    {
    }

    /// <summary>As a job has it.</summary>
    /// <param name="job">
    /// The job's own settings. Checkpoints have them as they are, whatever is set in their place here: so whoever goes
    /// on elsewhere finds what the job says.
    /// </param>
    public RunOptions(RunSettings job)
        : base(job) => _job = job;

    /// <summary>Workers without which no step is begun; ≥ 1.</summary>
    public int MinWorkers { get; init; } = 1;

    /// <summary>Workers that are given data shards at most; ≥ <see cref="MinWorkers"/>. Others stand by.</summary>
    public int MaxWorkers { get; init; } = int.MaxValue;

    /// <summary>
    /// Copies of each parameter shard on other nodes, which take over when its node dies; 0 or 1. Only on a cluster
    /// with two servers or more.
    /// </summary>
    public int Replicas { get; init; }

    /// <summary>Whether a run goes on when workers are lost, because others may come: on a cluster.</summary>
    public bool ToleratesLoss { get; init; }

    /// <summary>Names the run in traces.</summary>
    public string RunId { get; init; } = "local";

    /// <summary>A checkpoint's folder to go on from, with the same job; null starts at step 1.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>HOCON laid over the actor system's own settings, e.g. log levels and loggers.</summary>
    public string ActorConfiguration { get; init; } = "";

    /// <summary>What a checkpoint says of how its job is run.</summary>
    internal RunSettings OfJob => _job ?? this;
}
