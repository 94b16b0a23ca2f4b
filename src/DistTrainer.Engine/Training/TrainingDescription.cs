using DistTrainer.Engine.Metrics;

namespace DistTrainer.Engine.Training;

/// <summary>The length, order and cut of the training; everything here can change the result.</summary>
public sealed record TrainingDescription
{
    /// <summary>Passes over the training samples; ≥ 1.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Stops after this many steps; 0 is no limit.</summary>
    public int MaxSteps { get; init; }

    /// <summary>Samples of one step over all workers; ≥ 1.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// The fixed number of logical parts of each step's samples: the leaves of the gradient sum; ≥ 1. It belongs to the
    /// job: changing it changes rounding, changing the number of workers does not.
    /// </summary>
    public int DataShards { get; init; } = 8;

    /// <summary>Seed of initialization, shuffling and dropout.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether each epoch has its own order of samples.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>Stops early when the validation loss no longer improves.</summary>
    public EarlyStoppingDescription EarlyStopping { get; init; } = new();

    /// <summary>
    /// Whether the validation part's figures beyond loss and accuracy are computed at each epoch's end; they are where
    /// early stopping watches one.
    /// </summary>
    public bool Figures { get; init; }

    /// <summary>Whether figures beyond loss and accuracy are computed at each epoch's end.</summary>
    internal bool WantsFigures => Figures
        || (EarlyStopping.Patience > 0 && EarlyStopping.Watch is not (FigureKind.Loss or FigureKind.Accuracy));

    /// <summary>What happens when the loss blows up.</summary>
    public DivergenceDescription Divergence { get; init; } = new();

    /// <summary>How far apart those may be who compute.</summary>
    public ConsistencyDescription Consistency { get; init; } = new();

    /// <summary>How what is handed in and out is made smaller.</summary>
    public CompressionDescription Compression { get; init; } = new();

    /// <summary>What does not fit in the sections of it, by key; null where all does.</summary>
    internal (string Key, string What)? Problem() =>
        Consistency.Problem(this) is { } consistency ? ($"consistency.{consistency.Key}", consistency.What)
        : Compression.Problem(this) is { } compression ? ($"compression.{compression.Key}", compression.What) : null;
}
