namespace DistTrainer.Jobs;

/// <summary>How a job is run: none of it can change the result by a bit.</summary>
public sealed record RunOptions
{
    /// <summary>Worker actors, each with a compute thread of its own; ≥ 1. Workers beyond the number of data shards stay idle.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;

    /// <summary>Parameter-shard actors; ≥ 1. No more are made than the model has blocks to share out.</summary>
    public int ParameterShards { get; init; } = Environment.ProcessorCount;

    /// <summary>Threads of one worker; ≥ 1.</summary>
    public int ComputeThreads { get; init; } = 1;

    /// <summary>Steps between two step reports (log line, line of metrics.jsonl); ≥ 1.</summary>
    public int ReportEvery { get; init; } = 50;

    /// <summary>Steps between two histograms of each tensor's parameters and gradients (<c>ITrainingObserver.OnHistogram</c>), which come with the last step as well; 0: one each epoch; null: none are made.</summary>
    public int? HistogramsEvery { get; init; }

    /// <summary>Workers without which no step is begun; ≥ 1.</summary>
    public int MinWorkers { get; init; } = 1;

    /// <summary>Workers that are given data shards at most; ≥ <see cref="MinWorkers"/>. Others stand by.</summary>
    public int MaxWorkers { get; init; } = int.MaxValue;

    /// <summary>Copies of each parameter shard on other nodes, which take over when its node dies; 0 or 1. Only on a cluster with two servers or more.</summary>
    public int Replicas { get; init; }

    /// <summary>Whether an idle worker computes the slowest worker's data shards as well; the first contribution counts, and both are the same bits.</summary>
    public bool BackupWorkers { get; init; }

    /// <summary>Whether a run goes on when workers are lost, because others may come: on a cluster.</summary>
    public bool ToleratesLoss { get; init; }

    /// <summary>When checkpoints are written, and which stay.</summary>
    public CheckpointSettings Checkpoint { get; init; } = new();

    /// <summary>The run folder; its folder <c>checkpoints</c> takes them. Null: none are written.</summary>
    public string? Folder { get; init; }

    /// <summary>Names the run in traces.</summary>
    public string RunId { get; init; } = "local";

    /// <summary>A checkpoint's folder to go on from, with the same job; null starts at step 1.</summary>
    public string? ResumeFrom { get; init; }

    /// <summary>HOCON laid over the actor system's own settings, e.g. log levels and loggers.</summary>
    public string ActorConfiguration { get; init; } = "";
}
