using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Samples in memory, ready for training: features scaled, classes numbered. The engine brings them into its panels
/// without a copy between.
/// </summary>
public sealed class DataSet : ISampleSource
{
    /// <summary>Takes the arrays as they are, without copying.</summary>
    /// <param name="features">[count, <paramref name="featureCount"/>] row-major.</param>
    /// <param name="targets">[count, <paramref name="targetWidth"/>] row-major; a class number for
    /// classification.</param>
    /// <param name="featureCount">Features a sample, ≥ 1.</param>
    /// <param name="targetWidth">Targets a sample, ≥ 1.</param>
    /// <exception cref="ArgumentException">The arrays' lengths do not fit each other.</exception>
    public DataSet(float[] features, float[] targets, int featureCount, int targetWidth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(featureCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(targetWidth, 1);
        Count = features.Length / featureCount;
        if (features.Length != Count * featureCount || targets.Length != Count * targetWidth)
            throw new ArgumentException(
                $"{features.Length} features of {featureCount} and {targets.Length} targets of {targetWidth} are not "
                + "the same number of samples.", nameof(features));
        (Features, Targets, FeatureCount, TargetWidth) = (features, targets, featureCount, targetWidth);
    }

    /// <summary>Samples.</summary>
    public int Count { get; }

    /// <summary>Features a sample.</summary>
    public int FeatureCount { get; }

    /// <summary>Targets a sample.</summary>
    public int TargetWidth { get; }

    /// <summary>What is worth saying of them: rows that were left out, values that training did not have.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>[Count, FeatureCount] row-major.</summary>
    public float[] Features { get; }

    /// <summary>[Count, TargetWidth] row-major.</summary>
    public float[] Targets { get; }

    /// <summary>[Count], finite, ≥ 0: how much each sample counts in losses and gradients; null for 1 each.</summary>
    /// <exception cref="ArgumentException">They are not one a sample.</exception>
    public float[]? Weights
    {
        get;
        init => field = value is null || value.Length == Count ? value
            : throw new ArgumentException($"{value.Length} weights are not one for each of {Count} samples.");
    }

    /// <summary>The same samples with something said of them.</summary>
    internal DataSet Noted(IReadOnlyList<string> notes) =>
        new(Features, Targets, FeatureCount, TargetWidth) { Notes = notes, Weights = Weights };

    /// <summary>The same samples with weights; null for 1 each.</summary>
    internal DataSet Weighted(float[]? weights) =>
        new(Features, Targets, FeatureCount, TargetWidth) { Notes = Notes, Weights = weights };

    /// <summary>The features of one sample.</summary>
    public ReadOnlySpan<float> FeaturesOf(int sample) => Features.AsSpan(sample * FeatureCount, FeatureCount);

    /// <summary>The targets of one sample.</summary>
    public ReadOnlySpan<float> TargetsOf(int sample) => Targets.AsSpan(sample * TargetWidth, TargetWidth);

    /// <inheritdoc/>
    long ISampleSource.Count => Count;

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<int> samples, Span<float> features, Span<float> targets)
    {
        for (int row = 0; row < samples.Length && !features.IsEmpty; row++)
            FeaturesOf(samples[row]).CopyTo(features[(row * FeatureCount)..]);
        for (int row = 0; row < samples.Length && !targets.IsEmpty; row++)
            TargetsOf(samples[row]).CopyTo(targets[(row * TargetWidth)..]);
    }

    /// <inheritdoc/>
    bool ISampleSource.HasWeights => Weights is not null;

    /// <inheritdoc/>
    void ISampleSource.ReadWeights(ReadOnlySpan<int> samples, Span<float> weights)
    {
        for (int row = 0; row < samples.Length; row++)
            weights[row] = Weights is { } own ? own[samples[row]] : 1;
    }

    /// <summary>Does nothing: all samples are at hand.</summary>
    /// <param name="samples">Not looked at.</param>
    public void Expect(ReadOnlySpan<int> samples)
    {
    }

    /// <summary>Adds all features, then all targets, then weights if there are any, as little-endian floats.</summary>
    /// <param name="hash">Added to.</param>
    public void AddTo(IncrementalHash hash)
    {
        hash.AppendData(MemoryMarshal.AsBytes(Features.AsSpan()));
        hash.AppendData(MemoryMarshal.AsBytes(Targets.AsSpan()));
        hash.AppendData(MemoryMarshal.AsBytes(Weights.AsSpan()));
    }
}

