namespace DistTrainer.Engine.Data.Columns;

/// <summary>How the columns of a table become features.</summary>
public sealed record ColumnSettings
{
    /// <summary>Kinds of columns by name, where they are not to be found by looking.</summary>
    public IReadOnlyDictionary<string, ColumnKind> Kinds { get; init; } = new Dictionary<string, ColumnKind>();

    /// <summary>What marks a missing value, in any case; an empty cell always does.</summary>
    public IReadOnlyList<string> Missing { get; init; } = GapMarks.Usual;

    /// <summary>Categories of at most so many values become a feature for each; others an embedding.</summary>
    public int MostOneHot { get; init; } = 20;

    /// <summary>Width of embeddings; null takes fastai's rule, 1.6 · values^0.56 rounded, at most 600.</summary>
    public int? Embedding { get; init; }

    /// <summary>
    /// Features that each number gets beside itself, by quantiles of the training part; 0 for none. See
    /// <see cref="ColumnSchema.Bins"/>.
    /// </summary>
    public int Bins { get; init; }

    /// <summary>Values of categories with fewer training rows than this are joined with unknown ones.</summary>
    public int LeastRows { get; init; } = 3;

    /// <summary>Values that a category keeps, the most frequent ones; others are joined with unknown ones.</summary>
    public int MostValues { get; init; } = 10_000;
}
