namespace DistTrainer.Engine.Data;

/// <summary>One target column as the file has it: numbers, or texts where classes may have names.</summary>
/// <param name="Name">Name of the column.</param>
/// <param name="Numbers">One a row; null where the column is kept as text.</param>
/// <param name="Texts">One a row; null where the column is kept as numbers.</param>
internal sealed record RawTarget(string Name, double[]? Numbers, string[]? Texts);

/// <summary>
/// What every reader gives: features and targets of all rows of a file, and where each row stands in it.
/// </summary>
/// <param name="Path">The file.</param>
/// <param name="Features">All rows.</param>
/// <param name="FeatureNames">One a feature.</param>
/// <param name="Targets">None where the file has no targets and none were asked for.</param>
/// <param name="RowPlace">Where a row stands, to begin an error message with, e.g. <c>a.csv:17</c>.</param>
/// <param name="TargetPlace">Where a target (row, number of the target) stands, e.g. <c>a.csv:17:9</c>.</param>
internal sealed record RawData(
    string Path, RawRows Features, IReadOnlyList<string> FeatureNames, IReadOnlyList<RawTarget> Targets,
    Func<int, string> RowPlace, Func<int, int, string> TargetPlace)
{
    /// <summary>Rows.</summary>
    public int Count => Features.Count;

    /// <summary>How the file was read where that is not obvious, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Refuses more values than an array can have.</summary>
    /// <exception cref="DistTrainerException">The product is too large.</exception>
    public static void CheckSize(string path, long rows, long width)
    {
        if (rows > 0 && width > Array.MaxLength / rows)
            throw DataError.Of(
                $"{path}: {rows} rows of {width} values are more than the {Array.MaxLength} values that fit in memory "
                + "as one array; divide the file or use fewer columns.");
    }
}

/// <summary>What is asked of a reader.</summary>
internal sealed record ReadRequest
{
    /// <summary>
    /// Names or numbers of the target columns; empty takes the last column (tables) or the targets' own array.
    /// </summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Names or numbers of columns to leave out.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>
    /// The features that a model expects, by name; null takes all columns that are neither targets nor ignored.
    /// </summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>Whether targets may be text (classes with names).</summary>
    public bool TextTargets { get; init; }

    /// <summary>Whether targets must be there.</summary>
    public bool NeedTargets { get; init; } = true;

    /// <summary>CSV: how the text is written, as far as that is said.</summary>
    public CsvSettings Csv { get; init; } = new();
}
