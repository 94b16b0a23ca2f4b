using System.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Models;

namespace DistTrainer.Engine.Data;

/// <summary>Rows to predict for, scaled as the model wants them.</summary>
/// <param name="Features">[<paramref name="Count"/>, <paramref name="FeatureCount"/>] row-major.</param>
/// <param name="Count">Rows.</param>
/// <param name="FeatureCount">Features a row.</param>
public sealed record PredictionRows(float[] Features, int Count, int FeatureCount)
{
    /// <summary>What training did not have (values, gaps), a line a column.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Makes samples of files: reads, divides into parts, numbers classes and scales.</summary>
public static class DataLoader
{
    /// <summary>
    /// Loads the three parts for training. The split depends on (number of rows, seed, fractions) alone, or on a column
    /// beside them (<see cref="DataDescription.Split"/>), and keeps the order of the file within each part; the scaling
    /// is learned from the training part alone.
    /// </summary>
    /// <param name="description">Where the samples are and how they are made ready.</param>
    /// <param name="loss">Decides the task where the description does not.</param>
    /// <exception cref="DistTrainerException">A file or a setting is wrong; the message names it.</exception>
    public static DataParts Load(DataDescription description, LossDescription loss)
    {
        TaskKind task = ResolveTask(description, loss);
        description = DataCatalog.WithTarget(description);
        SourceFiles files = SourceFiles.Find(description);
        return DataPreparation.Prepare(
            files.Main.Read(description, ReadRequest.For(description, task)), files.Test, description, task);
    }

    /// <summary>
    /// Makes the three parts for training of samples in memory, as <see cref="Load"/> does of a file's.
    /// </summary>
    /// <param name="samples">All samples.</param>
    /// <param name="description">How they are made ready; what it says of a source, columns and formats does not
    /// count.</param>
    /// <param name="loss">Decides the task where the description does not.</param>
    /// <exception cref="DistTrainerException">A sample or a setting is wrong; the message names it.</exception>
    public static DataParts From(SampleTable samples, DataDescription description, LossDescription loss) =>
        DataPreparation.Prepare(samples.Read(), null, description, ResolveTask(description, loss));

    /// <summary>
    /// Makes the three parts for training of a program's own objects: each readable property is a column (numbers,
    /// texts, truth values, enumerations, dates; null is a missing value), as <see cref="Load"/> does of a file's.
    /// </summary>
    /// <typeparam name="T">The rows' type.</typeparam>
    /// <param name="rows">The rows; gone through once.</param>
    /// <param name="description">Targets by the properties' names, and how columns are made ready; what it says of a
    /// source and formats does not count.</param>
    /// <param name="loss">Decides the task where the description does not.</param>
    /// <exception cref="DistTrainerException">A row or a setting is wrong; the message names it.</exception>
    public static DataParts FromRows<T>(IEnumerable<T> rows, DataDescription description, LossDescription loss)
    {
        TaskKind task = ResolveTask(description, loss);
        return DataPreparation.Prepare(
            ObjectTable.Read(rows, ReadRequest.For(description, task)), null, description, task);
    }

    /// <summary>Makes the three parts for training of a data reader's rows, as of <see cref="FromRows"/>.</summary>
    /// <param name="reader">The reader, before its first row; it is read to its end.</param>
    /// <param name="description">Targets by the columns' names, and how columns are made ready.</param>
    /// <param name="loss">Decides the task where the description does not.</param>
    /// <exception cref="DistTrainerException">A row or a setting is wrong; the message names it.</exception>
    public static DataParts FromReader(IDataReader reader, DataDescription description, LossDescription loss)
    {
        TaskKind task = ResolveTask(description, loss);
        return DataPreparation.Prepare(
            ObjectTable.Read(reader, ReadRequest.For(description, task)), null, description, task);
    }

    /// <summary>
    /// Loads all samples of a source in the order of the file, to evaluate a model on them. Of a folder of MNIST-like
    /// files or a <c>.npz</c> the test part is taken where there is one, else the training part.
    /// </summary>
    /// <param name="description">Where the samples are; task, split and normalization are the model's. Targets, where
    /// given, name the target columns of this file in the model's order.</param>
    /// <param name="schema">What the model knows of its data: feature columns are found by name, or by place where the
    /// file or the model's own data have no names.</param>
    /// <exception cref="DistTrainerException">The file is wrong or does not fit the model.</exception>
    public static DataSet LoadLabelled(DataDescription description, DataSchema schema)
    {
        SourceFiles files = SourceFiles.Find(description);
        return DataPreparation.ReadLabelled(files.HasOwnTest ? files.Test! : files.Main, description, schema);
    }

    /// <summary>
    /// Loads rows without targets (a target column may be there; it is not looked at) to predict for.
    /// </summary>
    /// <param name="description">Where the rows are.</param>
    /// <param name="schema">What the model knows of its data: columns are found by the features' names, or by place
    /// where the file or the model's own data have no names.</param>
    /// <exception cref="DistTrainerException">The file is wrong or does not fit the model.</exception>
    public static PredictionRows LoadForPrediction(DataDescription description, DataSchema schema)
    {
        SourceFiles files = SourceFiles.Find(description);
        return DataPreparation.Predictable(
            files.Main.Read(description with { Targets = [], Ignore = [] }, ReadRequest.For(schema, description)),
            schema);
    }

