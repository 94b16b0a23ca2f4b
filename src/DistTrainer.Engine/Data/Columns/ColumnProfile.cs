namespace DistTrainer.Engine.Data.Columns;

/// <summary>What was found in a column of the training part, and what becomes of it.</summary>
public sealed record ColumnProfile
{
    /// <summary>The column's name.</summary>
    public required string Name { get; init; }

    /// <summary>What it is; <see cref="ColumnKind.Ignore"/> for one that is left out.</summary>
    public required ColumnKind Kind { get; init; }

    /// <summary>Why it is taken for that.</summary>
    public required string Why { get; init; }

    /// <summary>Rows without a value.</summary>
    public required int Missing { get; init; }

    /// <summary>Different values.</summary>
    public required int Distinct { get; init; }

    /// <summary>Smallest and largest value, or the most frequent ones.</summary>
    public required string Content { get; init; }

    /// <summary>How it becomes features; null for one that is left out.</summary>
    public ColumnSchema? Schema { get; init; }
}
