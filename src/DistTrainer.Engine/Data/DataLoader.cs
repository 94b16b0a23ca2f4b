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
    /// Loads the three parts for training. The split depends on (number of rows, seed, fractions) alone and keeps the
    /// order of the file within each part; the scaling is learned from the training part alone.
    /// </summary>
    /// <param name="description">Where the samples are and how they are made ready.</param>
    /// <param name="loss">Decides the task where the description does not.</param>
    /// <exception cref="DistTrainerException">A file or a setting is wrong; the message names it.</exception>
    public static DataParts Load(DataDescription description, LossDescription loss)
    {
        TaskKind task = ResolveTask(description, loss);
        SourceFiles files = SourceFiles.Find(description);
        return Prepare(
            files.Main.Read(description, RequestFor(description, task)), files.Test, description, task);
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
        Prepare(samples.Read(), null, description, ResolveTask(description, loss));

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
        return Prepare(ObjectTable.Read(rows, RequestFor(description, task)), null, description, task);
    }

    /// <summary>Makes the three parts for training of the rows of a data reader, as of <see cref="FromRows"/>.</summary>
    /// <param name="reader">The reader, before its first row; it is read to its end.</param>
    /// <param name="description">Targets by the columns' names, and how columns are made ready.</param>
    /// <param name="loss">Decides the task where the description does not.</param>
    /// <exception cref="DistTrainerException">A row or a setting is wrong; the message names it.</exception>
    public static DataParts FromReader(IDataReader reader, DataDescription description, LossDescription loss)
    {
        TaskKind task = ResolveTask(description, loss);
        return Prepare(ObjectTable.Read(reader, RequestFor(description, task)), null, description, task);
    }

    private static ReadRequest RequestFor(DataDescription description, TaskKind task) => new()
    {
        Targets = description.Targets,
        Ignore = description.Ignore,
        TextTargets = task == TaskKind.Classification && description.Targets.Count <= 1,
        Forms = TableColumns.FormsOf(description.Columns),
        Gaps = new(description.Columns.Missing),
    };

    private static DataParts Prepare(RawData raw, SourceFile? testSource, DataDescription description, TaskKind task)
    {
        raw = raw with { Targets = TargetEncoder.WithoutMarks(raw.Targets, task) };
        var encoder = TargetEncoder.Learn(raw, task);
        double[] targets = encoder.Encode(raw);
        int[] labelled = TargetEncoder.RowsWithTargets(raw);
        DataSplit split = DataSplit.Make(
            raw.Path, labelled, description.Stratify && task == TaskKind.Classification ? targets : null, description,
            testSource is not null);
        ColumnProfile[] columns = raw is RawTable table ? TableColumns.Profile(table, split.Train, description.Columns)
            : [];
        RawMatrix rows = AsMatrix(raw, [.. columns.Select(column => column.Schema).OfType<ColumnSchema>()]);
        Normalization normalization = FeatureScaler.Learn(
            rows, split.Train, targets, encoder.Width, description.Normalization, description.NormalizeTargets);
        var schema = new DataSchema
        {
            Task = task,
            FeatureNames = rows.FeatureNames,
            TargetNames = encoder.TargetNames,
            ClassNames = encoder.ClassNames,
            Normalization = normalization,
            Columns = [.. columns.Select(column => column.Schema).OfType<ColumnSchema>()],
        };
        DataSet train = Gather(rows, targets, encoder.Width, split.Train, normalization);
        DataSet validation = Gather(rows, targets, encoder.Width, split.Validation, normalization);
        DataSet test = testSource is { } testFile
            ? ReadLabelled(testFile, description with { Targets = [] }, schema)
            : Gather(rows, targets, encoder.Width, split.Test, normalization);
        return new(train, validation, test, schema, DataParts.HashOf(train, validation, test))
        {
            Notes = [.. raw.Notes, .. NotesOf(raw, labelled.Length), .. TableColumns.NotesOf(columns, description.Columns),
                .. LeaksIn(raw, columns, targets, encoder, split.Train)],
            Columns = columns,
        };
    }

    private static IEnumerable<string> NotesOf(RawData raw, int labelled)
    {
        if (labelled < raw.Count)
            yield return $"{DataError.Number(raw.Count - labelled)} of {DataError.Number(raw.Count)} rows have no "
                + $"{string.Join(", ", raw.Targets.Select(target => DataError.Quote(target.Name)))} and are left out";
    }

    private static IEnumerable<string> LeaksIn(
        RawData raw, ColumnProfile[] columns, double[] targets, TargetEncoder encoder, int[] train) =>
        raw is not RawTable table || encoder.Width > 1 ? []
            : LeakFinder.Find(
                table.Columns.Where((_, i) => columns[i].Schema is not null), targets, train,
                encoder.Task != TaskKind.Regression);

    private static RawMatrix AsMatrix(RawData raw, IReadOnlyList<ColumnSchema> columns) =>
        raw is RawTable table ? table.Encode(columns) : (RawMatrix)raw;

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
        return ReadLabelled(files.HasOwnTest ? files.Test! : files.Main, description, schema);
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
        return Predictable(
            files.Main.Read(description with { Targets = [], Ignore = [] }, RequestFor(schema, description)), schema);
    }

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
        return Predictable(
            CsvTableReader.Read(text, RequestFor(schema, description) with { Csv = CsvSettings.Of(description) }),
            schema);
    }

    /// <summary>Makes a program's own objects ready for a model: properties are found by the columns' names.</summary>
    /// <typeparam name="T">The rows' type.</typeparam>
    /// <param name="rows">The rows; gone through once.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <exception cref="DistTrainerException">A column of the model is no property, or a value is wrong.</exception>
    public static PredictionRows RowsForPrediction<T>(IEnumerable<T> rows, DataSchema schema) => Predictable(
        ObjectTable.Read(rows, RequestFor(schema, new DataDescription())), schema);

    /// <summary>Takes rows with the columns of a model in, cell by cell: what requests and programs have.</summary>
    /// <param name="name">What errors call them.</param>
    /// <param name="schema">What the model knows of its data.</param>
    public static TableRows RowsFor(string name, DataSchema schema) => new(name, schema);

    /// <summary>What is asked of a reader for a model.</summary>
    private static ReadRequest RequestFor(DataSchema schema, DataDescription description) => new()
    {
        Features = schema.Inputs,
        NeedTargets = false,
        Forms = TableColumns.FormsOf(schema),
        Gaps = new(description.Columns.Missing),
    };

    /// <summary>Rows for a model, with a word about what training did not have.</summary>
    internal static PredictionRows Predictable(RawData raw, DataSchema schema)
    {
        RawMatrix rows = ForModel(raw, schema);
        return new(GatherFeatures(rows, null, schema.Normalization), rows.Count, rows.Features.Width)
        {
            Notes = TableColumns.NotesOf(rows),
        };
    }

    private static RawMatrix ForModel(RawData raw, DataSchema schema)
    {
        if (raw is not RawTable table)
            return schema.Columns.Count == 0 ? (RawMatrix)raw
                : throw DataError.Of(
                    $"{raw.Path}: has arrays of numbers, but the model wants columns by name: "
                    + $"{string.Join(", ", schema.Inputs.Take(12).Select(DataError.Quote))}; give a table (CSV, Parquet).");
        IReadOnlyList<ColumnSchema> columns = schema.Columns.Count > 0 ? schema.Columns
            : TableColumns.PlainNumbers(table, schema.FeatureNames);
        RawMatrix rows = (table with { Columns = TableColumns.Named(table.Path, table.Columns, columns) })
            .Encode(columns);
        ((TableEncoder)rows.Features).CountUnknown();
        return rows;
    }

    /// <summary>Whether a property's values are numbers.</summary>
    /// <exception cref="DistTrainerException">There is no such property.</exception>
    internal static bool IsNumber(Type rows, string property) => ObjectTable.IsNumber(rows, property);

    /// <summary>Whether a source is a table: CSV or Parquet.</summary>
    /// <param name="description">Where the samples are.</param>
    /// <exception cref="DistTrainerException">There is no such source.</exception>
    internal static bool IsTable(DataDescription description) =>
        SourceFiles.Find(description).Main.Format is DataFormat.Csv or DataFormat.Parquet;

    /// <summary>
    /// Whether the targets of a CSV file look like classes, whatever is wrong in the file; null where all must be read
    /// to know.
    /// </summary>
    /// <param name="description">Where the samples are; one target column.</param>
    /// <param name="mostNumeric">How many different whole numbers are still taken for classes.</param>
    /// <exception cref="DistTrainerException">No label can be read.</exception>
    internal static bool? LooksLikeClasses(DataDescription description, int mostNumeric) =>
        SourceFiles.Find(description).Main.LooksLikeClasses(
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

    private static DataSet ReadLabelled(SourceFile file, DataDescription description, DataSchema schema)
    {
        var encoder = new TargetEncoder(schema.Task, schema.TargetNames, schema.ClassNames);
        RawData raw = file.Read(description with { Ignore = [] }, RequestFor(schema, description) with
        {
            Targets = description.Targets.Count > 0 ? description.Targets : schema.TargetNames,
            NeedTargets = true,
            TextTargets = schema.Task == TaskKind.Classification && schema.TargetNames.Count == 1,
        });
        raw = raw with { Targets = TargetEncoder.WithoutMarks(raw.Targets, schema.Task) };
        RawMatrix rows = ForModel(raw, schema);
        int[] labelled = TargetEncoder.RowsWithTargets(raw);
        return Gather(rows, encoder.Encode(raw), encoder.Width, labelled, schema.Normalization)
            .Noted([.. NotesOf(raw, labelled.Length), .. TableColumns.NotesOf(rows)]);
    }

    /// <summary>Copies rows out of the raw data and scales them.</summary>
    private static DataSet Gather(
        RawMatrix raw, double[] targets, int targetWidth, int[] rows, Normalization normalization)
    {
        float[] gathered = new float[rows.Length * targetWidth];
        for (int i = 0; i < rows.Length; i++)
        {
            if (!normalization.ScaleTargets(
                targets.AsSpan(rows[i] * targetWidth, targetWidth), gathered.AsSpan(i * targetWidth, targetWidth)))
                throw DataError.Of(
                    $"{raw.TargetPlace(rows[i], 0)}: the target is so far from the training targets that it cannot be "
                    + "scaled; correct it, or set data.normalize-targets = false.");
        }
        return new(GatherFeatures(raw, rows, normalization), gathered, raw.Features.Width, targetWidth);
    }

    private static float[] GatherFeatures(RawMatrix raw, int[]? rows, Normalization normalization)
    {
        int count = rows?.Length ?? raw.Count, width = raw.Features.Width;
        RawData.CheckSize(raw.Path, count, width);
        float[] features = GC.AllocateUninitializedArray<float>(count * width);
        // Rows are independent, so blocks of them can be done in parallel; of several bad rows the first is reported.
        const int Block = 512;
        int[] firstBad = new int[(count + Block - 1) / Block];
        Parallel.For(0, firstBad.Length, () => new double[width], (block, _, values) =>
        {
            firstBad[block] = -1;
            for (int i = Math.Min(count, (block + 1) * Block) - 1; i >= block * Block; i--)
            {
                raw.Features.CopyRow(rows?[i] ?? i, values);
                if (!normalization.ScaleFeatures(values, features.AsSpan(i * width, width)))
                    firstBad[block] = rows?[i] ?? i;
            }
            return values;
        }, _ => { });
        int bad = Array.FindIndex(firstBad, row => row >= 0);
        if (bad >= 0)
            throw DataError.Of(
                $"{raw.RowPlace(firstBad[bad])}: a feature is so far from the training data that it cannot be scaled; "
                + "correct it, or choose another data.normalization.");
        return features;
    }
}
