using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Plugins;
using ArraysTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Data.DataArrays>;
using SplitTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Data.SplitSettings>;
using Table = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Data.DataDescription>;

namespace DistTrainer.Jobs;

/// <summary>The keys of <c>data</c>.</summary>
internal static class DataKeys
{
    private static readonly JobValue<TaskKind> s_task = JobValues.Name<TaskKind>([
        (TaskKind.Auto, ["auto"]), (TaskKind.Classification, ["classification"]), (TaskKind.Binary, ["binary"]),
            (TaskKind.Regression, ["regression"])]);

    private static readonly JobValue<DataFormat> s_format = JobValues.Name<DataFormat>([
        (DataFormat.Auto, ["auto"]), (DataFormat.Csv, ["csv"]), (DataFormat.Idx, ["idx"]),
            (DataFormat.Parquet, ["parquet"]), (DataFormat.Npy, ["npy", "npz"])]);

    private static readonly JobValue<NormalizationKind> s_normalization = JobValues.Name<NormalizationKind>([
        (NormalizationKind.None, ["none"]), (NormalizationKind.MinMax, ["min-max"]),
        (NormalizationKind.Standardize, ["standardize"]), (NormalizationKind.Robust, ["robust"]),
        (NormalizationKind.UnitBytes, ["unit-bytes"])]);

    private static readonly JobValue<IReadOnlyList<string>> s_columns = new ListValue<string>(JobValues.Text, 100_000);

    private static readonly JobValue<ColumnKind> s_kind = JobValues.Name<ColumnKind>([
        (ColumnKind.Number, ["number"]), (ColumnKind.Category, ["category"]), (ColumnKind.YesNo, ["yes-no"]),
        (ColumnKind.Date, ["date"]), (ColumnKind.Ignore, ["ignore"])]);

    private static readonly JobSection<DataArrays> s_arrays = new(
        () => new DataArrays(),
        ArraysTable.Key("features", "The array of features, samples first; nothing looks for x, features, x_train, …",
            JobValues.OptionalText, a => a.Features, (a, v) => a with { Features = v }),
        ArraysTable.Key("targets", "The array of targets; nothing looks for y, targets, labels, y_train, …",
            JobValues.OptionalText, a => a.Targets, (a, v) => a with { Targets = v }),
        ArraysTable.Key("test-features", "The features of the test part; nothing looks for x_test",
            JobValues.OptionalText, a => a.TestFeatures, (a, v) => a with { TestFeatures = v }),
        ArraysTable.Key("test-targets", "The targets of the test part; nothing looks for y_test",
            JobValues.OptionalText, a => a.TestTargets, (a, v) => a with { TestTargets = v }));

    private static readonly JobSection<SplitSettings> s_split = new(
        () => new SplitSettings(),
        SplitTable.Key("order", "What decides of a row's part: the seed, for rows or for groups of them, the order of "
            + "a column, or a column that says train, validation or test",
            JobValues.Name<SplitOrder>([
                (SplitOrder.Random, ["random"]), (SplitOrder.Group, ["group"]), (SplitOrder.Time, ["time"]),
                (SplitOrder.Part, ["part", "fold"])]), s => s.Order, (s, v) => s with { Order = v }),
        SplitTable.Key("by", "Tables: the column of the groups, times or parts; of times alone it is a feature",
            JobValues.OptionalText, s => s.By, (s, v) => s with { By = v },
            s => s.Order != SplitOrder.Random, "with order = group, time or part"),
        SplitTable.Key("folds", "Folds of the rows outside the test part, of which one is the validation part; "
            + "`train --folds` runs each in its turn",
            JobValues.OptionalWhole(2, SplitSettings.MostFolds), s => s.Folds, (s, v) => s with { Folds = v }),
        SplitTable.Key("fold", "Which fold is the validation part",
            JobValues.OptionalWhole(1, SplitSettings.MostFolds), s => s.Fold, (s, v) => s with { Fold = v },
            s => s.Folds is not null, "with folds"));

