using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>One target column as the file has it: numbers, or texts where classes may have names.</summary>
/// <param name="Name">Name of the column.</param>
/// <param name="Numbers">One a row, NaN where there is none; null where the column is kept as text.</param>
/// <param name="Texts">One a row, null where there is none; null where the column is kept as numbers.</param>
internal sealed record RawTarget(string Name, double[]? Numbers, string?[]? Texts)
{
    /// <summary>Whether a row has no target.</summary>
    public bool IsGap(int row) => Numbers is { } numbers ? double.IsNaN(numbers[row]) : Texts![row] is null;

    /// <summary>The target that a column of a table is.</summary>
    /// <param name="column">The column.</param>
    /// <param name="asText">Whether its texts are classes; else they must be numbers, or two words such as yes and
    /// no.</param>
    /// <param name="place">Where a row's value stands, for errors.</param>
    /// <exception cref="DistTrainerException">Numbers are wanted, and a value is none.</exception>
    public static RawTarget Of(RawColumn column, bool asText, Func<int, string> place)
    {
        int[] rows = [.. Enumerable.Range(0, column.Count)];
        if (asText && column is TextColumn)
            return new(column.Name, null, Array.ConvertAll(rows, column.TextOf));
        if (column is NumberColumn numbers)
        {
            double[] values = Array.ConvertAll(rows, row => numbers[row]);
            numbers.Forget(numbers.Count);
            return new(column.Name, values, null);
        }
        var texts = (TextColumn)column;
        double[] ofWords = YesNoWords.NumbersOf(texts.Values);
        int bad = Array.FindIndex(rows, row => texts[row] >= 0 && double.IsNaN(ofWords[texts[row]]));
        if (bad >= 0)
            throw DataError.Of(
                $"{place(bad)}: column {DataError.Quote(column.Name)}: {DataError.Quote(texts.TextOf(bad)!)} is not a "
                + "number, which the target must be; for classes choose the loss cross-entropy.");
        return new(column.Name, Array.ConvertAll(rows, row => texts[row] < 0 ? double.NaN : ofWords[texts[row]]), null);
    }
}

