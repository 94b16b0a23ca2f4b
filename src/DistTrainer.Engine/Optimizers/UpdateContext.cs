namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// What an optimizer knows of one step; made once a step by <see cref="Optimizer.At"/>, shared by all elements.
/// </summary>
/// <param name="Step">The step t, counted from 1.</param>
/// <param name="Rate">Learning rate of the step, ≥ 0.</param>
/// <param name="BiasCorrection1">1 − β₁ᵗ; 1 for rules without.</param>
/// <param name="BiasCorrection2">1 − β₂ᵗ; 1 for rules without.</param>
public readonly record struct UpdateContext(long Step, double Rate, double BiasCorrection1, double BiasCorrection2);