    /// <summary>The section.</summary>
    public static JobSection<DataDescription> Section { get; } = new(
        () => new DataDescription(),
        Table.Key(
            "source",
            "A name from `disttrainer data list`, the path of a file or folder, or the name of a plug-in's source",
            JobValues.Text, d => d.Source, (d, v) => d with { Source = v }),
        new PartSettingsKey<DataDescription>(
            d => [PluginRegistry.Shared.Sources.Find(d.Source)], d => d.Settings, (d, v) => d with { Settings = v })
        {
            Name = "settings",
            Meaning = "Settings of a plug-in's source",
        },
        Table.Key("test-source", "Path of a file with held-out test data; without it the test part is split off",
            JobValues.OptionalText, d => d.TestSource, (d, v) => d with { TestSource = v }),
        Table.Key("format", "File format; auto goes by the file's name",
            s_format, d => d.Format, (d, v) => d with { Format = v }),
        Table.Key("task", "What the targets mean; auto is classification for cross-entropy, else regression",
            s_task, d => d.Task, (d, v) => d with { Task = v }),
        Table.Key("targets", "Names or 0-based numbers of the target columns; none takes the last column, of a "
            + "fetched table the one that is meant",
            s_columns, d => d.Targets, (d, v) => d with { Targets = v }),
        Table.Key("ignore", "Names or 0-based numbers of columns to leave out",
            s_columns, d => d.Ignore, (d, v) => d with { Ignore = v }),
        Table.Key("columns", "Tables: what columns are, where looking at them does not tell",
            new MapValue<ColumnKind>(s_kind, "{ zip = category, name = ignore }"), d => d.Columns.Kinds,
            (d, v) => d with { Columns = d.Columns with { Kinds = v } }),
        Table.Key("missing", "Tables: what marks a missing value, in any case; an empty cell always does",
            new MarksValue(s_columns), d => d.Columns.Missing,
            (d, v) => d with { Columns = d.Columns with { Missing = v } }),
        Table.Key("one-hot", "Categories of at most so many values are a 0/1 feature for each, others an embedding",
            JobValues.Whole(0, 10_000), d => d.Columns.MostOneHot,
            (d, v) => d with { Columns = d.Columns with { MostOneHot = v } }),
        Table.Key("embedding", "Width of the embeddings of categories; nothing takes 1.6 · values^0.56, at most 600",
            JobValues.OptionalWhole(1, 10_000), d => d.Columns.Embedding,
            (d, v) => d with { Columns = d.Columns with { Embedding = v } }),
        Table.Key("bins", "Features that each number of a table gets beside itself, by quantiles; 0 for none",
            JobValues.Whole(0, 1_000), d => d.Columns.Bins,
            (d, v) => d with { Columns = d.Columns with { Bins = v } }),
        Table.Key("least-rows", "Values of categories in fewer training rows count as unknown ones",
            JobValues.Whole(1, int.MaxValue), d => d.Columns.LeastRows,
            (d, v) => d with { Columns = d.Columns with { LeastRows = v } }),
        Table.Key("most-values", "Categories keep so many values, the most frequent ones; others count as unknown",
            JobValues.Whole(1, 10_000_000), d => d.Columns.MostValues,
            (d, v) => d with { Columns = d.Columns with { MostValues = v } }),
        Table.Key("weight-column", "Tables: the column with the rows' weights, ≥ 0, which is no feature",
            JobValues.OptionalText, d => d.WeightColumn, (d, v) => d with { WeightColumn = v }),
        Table.Key("class-weights", "How much each class counts in training",
            new ClassWeightsValue(), d => d.ClassWeights, (d, v) => d with { ClassWeights = v }),
        Table.Key("arrays", "NumPy .npz: the names of the arrays",
            s_arrays, d => d.Arrays, (d, v) => d with { Arrays = v }),
        Table.Key("header", "CSV: whether the first line names the columns; nothing decides by looking",
            JobValues.OptionalBool, d => d.Header, (d, v) => d with { Header = v }),
        Table.Key("delimiter", "CSV: the character between fields; nothing decides by looking",
            JobValues.Mark(("blank", ' ')), d => d.Delimiter, (d, v) => d with { Delimiter = v }),
        Table.Key("quote", "CSV: the character around fields; nothing decides by looking",
            JobValues.Mark(), d => d.Quote, (d, v) => d with { Quote = v }),
        Table.Key("decimal", "CSV: the decimal mark, \".\" or \",\"; nothing decides by looking",
            JobValues.Mark(), d => d.Decimal, (d, v) => d with { Decimal = v }),
        Table.Key("thousands", "CSV: what stands between thousands: , . ' blank or none; nothing decides by looking",
            JobValues.Mark(("none", '\0'), ("blank", ' ')), d => d.Thousands, (d, v) => d with { Thousands = v }),
        Table.Key("comment", "CSV: what begins a comment, or none; nothing takes # where it begins no row",
            JobValues.Mark(("none", '\0')), d => d.Comment, (d, v) => d with { Comment = v }),
        Table.Key("normalization", "How features are scaled, by the training part's statistics",
            s_normalization, d => d.Normalization, (d, v) => d with { Normalization = v }),
        Table.Key(
            "normalize-targets", "Whether regression targets are standardized for training; results are scaled back",
            JobValues.Bool, d => d.NormalizeTargets, (d, v) => d with { NormalizeTargets = v }),
        Table.Key("validation-fraction", "Share of the samples held out for validation",
            JobValues.Number(0d, 1d, ")"), d => d.ValidationFraction, (d, v) => d with { ValidationFraction = v }),
        Table.Key("test-fraction", "Share of the samples held out for the final test; not used with a test file",
            JobValues.Number(0d, 1d, ")"), d => d.TestFraction, (d, v) => d with { TestFraction = v }),
        Table.Key("stratify", "Whether each part of the split has each class in its share, where rows are drawn",
            JobValues.Bool, d => d.Stratify, (d, v) => d with { Stratify = v }),
        Table.Key("split", "By what rows are divided into parts",
            s_split, d => d.Split, (d, v) => d with { Split = v }),
        Table.Key("split-seed", "Seed of the split",
            JobValues.Whole(0UL, ulong.MaxValue), d => d.SplitSeed, (d, v) => d with { SplitSeed = v }),
        Table.Key("limit", "Largest number of training samples to use, in file order; 0 uses all",
            JobValues.Whole(0, int.MaxValue), d => d.Limit, (d, v) => d with { Limit = v }));
}
