namespace DistTrainer.Jobs;

/// <summary>The section <c>run</c> of a job file: how a job is run, which cannot change its result.</summary>
public sealed record RunSettings
{
    /// <summary>Worker actors, ≥ 1.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Parameter-shard actors, ≥ 1.</summary>
    public int ParameterShards { get; init; } = Environment.ProcessorCount;

    /// <summary>Threads of one worker, ≥ 1.</summary>
    public int ComputeThreads { get; init; } = 1;

    /// <summary>Whether an idle worker computes the slowest worker's data shards as well.</summary>
    public bool BackupWorkers { get; init; }

    /// <summary>Steps between two reports, ≥ 1.</summary>
    public int ReportEvery { get; init; } = 50;

    /// <summary>Whether the run folder gets an event file for TensorBoard.</summary>
    public bool TensorBoard { get; init; }

    /// <summary>Steps between two histograms in it, which come with the last step as well; ≥ 0, 0: one each epoch.</summary>
    public int HistogramsEvery { get; init; } = 100;

    /// <summary>The run folder; null makes one under <c>runs/</c>.</summary>
    public string? Output { get; init; }

    /// <summary>When checkpoints are written; the section <c>checkpoint</c>.</summary>
    public CheckpointSettings Checkpoint { get; init; } = new();

    /// <summary>What <see cref="RunOptions.HistogramsEvery"/> is for these settings.</summary>
    internal static int? HistogramsOf(RunSettings settings) => settings.TensorBoard ? settings.HistogramsEvery : null;

    /// <summary>The same as the trainer wants it.</summary>
    /// <param name="actorConfiguration">HOCON laid over the actor system's own settings.</param>
    /// <param name="folder">The run folder, for checkpoints; null writes none.</param>
    public RunOptions ToOptions(string actorConfiguration, string? folder = null) => new()
    {
        Checkpoint = Checkpoint,
        Folder = folder,
        Workers = Workers,
        ParameterShards = ParameterShards,
        ComputeThreads = ComputeThreads,
        ReportEvery = ReportEvery,
        HistogramsEvery = HistogramsOf(this),
        BackupWorkers = BackupWorkers,
        ActorConfiguration = actorConfiguration,
    };
}
