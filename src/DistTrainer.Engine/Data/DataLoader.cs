using DistTrainer.Engine.Models;

namespace DistTrainer.Engine.Data;

/// <summary>Rows to predict for, scaled as the model wants them.</summary>
/// <param name="Features">[<paramref name="Count"/>, <paramref name="FeatureCount"/>] row-major.</param>
/// <param name="Count">Rows.</param>
/// <param name="FeatureCount">Features a row.</param>
public sealed record PredictionRows(float[] Features, int Count, int FeatureCount);

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
        var request = new ReadRequest
        {
            Targets = description.Targets,
            Ignore = description.Ignore,
            TextTargets = task == TaskKind.Classification && description.Targets.Count <= 1,
        };
        return Prepare(files.Main.Read(description, request), files.Test, description, task);
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

    private static DataParts Prepare(RawData raw, SourceFile? testSource, DataDescription description, TaskKind task)
    {
        var encoder = TargetEncoder.Learn(raw, task);
        float[] targets = encoder.Encode(raw);
        DataSplit split = DataSplit.Make(raw.Path, raw.Count, description, testSource is not null);
        Normalization normalization = FeatureScaler.Learn(
            raw, split.Train, targets, encoder.Width, description.Normalization, description.NormalizeTargets);
        var schema = new DataSchema
        {
            Task = task,
            FeatureNames = raw.FeatureNames,
            TargetNames = encoder.TargetNames,
            ClassNames = encoder.ClassNames,
            Normalization = normalization,
        };
        DataSet train = Gather(raw, targets, encoder.Width, split.Train, normalization);
        DataSet validation = Gather(raw, targets, encoder.Width, split.Validation, normalization);
        DataSet test = testSource is { } testFile
            ? ReadLabelled(testFile, description with { Targets = [] }, schema)
            : Gather(raw, targets, encoder.Width, split.Test, normalization);
        return new(train, validation, test, schema, DataParts.HashOf(train, validation, test)) { Notes = raw.Notes };
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
        RawData raw = files.Main.Read(description with { Targets = [], Ignore = [] }, new ReadRequest
        {
            Features = schema.FeatureNames,
            NeedTargets = false,
        });
        return new(GatherFeatures(raw, null, schema.Normalization), raw.Count, raw.Features.Width);
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
            name, () => new MemoryStream(csv.Array!, csv.Offset, csv.Count, writable: false), () => csv.Count);
        RawData raw = CsvTableReader.Read(text, new ReadRequest
        {
            Features = schema.FeatureNames,
            NeedTargets = false,
            Csv = CsvSettings.Of(description),
        });
        return new(GatherFeatures(raw, null, schema.Normalization), raw.Count, raw.Features.Width);
    }

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
        RawData raw = file.Read(description with { Ignore = [] }, new ReadRequest
        {
            Targets = description.Targets.Count > 0 ? description.Targets : schema.TargetNames,
            Features = schema.FeatureNames,
            TextTargets = schema.Task == TaskKind.Classification && schema.TargetNames.Count == 1,
        });
        return Gather(raw, encoder.Encode(raw), encoder.Width, null, schema.Normalization);
    }

    /// <summary>Copies rows (null: all) out of the raw data and scales them.</summary>
    private static DataSet Gather(
        RawData raw, float[] targets, int targetWidth, int[]? rows, Normalization normalization)
    {
        int count = rows?.Length ?? raw.Count;
        float[] gathered = new float[count * targetWidth];
        for (int i = 0; i < count; i++)
        {
            int row = rows?[i] ?? i;
            Span<float> values = gathered.AsSpan(i * targetWidth, targetWidth);
            targets.AsSpan(row * targetWidth, targetWidth).CopyTo(values);
            if (!normalization.ScaleTargets(values))
                throw DataError.Of(
                    $"{raw.TargetPlace(row, 0)}: the target is so far from the training targets that it cannot be "
                    + "scaled; correct it, or set data.normalize-targets = false.");
        }
        return new(GatherFeatures(raw, rows, normalization), gathered, raw.Features.Width, targetWidth);
    }

    private static float[] GatherFeatures(RawData raw, int[]? rows, Normalization normalization)
    {
        int count = rows?.Length ?? raw.Count, width = raw.Features.Width;
        RawData.CheckSize(raw.Path, count, width);
        float[] features = GC.AllocateUninitializedArray<float>(count * width);
        // Rows are independent, so blocks of them can be done in parallel; of several bad rows the first is reported.
        const int Block = 512;
        int[] firstBad = new int[(count + Block - 1) / Block];
        Parallel.For(0, firstBad.Length, block =>
        {
            firstBad[block] = -1;
            for (int i = Math.Min(count, (block + 1) * Block) - 1; i >= block * Block; i--)
            {
                Span<float> values = features.AsSpan(i * width, width);
                raw.Features.CopyRow(rows?[i] ?? i, values);
                if (!normalization.ScaleFeatures(values))
                    firstBad[block] = rows?[i] ?? i;
            }
        });
        int bad = Array.FindIndex(firstBad, row => row >= 0);
        if (bad >= 0)
            throw DataError.Of(
                $"{raw.RowPlace(firstBad[bad])}: a feature is so far from the training data that it cannot be scaled; "
                + "correct it, or choose another data.normalization.");
        return features;
    }
}
