namespace DistTrainer.Jobs;

/// <summary>
/// The sections <c>run</c> and <c>checkpoint</c> of a job file: how a job is run, which cannot change its result.
/// </summary>
public record RunSettings
{
    /// <summary>
    /// Worker actors, each with a compute thread of its own; ≥ 1. Workers beyond the number of data shards stay idle.
    /// </summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Parameter-shard actors; ≥ 1. No more are made than the model has blocks to share out.</summary>
    public int ParameterShards { get; init; } = Environment.ProcessorCount;

    /// <summary>Threads of one worker, ≥ 1.</summary>
    public int ComputeThreads { get; init; } = 1;

    /// <summary>
    /// Whether an idle worker computes the slowest worker's data shards as well; the first contribution counts, and
    /// both are the same bits.
    /// </summary>
    public bool BackupWorkers { get; init; }

    /// <summary>Steps between two step reports (log line, line of metrics.jsonl); ≥ 1.</summary>
    public int ReportEvery { get; init; } = 50;

    /// <summary>
    /// Whether histograms of each tensor's parameters and gradients are made; with the command the run folder gets an
    /// event file for TensorBoard, which has them.
    /// </summary>
    public bool TensorBoard { get; init; }

    /// <summary>
    /// Steps between two histograms, which come with the last step as well; ≥ 0, 0: one each epoch. Counts with
    /// <see cref="TensorBoard"/> only.
    /// </summary>
    public int HistogramsEvery { get; init; } = 100;

    /// <summary>
    /// The run folder, whose folder <c>checkpoints</c> takes them. Null: the command makes one under <c>runs/</c>; from
    /// code no checkpoint is written.
    /// </summary>
    public string? Output { get; init; }

    /// <summary>When checkpoints are written, and which stay; the section <c>checkpoint</c>.</summary>
    public CheckpointSettings Checkpoint { get; init; } = new();
}
