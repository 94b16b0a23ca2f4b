namespace DistTrainer.Jobs;

/// <summary>
/// The section <c>checkpoint</c> of a job file: when checkpoints are written and which stay. It cannot change a result.
/// </summary>
public sealed record CheckpointSettings
{
    /// <summary>Steps between two checkpoints, ≥ 1; 0: steps do not count.</summary>
    public int EverySteps { get; init; }

    /// <summary>Time between two checkpoints; zero: time does not count.</summary>
    public TimeSpan EveryTime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How many of the last checkpoints stay, ≥ 1.</summary>
    public int Keep { get; init; } = 3;

    /// <summary>
    /// How many of those with the lowest validation loss stay as well, ≥ 0; only those written at an epoch's end have
    /// one.
    /// </summary>
    public int KeepBest { get; init; } = 1;

    /// <summary>Whether any are written.</summary>
    public bool IsOn => EverySteps > 0 || EveryTime > TimeSpan.Zero;
}
