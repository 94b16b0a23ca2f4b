namespace DistTrainer.Engine;

/// <summary>What an optimizer knows of one step; made once a step by <see cref="Optimizer.At"/>, shared by all elements.</summary>
/// <param name="Step">The step t, counted from 1.</param>
/// <param name="Rate">Learning rate of the step, ≥ 0.</param>
/// <param name="BiasCorrection1">1 − β₁ᵗ; 1 for rules without.</param>
/// <param name="BiasCorrection2">1 − β₂ᵗ; 1 for rules without.</param>
public readonly record struct UpdateContext(long Step, double Rate, double BiasCorrection1, double BiasCorrection2);

/// <summary>
/// What is done to each element of the summed gradient before the rule sees it, with p the parameter:
/// <code>
/// g = clamp(Scale · sum, −Limit, Limit) + L2 · p + L1 · sign(p)      sign(0) = 0
/// p = Decay · p
/// </code>
/// It runs in registers within the update, so it costs no memory traffic.
/// </summary>
/// <param name="Scale">1 / samples, or the factor of clipping by norm.</param>
/// <param name="Limit">Clipping by value; +∞ for none.</param>
/// <param name="L1">λ₁; 0 for none.</param>
/// <param name="L2">λ₂; 0 for none.</param>
/// <param name="Decay">1 − rate · decoupled decay; 1 for none.</param>
public readonly record struct GradientAdjustment(float Scale, float Limit, float L1, float L2, float Decay)
{
    /// <summary>The gradient times <paramref name="scale"/> and nothing else.</summary>
    public static GradientAdjustment ScaleOnly(float scale) => new(scale, float.PositiveInfinity, 0, 0, 1);

    /// <summary>Whether nothing but the scale acts.</summary>
    public bool IsScaleOnly => this == ScaleOnly(Scale);
}

/// <summary>
/// A gradient as the sum of two terms, so that the last addition of the gradient tree happens within the update instead
/// of in a pass of its own.
/// </summary>
/// <param name="first">[n].</param>
/// <param name="second">[n], or empty where the first is all.</param>
public readonly ref struct GradientTerms(ReadOnlySpan<float> first, ReadOnlySpan<float> second = default)
{
    /// <summary>First term.</summary>
    public ReadOnlySpan<float> First { get; } = first;

    /// <summary>Second term; may be empty.</summary>
    public ReadOnlySpan<float> Second { get; } = second;

    /// <summary>Whether there are two terms.</summary>
    public bool IsPair => !Second.IsEmpty;
}