/// <summary>
/// The per-feature scaling that was learned from the training part: <c>scaled = (raw − Offset) · Scale</c>, computed in
/// double from the values as they are written and rounded once: the same bits everywhere.
/// </summary>
/// <param name="Kind">Which rule made it.</param>
/// <param name="Offset">One a feature.</param>
/// <param name="Scale">One a feature, finite and not zero.</param>
/// <param name="TargetOffset">One a target; all zero unless regression targets were standardized.</param>
/// <param name="TargetScale">One a target; all one unless regression targets were standardized.</param>
public sealed record Normalization(
    NormalizationKind Kind, double[] Offset, float[] Scale, double[] TargetOffset, float[] TargetScale)
{
    /// <summary>The bound of <see cref="NormalizationKind.Robust"/>.</summary>
    internal const float RobustBound = 3;

    /// <summary>
    /// One a feature, or none: the bound b within which a scaled value x stays, as x / √(1 + (x/b)²); 0 for no bound.
    /// </summary>
    public float[] Bounds { get; init; } = [];

    /// <summary>
    /// Scales the features of one sample.
    /// </summary>
    /// <param name="features">[features], raw on entry, scaled on return.</param>
    /// <returns>False where a scaled value is not finite (a raw value far outside the training data).</returns>
    public bool ScaleFeatures(Span<float> features)
    {
        bool finite = true;
        for (int i = 0; i < features.Length; i++)
            finite &= ScaleFeature(i, features[i], out features[i]);
        return finite;
    }

    /// <summary>Scales the features of one sample.</summary>
    /// <param name="raw">[features].</param>
    /// <param name="scaled">[features], overwritten.</param>
    /// <returns>False where a scaled value is not finite (a raw value far outside the training data).</returns>
    public bool ScaleFeatures(ReadOnlySpan<double> raw, Span<float> scaled)
    {
        bool finite = true;
        int i = 0;
        for (; Bounds.Length == 0 && i <= scaled.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            (Vector256<double> lower, Vector256<double> upper) = Vector256.Widen(Vector256.Create(Scale.AsSpan(i)));
            const int Half = 4;
            lower *= Vector256.Create(raw[i..]) - Vector256.Create(Offset.AsSpan(i));
            upper *= Vector256.Create(raw[(i + Half)..]) - Vector256.Create(Offset.AsSpan(i + Half));
            Vector256<float> values = Vector256.Narrow(lower, upper);
            values.CopyTo(scaled[i..]);
            finite &= values - values == Vector256<float>.Zero; // infinity and NaN become NaN
        }
        for (; i < scaled.Length; i++)
            finite &= ScaleFeature(i, raw[i], out scaled[i]);
        return finite;
    }

    /// <summary>Scales the targets of one sample.</summary>
    /// <param name="raw">[targets].</param>
    /// <param name="scaled">[targets], overwritten.</param>
    /// <returns>False where a scaled value is not finite.</returns>
    public bool ScaleTargets(ReadOnlySpan<double> raw, Span<float> scaled)
    {
        bool finite = true;
        for (int i = 0; i < scaled.Length; i++)
        {
            scaled[i] = (float)((raw[i] - TargetOffset[i]) * TargetScale[i]);
            finite &= float.IsFinite(scaled[i]);
        }
        return finite;
    }

    /// <summary>Takes the scaling of the targets back: <c>raw = scaled / TargetScale + TargetOffset</c>.</summary>
    /// <param name="targets">[targets] of one sample, scaled on entry, raw on return.</param>
    public void RestoreTargets(Span<float> targets)
    {
        for (int i = 0; i < targets.Length; i++)
            targets[i] = (float)((targets[i] / (double)TargetScale[i]) + TargetOffset[i]);
    }

    private bool ScaleFeature(int feature, double raw, out float scaled)
    {
        double value = (raw - Offset[feature]) * Scale[feature];
        if (Bounds.Length > 0 && Bounds[feature] > 0)
        {
            double share = value / Bounds[feature];
            value /= Math.Sqrt(1 + (share * share));
        }
        scaled = (float)value;
        return float.IsFinite(scaled);
    }
}

/// <summary>What a model must know of its data to be used on new rows; stored with the model.</summary>
public sealed record DataSchema
{
    /// <summary>What the targets mean; never <see cref="TaskKind.Auto"/>.</summary>
    public required TaskKind Task { get; init; }

    /// <summary>Names of the features, in order.</summary>
    public required IReadOnlyList<string> FeatureNames { get; init; }

    /// <summary>Names of the target columns.</summary>
    public required IReadOnlyList<string> TargetNames { get; init; }

    /// <summary>Classification: the classes' names by number, sorted (numbers as numbers); else empty.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>The scaling of features and targets.</summary>
    public required Normalization Normalization { get; init; }

    /// <summary>
    /// Tables: how their columns become features, in the order of the features. None where the features are numbers
    /// without gaps: arrays, images, models of before version 0.9.
    /// </summary>
    public IReadOnlyList<ColumnSchema> Columns { get; init; } = [];

    /// <summary>The embeddings of the columns that have one; their indices are the last features.</summary>
    public IReadOnlyList<EmbeddedColumn> Embedded =>
        [.. Columns.Select(column => column.Table).OfType<EmbeddedColumn>()];

    /// <summary>The columns that new rows must have.</summary>
    public IReadOnlyList<string> Inputs =>
        Columns.Count > 0 ? [.. Columns.Select(column => column.Name)] : FeatureNames;

    /// <summary>Number of outputs that the network must have.</summary>
    public int Outputs => Task == TaskKind.Classification ? ClassNames.Count : TargetNames.Count;
}

/// <summary>The three parts of the data, scaled by the training part's statistics.</summary>
/// <param name="Train">Samples to learn from; at least one.</param>
/// <param name="Validation">Samples to watch while training; may have no samples.</param>
/// <param name="Test">Samples for the final figures; may have no samples.</param>
/// <param name="Schema">What the model must know of the data.</param>
/// <param name="Hash">Of all parts, see <see cref="HashOf"/>: what nodes, checkpoints and ledger compare.</param>
public sealed record DataParts(
    ISampleSource Train, ISampleSource Validation, ISampleSource Test, DataSchema Schema, string Hash)
{
    /// <summary>How the file was read where that is not obvious, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Tables: what was found in each column, also in those that are left out.</summary>
    public IReadOnlyList<ColumnProfile> Columns { get; init; } = [];

    /// <summary>
    /// SHA-256, in hex, over train, validation, test; of parts in memory over all their scaled features and targets as
    /// little-endian floats.
    /// </summary>
    /// <param name="train">Samples to learn from.</param>
    /// <param name="validation">Samples to watch while training.</param>
    /// <param name="test">Samples for the final figures.</param>
    public static string HashOf(ISampleSource train, ISampleSource validation, ISampleSource test)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ISampleSource part in (ReadOnlySpan<ISampleSource>)[train, validation, test])
            part.AddTo(hash);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
