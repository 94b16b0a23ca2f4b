namespace DistTrainer.Engine;

/// <summary>Stops a run when the validation loss no longer improves.</summary>
public sealed record EarlyStoppingDescription
{
    /// <summary>Epochs without improvement to wait; 0 is off.</summary>
    public int Patience { get; init; }

    /// <summary>Decrease of the validation loss that counts as improvement; ≥ 0.</summary>
    public double MinimumDelta { get; init; }

    /// <summary>Whether the parameters of the best epoch are taken back at the end.</summary>
    public bool RestoreBest { get; init; } = true;
}

/// <summary>What happens when a step's gradient is not finite.</summary>
public enum DivergencePolicy
{
    /// <summary>The run ends, with an error.</summary>
    Stop,

    /// <summary>
    /// The run goes back to its newest checkpoint, or to its start, and goes on with a lower learning rate.
    /// </summary>
    GoBack,

    /// <summary>
    /// The step changes nothing: parameters and optimizer state stay, its samples count as seen, and the next step
    /// begins. Steps are counted on, so schedules and Adam's bias correction go by the step's number.
    /// </summary>
    SkipStep,
}

/// <summary>What happens when the loss blows up: a gradient is not finite, whoever computes it.</summary>
public sealed record DivergenceDescription
{
    /// <summary>What to do.</summary>
    public DivergencePolicy Policy { get; init; }

    /// <summary>What the full learning rate is multiplied by each time that the run goes back; in (0, 1).</summary>
    public float RateFactor { get; init; } = 0.5f;

    /// <summary>
    /// How often the run goes back, or how many steps in a row it skips, before it ends with an error after all; ≥ 1.
    /// </summary>
    public int Attempts { get; init; } = 3;
}

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

    /// <summary>What happens when the loss blows up.</summary>
    public DivergenceDescription Divergence { get; init; } = new();
}

/// <summary>
/// A whole job: with the same data it gives the same parameters, bit for bit, on any number of workers.
/// </summary>
public sealed record JobDescription
{
    /// <summary>Where the samples come from.</summary>
    public DataDescription Data { get; init; } = new();

    /// <summary>The network and its loss.</summary>
    public required ModelDescription Model { get; init; }

    /// <summary>The update rule.</summary>
    public OptimizerDescription Optimizer { get; init; } = new();

    /// <summary>How the learning rate changes.</summary>
    public ScheduleDescription Schedule { get; init; } = new();

    /// <summary>What is added to the plain gradient update; with the update rule's decay where none is set.</summary>
    public RegularizationDescription Regularization
    {
        get => field.For(Optimizer);
        init;
    } = new();

    /// <summary>Limits on the gradient.</summary>
    public ClippingDescription Clipping { get; init; } = new();

    /// <summary>Length, order and cut of the training.</summary>
    public TrainingDescription Training { get; init; } = new();
}
