namespace DistTrainer.Engine.Data;

/// <summary>Samples in memory as their source has them: neither divided into parts nor scaled.</summary>
public sealed class SampleTable
{
    /// <summary>Takes the arrays as they are, without copying.</summary>
    /// <param name="name">Begins error messages, e.g. the source's name.</param>
    /// <param name="featureNames">One a feature, at least one.</param>
    /// <param name="features">[rows, features] row-major, finite.</param>
    /// <param name="targetNames">One a target, at least one. Several for a classification are a one-hot code.</param>
    /// <param name="targets">[rows, targets] row-major: a whole number for a class (with one target), 0 or 1 for binary
    /// targets and one-hot codes, else any finite number.</param>
    /// <exception cref="ArgumentException">The arrays' lengths do not fit each other, there is no feature, target or
    /// row, or a name is null or there twice.</exception>
    public SampleTable(
        string name, IReadOnlyList<string> featureNames, float[] features,
        IReadOnlyList<string> targetNames, double[] targets)
    {
        if (featureNames.Count == 0 || targetNames.Count == 0)
            throw new ArgumentException(
                $"{name} has {featureNames.Count} features and {targetNames.Count} targets; at least one of each is "
                + "needed.", nameof(featureNames));
        CheckNames(name, featureNames);
        CheckNames(name, targetNames);
        Count = features.Length / featureNames.Count;
        if (Count == 0 || features.Length != Count * featureNames.Count || targets.Length != Count * targetNames.Count)
            throw new ArgumentException(
                $"{name}: {features.Length} features of {featureNames.Count} and {targets.Length} targets of "
                + $"{targetNames.Count} are not the same number of samples, 1 or more.", nameof(features));
        (Name, FeatureNames, Features, TargetNames, Targets) = (name, featureNames, features, targetNames, targets);
    }

    /// <summary>Begins error messages.</summary>
    public string Name { get; }

    /// <summary>Rows.</summary>
    public int Count { get; }

    /// <summary>One a feature.</summary>
    public IReadOnlyList<string> FeatureNames { get; }

    /// <summary>[Count, features] row-major.</summary>
    public float[] Features { get; }

    /// <summary>One a target.</summary>
    public IReadOnlyList<string> TargetNames { get; }

    /// <summary>[Count, targets] row-major.</summary>
    public double[] Targets { get; }

    /// <summary>The same as a reader of a file gives.</summary>
    /// <exception cref="DistTrainerException">A feature is not finite (<see cref="FailureKind.Data"/>).</exception>
    internal RawMatrix Read()
    {
        int bad = Array.FindIndex(Features, value => !float.IsFinite(value));
        if (bad >= 0)
            throw DataError.Of(
                $"{Name}: row {bad / FeatureNames.Count}, feature "
                + $"{DataError.Quote(FeatureNames[bad % FeatureNames.Count])}: {DataError.Number(Features[bad])} is "
                + "not a finite number; correct or leave out the row.");
        var rows = new FloatRows(FeatureNames.Count, Count);
        for (int row = 0; row < Count; row++)
            Features.AsSpan(row * FeatureNames.Count, FeatureNames.Count).CopyTo(rows.Append());
        return new RawMatrix(
            Name, rows, FeatureNames,
                [.. TargetNames.Select((name, target) => new RawTarget(name, Column(target), null))],
            row => $"{Name}: row {row}", (row, target) =>
                $"{Name}: row {row}, target {DataError.Quote(TargetNames[target])}");
    }

    private static void CheckNames(string table, IReadOnlyList<string> names)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (name is null || !seen.Add(name))
            {
                string fault = name is null ? "a column has no name (null)"
                    : $"two columns have the name {DataError.Quote(name)}";
                throw new ArgumentException($"{table}: {fault}; give each a name of its own.", nameof(names));
            }
        }
    }

    private double[] Column(int target)
    {
        double[] column = new double[Count];
        for (int row = 0; row < Count; row++)
            column[row] = Targets[(row * TargetNames.Count) + target];
        return column;
    }
}
