namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// A gradient as the sum of two terms, so that the last addition of the gradient tree happens within the update instead
/// of in a pass of its own.
/// </summary>
/// <param name="first">[n].</param>
/// <param name="second">[n], or empty where the first is all.</param>
internal readonly ref struct GradientTerms(ReadOnlySpan<float> first, ReadOnlySpan<float> second = default)
{
    /// <summary>First term.</summary>
    public ReadOnlySpan<float> First { get; } = first;

    /// <summary>Second term; may be empty.</summary>
    public ReadOnlySpan<float> Second { get; } = second;

    /// <summary>Whether there are two terms.</summary>
    public bool IsPair => !Second.IsEmpty;
}