/// <summary>What every reader gives: all rows of a file, and where each row stands in it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Targets">None where the file has no targets and none were asked for.</param>
/// <param name="RowPlace">Where a row stands, to begin an error message with, e.g. <c>a.csv:17</c>.</param>
/// <param name="TargetPlace">Where a target (row, number of the target) stands, e.g. <c>a.csv:17:9</c>.</param>
internal abstract record RawData(
    string Path, IReadOnlyList<RawTarget> Targets, Func<int, string> RowPlace, Func<int, int, string> TargetPlace)
{
    /// <summary>Rows.</summary>
    public abstract int Count { get; }

    /// <summary>How the file was read where that is not obvious, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>A column that says something of the rows, such as their weights.</summary>
    /// <param name="key">The setting that names it, for errors.</param>
    /// <param name="name">The column's name.</param>
    /// <exception cref="DistTrainerException">There is none, or it is a target.</exception>
    public virtual RawColumn Column(string key, string name) => throw DataError.Configuration(
        $"{key} = {DataError.Quote(name)}: only tables (CSV, Parquet) have columns by name, and {Path} is none; leave "
        + $"{key} out.");

    /// <summary>The rows without columns that are nothing to learn from.</summary>
    /// <param name="names">Their names.</param>
    /// <exception cref="DistTrainerException">No other column is there.</exception>
    public virtual RawData Without(IReadOnlyCollection<string> names) => this;

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

/// <summary>Rows of numbers: images, arrays, and tables whose columns have become features.</summary>
/// <param name="Path">The file.</param>
/// <param name="Features">All rows.</param>
/// <param name="FeatureNames">One a feature.</param>
/// <param name="Targets">See <see cref="RawData"/>.</param>
/// <param name="RowPlace">See <see cref="RawData"/>.</param>
/// <param name="TargetPlace">See <see cref="RawData"/>.</param>
internal sealed record RawMatrix(
    string Path, RawRows Features, IReadOnlyList<string> FeatureNames, IReadOnlyList<RawTarget> Targets,
    Func<int, string> RowPlace, Func<int, int, string> TargetPlace)
    : RawData(Path, Targets, RowPlace, TargetPlace)
{
    /// <inheritdoc/>
    public override int Count => Features.Count;
}

/// <summary>A table: columns of numbers, dates and text, with gaps.</summary>
/// <param name="Path">The file.</param>
/// <param name="Columns">All but targets and ignored ones; at least one.</param>
/// <param name="Targets">See <see cref="RawData"/>.</param>
/// <param name="RowPlace">See <see cref="RawData"/>.</param>
/// <param name="TargetPlace">See <see cref="RawData"/>.</param>
internal sealed record RawTable(
    string Path, IReadOnlyList<RawColumn> Columns, IReadOnlyList<RawTarget> Targets,
    Func<int, string> RowPlace, Func<int, int, string> TargetPlace)
    : RawData(Path, Targets, RowPlace, TargetPlace)
{
    /// <inheritdoc/>
    public override int Count => Columns[0].Count;

    /// <inheritdoc/>
    public override RawColumn Column(string key, string name) =>
        Columns.FirstOrDefault(column => column.Name == name)
        ?? throw DataError.Configuration(Targets.Any(target => target.Name == name)
            ? $"{key} = {DataError.Quote(name)} is the target of {Path}; name another column, or set data.targets."
            : $"{key} names a column {DataError.Quote(name)} that {Path} does not have, or that data.ignore leaves "
                + $"out; {DataError.Suggest(name, [.. Columns.Select(column => column.Name)])}");

    /// <inheritdoc/>
    public override RawTable Without(IReadOnlyCollection<string> names)
    {
        RawColumn[] left = [.. Columns.Where(column => !names.Contains(column.Name))];
        return left.Length > 0 ? this with { Columns = left }
            : throw DataError.Of(
                $"{Path}: no feature column is left beside the target and "
                + $"{string.Join(", ", names.Select(DataError.Quote))}.");
    }

    /// <summary>Gives the memory of columns back that do not become features.</summary>
    /// <param name="schemas">How the others become features.</param>
    public void ForgetOthers(IReadOnlyList<ColumnSchema> schemas)
    {
        foreach (NumberColumn column in Columns.OfType<NumberColumn>().Where(
            column => schemas.All(schema => schema.Name != column.Name)))
            column.Forget(column.Count);
    }

    /// <summary>The rows as features.</summary>
    /// <param name="schemas">How columns become features; each names one of <see cref="Columns"/>.</param>
    public RawMatrix Encode(IReadOnlyList<ColumnSchema> schemas)
    {
        RawColumn[] columns = [.. schemas.Select(schema => Columns.First(column => column.Name == schema.Name))];
        return new(Path, new TableEncoder(columns, schemas), TableEncoder.NamesOf(schemas), Targets, RowPlace,
            TargetPlace)
        { Notes = Notes };
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
    /// The features or columns that a model expects, by name; null takes all columns that are neither targets nor
    /// ignored.
    /// </summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>Whether targets may be text (classes with names).</summary>
    public bool TextTargets { get; init; }

    /// <summary>Whether targets must be there.</summary>
    public bool NeedTargets { get; init; } = true;

    /// <summary>CSV: how the text is written, as far as that is said.</summary>
    public CsvSettings Csv { get; init; } = new();

    /// <summary>What cells of columns are read as, by name; others as what they look like.</summary>
    public IReadOnlyDictionary<string, ColumnForm> Forms { get; init; } = new Dictionary<string, ColumnForm>();

    /// <summary>What is asked for training.</summary>
    public static ReadRequest For(DataDescription description, TaskKind task) => new()
    {
        Targets = description.Targets,
        Ignore = description.Ignore,
        TextTargets = task == TaskKind.Classification && description.Targets.Count <= 1,
        Forms = TableColumns.FormsOf(description.Columns, description.Split.AsideColumn),
        Gaps = new(description.Columns.Missing),
    };

    /// <summary>What is asked of a reader for a model.</summary>
    public static ReadRequest For(DataSchema schema, DataDescription description) => new()
    {
        Features = schema.Inputs,
        NeedTargets = false,
        Forms = TableColumns.FormsOf(schema),
        Gaps = new(description.Columns.Missing),
    };

    /// <summary>What the cells of a feature are read as.</summary>
    /// <param name="feature">Its number; those of a model are found by place where a file has no names.</param>
    /// <param name="name">Its name in the file.</param>
    public ColumnForm FormOf(int feature, string name) => Forms.GetValueOrDefault(Features?[feature] ?? name);

    /// <summary>Columns that are text, as was found by reading.</summary>
    public IReadOnlyCollection<string> Texts { get; init; } = [];

    /// <summary>What marks a missing value.</summary>
    public GapMarks Gaps { get; init; } = new(GapMarks.Usual);
}