    /// <summary>
    /// The rows that <see cref="LoadForPrediction"/> loads, block by block: of a CSV file in constant memory.
    /// </summary>
    /// <param name="description">Where the rows are.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <exception cref="DistTrainerException">There is no such file.</exception>
    internal static RowBlocks<PredictionRows> StreamForPrediction(DataDescription description, DataSchema schema) =>
        StreamOf(description, schema, ReadRequest.For(schema, description), DataPreparation.Predictable)
        ?? new(() => LoadForPrediction(description, schema), rows => rows.Notes);

    /// <summary>
    /// The samples that <see cref="LoadLabelled"/> loads, block by block: of a CSV file in constant memory.
    /// </summary>
    /// <param name="description">Where the samples are.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <exception cref="DistTrainerException">There is no such file.</exception>
    internal static RowBlocks<DataSet> StreamLabelled(DataDescription description, DataSchema schema) =>
        StreamOf(
            description, schema, DataPreparation.LabelledRequest(description, schema), DataPreparation.Labelled)
        ?? new(() => LoadLabelled(description, schema), samples => samples.Notes);

    // Null where all is read at once: without columns the model's forms are not known before.
    private static RowBlocks<T>? StreamOf<T>(
        DataDescription description, DataSchema schema, ReadRequest request,
        Func<RawData, DataSchema, ModelNotes, T> prepare) =>
        SourceFiles.Find(description).Main is { StreamsRows: true } file && schema.Columns.Count > 0
            ? new(file.Path, file.RequestOf(description, request), (table, notes) => prepare(table, schema, notes))
            : null;

    /// <summary>
    /// Reads rows without targets from a CSV text that lies in memory, as <see cref="LoadForPrediction"/> reads a file.
    /// </summary>
    /// <param name="csv">The text, in UTF-8.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="description">Delimiter and header.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <exception cref="DistTrainerException">The text is wrong or does not fit the model.</exception>
    public static PredictionRows ReadForPrediction(
        ArraySegment<byte> csv, string name, DataDescription description, DataSchema schema)
    {
        var text = new CsvText(
            name, () => new MemoryStream(csv.Array!, csv.Offset, csv.Count, writable: false));
        return DataPreparation.Predictable(
            CsvTableReader.Read(text, ReadRequest.For(schema, description) with { Csv = CsvSettings.Of(description) }),
            schema);
    }

    /// <summary>Makes a program's own objects ready for a model: properties are found by the columns' names.</summary>
    /// <typeparam name="T">The rows' type.</typeparam>
    /// <param name="rows">The rows; gone through once.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <exception cref="DistTrainerException">A column of the model is no property, or a value is wrong.</exception>
    public static PredictionRows RowsForPrediction<T>(IEnumerable<T> rows, DataSchema schema) =>
        DataPreparation.Predictable(ObjectTable.Read(rows, ReadRequest.For(schema, new DataDescription())), schema);

    /// <summary>Takes rows with the columns of a model in, cell by cell: what requests and programs have.</summary>
    /// <param name="name">What errors call them.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <param name="missing">What marks a missing value, as the model's own data have it
    /// (<see cref="ColumnSettings.Missing"/>); null for the usual marks.</param>
    public static TableRows RowsFor(string name, DataSchema schema, IReadOnlyList<string>? missing = null) =>
        new(name, schema, new(missing ?? GapMarks.Usual));

    /// <summary>Whether a property's values are numbers.</summary>
    /// <exception cref="DistTrainerException">There is no such property.</exception>
    internal static bool IsNumber(Type rows, string property) => ObjectTable.IsNumber(rows, property);

    /// <summary>Whether a source is a table: CSV or Parquet.</summary>
    /// <param name="description">Where the samples are.</param>
    /// <exception cref="DistTrainerException">There is no such source.</exception>
    internal static bool IsTable(DataDescription description) =>
        SourceFiles.Find(description).Main.Format is DataFormat.Csv or DataFormat.Parquet;

    /// <summary>
    /// Whether the targets of a CSV file look like classes, whatever is wrong in the file, or are classes by the
    /// catalog; null where all must be read to know.
    /// </summary>
    /// <param name="description">Where the samples are; one target column.</param>
    /// <param name="mostNumeric">How many different whole numbers are still taken for classes.</param>
    /// <exception cref="DistTrainerException">No label can be read.</exception>
    internal static bool? LooksLikeClasses(DataDescription description, int mostNumeric) =>
        DataCatalog.TaskOf(description) is { } known ? known == TaskKind.Classification
        : SourceFiles.Find(description).Main.LooksLikeClasses(
            description,
            new ReadRequest { Targets = description.Targets, Ignore = description.Ignore, TextTargets = true },
            mostNumeric);

    private static TaskKind ResolveTask(DataDescription description, LossDescription loss)
    {
        TaskKind fitting = loss.Task;
        if (description.Task != TaskKind.Auto && description.Task != fitting)
            throw DataError.Configuration(
                $"data.task = {description.Task} does not fit the loss {loss.Kind}, which is for {fitting}; change "
                + "one of them, or set data.task = auto.");
        if (description.NormalizeTargets && fitting != TaskKind.Regression)
            throw DataError.Configuration(
                $"data.normalize-targets is for regression only, but the task is {fitting}; set it to false.");
        return fitting;
    }
}
