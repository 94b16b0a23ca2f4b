namespace DistTrainer.Engine.Training;

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
