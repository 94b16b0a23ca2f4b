namespace DistTrainer.Engine.Data;

/// <summary>How much the samples of each class count in training.</summary>
public sealed record ClassWeights
{
    /// <summary>All classes alike.</summary>
    public static ClassWeights None { get; } = new();

    /// <summary>
    /// Each class counts as much as the others together have it: n / (k · nᶜ), with n samples of k classes, nᶜ of them
    /// of the class (scikit-learn's <c>class_weight="balanced"</c>).
    /// </summary>
    public static ClassWeights Balanced { get; } = new() { IsBalanced = true };

    /// <summary>The smallest weight above 0 of a class or row.</summary>
    public const double Least = 1e-15;

    /// <summary>The largest weight of a class or row.</summary>
    public const double Most = 1e15;

    /// <summary>What a weight of a class or row may be, in words.</summary>
    internal const string Allowed = "0 and numbers from 1e-15 to 1e15";

    /// <summary>
    /// Whether a number may be a weight: products with gradients, and sums over rows, stay far from what a float holds.
    /// </summary>
    internal static bool IsWeight(double value) => value is 0 or >= Least and <= Most;

    /// <summary>Weights by the classes' names; others weigh 1.</summary>
    /// <param name="weights">0, or from <see cref="Least"/> to <see cref="Most"/>.</param>
    public static ClassWeights Of(IReadOnlyDictionary<string, double> weights) => new() { Given = weights };

    /// <summary>Whether the weights follow from the classes' shares of the training part.</summary>
    public bool IsBalanced { get; private init; }

    /// <summary>Weights by name; empty where nothing is said.</summary>
    public IReadOnlyDictionary<string, double> Given { get; private init; } = new Dictionary<string, double>();

    /// <summary>Whether all classes weigh the same.</summary>
    public bool IsNone => !IsBalanced && Given.Count == 0;

    /// <inheritdoc/>
    public bool Equals(ClassWeights? other) => other is not null && IsBalanced == other.IsBalanced
        && Given.Count == other.Given.Count
        && Given.All(pair => other.Given.TryGetValue(pair.Key, out double weight) && weight.Equals(pair.Value));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(IsBalanced, Given.Count);
}
