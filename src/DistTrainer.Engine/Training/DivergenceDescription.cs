namespace DistTrainer.Engine.Training;

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
