using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>Makes samples of what readers give, for training and for a model.</summary>
internal static class DataPreparation
{
    /// <summary>Divides rows into parts, makes features of columns, numbers classes and scales.</summary>
    /// <param name="raw">All rows.</param>
    /// <param name="testSource">A file of test data; null splits them off.</param>
    /// <param name="description">How.</param>
    /// <param name="task">What the targets mean.</param>
    public static DataParts Prepare(RawData raw, SourceFile? testSource, DataDescription description, TaskKind task)
    {
        LargeMemory.Collect(raw);
        raw = raw with { Targets = TargetEncoder.WithoutMarks(raw.Targets, task) };
        var encoder = TargetEncoder.Learn(raw, task);
        double[] targets = encoder.Encode(raw);
        int[] labelled = TargetEncoder.RowsWithTargets(raw);
        bool hasClasses = task == TaskKind.Classification;
        DataSplit split = DataSplit.Make(
            raw, labelled, description.Stratify && hasClasses ? targets : null, description, testSource is not null);
        string[] splitNotes =
            [.. SplitNotes.Of(raw, labelled, description, split, hasClasses ? targets : [], encoder.ClassNames)];
        SampleWeights weights = SampleWeights.Find(raw, description, encoder, targets, split);
        RawData all = raw;
        raw = raw.Without(description.AsideColumns);
        ColumnProfile[] columns = raw is RawTable table ? TableColumns.Profile(table, split.Train, description.Columns)
            : [];
        RawMatrix rows = AsMatrix(raw, [.. columns.Select(column => column.Schema).OfType<ColumnSchema>()]);
        LargeMemory.Collect(rows);
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
        string[] leaks = [.. LeaksIn(raw, columns, targets, encoder, split.Train)];
        (all as RawTable)?.ForgetOthers(schema.Columns);
        DataSet[] parts = Gather(
            rows, targets, encoder.Width, [split.Train, split.Validation, split.Test], normalization);
        DataSet train = parts[0].Weighted(weights.Of(split.Train, isTraining: true));
        DataSet validation = parts[1].Weighted(weights.Of(split.Validation, isTraining: false));
        DataSet test = testSource is { } testFile ? ReadLabelled(testFile, description with { Targets = [] }, schema)
            : parts[2].Weighted(weights.Of(split.Test, isTraining: false));
        return new(train, validation, test, schema, DataParts.HashOf(train, validation, test))
        {
            Notes = [.. raw.Notes, .. ModelNotes.OfTargets(raw, labelled.Length), .. splitNotes,
                .. TableColumns.NotesOf(columns, description.Columns), .. weights.Notes,
                .. leaks],
            Columns = columns,
        };
    }

    private static IEnumerable<string> LeaksIn(
        RawData raw, ColumnProfile[] columns, double[] targets, TargetEncoder encoder, int[] train) =>
        raw is not RawTable table || encoder.Width > 1 ? []
            : LeakFinder.Find(
                table.Columns.Where((_, i) => columns[i].Schema is not null), targets, train,
                encoder.Task != TaskKind.Regression);

    private static RawMatrix AsMatrix(RawData raw, IReadOnlyList<ColumnSchema> columns) =>
        raw is RawTable table ? table.Encode(columns) : (RawMatrix)raw;

    /// <summary>Rows for a model, with a word about what training did not have.</summary>
    public static PredictionRows Predictable(RawData raw, DataSchema schema)
    {
        var notes = new ModelNotes();
        return Predictable(raw, schema, notes) with { Notes = notes.Lines };
    }

    /// <summary>Rows for a model.</summary>
    /// <param name="raw">The rows.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <param name="notes">Told what training did not have.</param>
    public static PredictionRows Predictable(RawData raw, DataSchema schema, ModelNotes notes)
    {
        RawMatrix rows = ForModel(raw, schema);
        int[] all = [.. Enumerable.Range(0, rows.Count)];
        float[] features = GatherFeatures(rows, [all], schema.Normalization)[0];
        notes.Add(rows);
        return new(features, rows.Count, rows.Features.Width);
    }

    private static RawMatrix ForModel(RawData raw, DataSchema schema)
    {
        if (raw is not RawTable table)
            return schema.Columns.Count == 0 ? (RawMatrix)raw
                : throw DataError.Of(
                    $"{raw.Path}: has arrays of numbers, but the model wants columns by name: "
                    + $"{string.Join(", ", schema.Inputs.Take(12).Select(DataError.Quote))}; give a table (CSV, "
                    + "Parquet).");
        IReadOnlyList<ColumnSchema> columns = schema.Columns.Count > 0 ? schema.Columns
            : TableColumns.PlainNumbers(table, schema.FeatureNames);
        RawMatrix rows = (table with { Columns = TableColumns.Named(table.Path, table.Columns, columns) })
            .Encode(columns);
        ((TableEncoder)rows.Features).CountUnknown();
        return rows;
    }

    /// <summary>Reads samples with targets for a model.</summary>
    public static DataSet ReadLabelled(SourceFile file, DataDescription description, DataSchema schema)
    {
        var notes = new ModelNotes();
        RawData raw = file.Read(description with { Ignore = [] }, LabelledRequest(description, schema));
        return Labelled(raw, schema, notes).Noted(notes.Lines);
    }

    /// <summary>What is asked of a reader for samples with targets for a model.</summary>
    public static ReadRequest LabelledRequest(DataDescription description, DataSchema schema) =>
        ReadRequest.For(schema, description) with
        {
            Targets = description.Targets.Count > 0 ? description.Targets : schema.TargetNames,
            NeedTargets = true,
            TextTargets = schema.Task == TaskKind.Classification && schema.TargetNames.Count == 1,
        };

    /// <summary>Samples with targets for a model; rows without are left out.</summary>
    /// <param name="raw">The rows.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <param name="notes">Told what training did not have, and how many have no target.</param>
    public static DataSet Labelled(RawData raw, DataSchema schema, ModelNotes notes)
    {
        var encoder = new TargetEncoder(schema.Task, schema.TargetNames, schema.ClassNames);
        raw = raw with { Targets = encoder.WithoutMarks(raw.Targets) };
        RawMatrix rows = ForModel(raw, schema);
        int[] labelled = TargetEncoder.RowsWithTargets(raw);
        notes.AddTargets(raw, labelled.Length);
        notes.Add(rows);
        return Gather(rows, encoder.Encode(raw), encoder.Width, [labelled], schema.Normalization)[0];
    }

    /// <summary>
    /// Copies the rows of parts out of the raw data and scales them. The raw data are forgotten on the way.
    /// </summary>
    private static DataSet[] Gather(
        RawMatrix raw, double[] targets, int targetWidth, int[][] parts, Normalization normalization)
    {
        float[][] gathered = Array.ConvertAll(
            parts, rows => ScaleTargets(raw, targets, targetWidth, rows, normalization));
        float[][] features = GatherFeatures(raw, parts, normalization);
        return [.. features.Select((values, part) => new DataSet(
            values, gathered[part], raw.Features.Width, targetWidth))];
    }

    private static float[] ScaleTargets(
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
        return gathered;
    }

    private static float[][] GatherFeatures(RawMatrix raw, int[][] parts, Normalization normalization)
    {
        var gather = new RowGather(raw, parts, normalization);
        gather.Run();
        return gather.Features;
    }
}
