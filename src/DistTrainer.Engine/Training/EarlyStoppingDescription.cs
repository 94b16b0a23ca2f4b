using DistTrainer.Engine.Metrics;

namespace DistTrainer.Engine.Training;

/// <summary>Stops a run when a figure of the validation part no longer improves.</summary>
public sealed record EarlyStoppingDescription
{
    /// <summary>Epochs without improvement to wait; 0 is off.</summary>
    public int Patience { get; init; }

    /// <summary>Which figure is watched.</summary>
    public FigureKind Watch { get; init; } = FigureKind.Loss;

    /// <summary>How much better the figure must get to count as improved; ≥ 0.</summary>
    public double MinimumDelta { get; init; }

    /// <summary>Whether the parameters of the best epoch are taken back at the end.</summary>
    public bool RestoreBest { get; init; } = true;
}
