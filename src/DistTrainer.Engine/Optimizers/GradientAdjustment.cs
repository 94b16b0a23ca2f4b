namespace DistTrainer.Engine.Optimizers;

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
internal readonly record struct GradientAdjustment(float Scale, float Limit, float L1, float L2, float Decay)
{
    /// <summary>The gradient times <paramref name="scale"/> and nothing else.</summary>
    public static GradientAdjustment ScaleOnly(float scale) => new(scale, float.PositiveInfinity, 0, 0, 1);

    /// <summary>Whether nothing but the scale acts.</summary>
    public bool IsScaleOnly => this == ScaleOnly(Scale);

    /// <summary>What a rule that works element by element does for itself; for one that needs a whole block
    /// first.</summary>
    /// <param name="gradient">[n], the summed gradient, perhaps as two terms.</param>
    /// <param name="parameters">[n], scaled by the decay in place.</param>
    /// <param name="adjusted">[n], overwritten with the averaged, clipped gradient with the penalties.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public void Apply(GradientTerms gradient, Span<float> parameters, Span<float> adjusted)
    {
        if (gradient.First.Length != parameters.Length || adjusted.Length != parameters.Length
            || (gradient.IsPair && gradient.Second.Length != parameters.Length))
            throw new ArgumentException(
                $"The gradient's terms have {gradient.First.Length} and {gradient.Second.Length} elements, and there "
                + $"is room for {adjusted.Length}; all must have {parameters.Length}, as the parameters.", nameof(
                    gradient));
        ElementwiseUpdate.Adjust(this, gradient, parameters, adjusted);
    }
}
