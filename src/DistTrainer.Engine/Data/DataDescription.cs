using DistTrainer.Engine.Data.Columns;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Data;

/// <summary>What the targets mean.</summary>
public enum TaskKind
{
    /// <summary>
    /// By the loss: classification for cross-entropy, binary for binary cross-entropy, else regression.
    /// </summary>
    Auto,

    /// <summary>One class a sample.</summary>
    Classification,

    /// <summary>One or more 0/1 targets a sample.</summary>
    Binary,

    /// <summary>One or more real targets a sample.</summary>
    Regression,
}

/// <summary>A file format of data.</summary>
public enum DataFormat
{
    /// <summary>By the file's name; of a pipe without one by its first bytes.</summary>
    Auto,

    /// <summary>Comma-separated text, gzip too.</summary>
    Csv,

    /// <summary>The MNIST files, gzip too.</summary>
    Idx,

    /// <summary>Apache Parquet.</summary>
    Parquet,

    /// <summary>
    /// NumPy <c>.npy</c> (features in <c>…x.npy</c>, targets beside it in <c>…y.npy</c>) or <c>.npz</c> (see
    /// <see cref="DataArrays"/>).
    /// </summary>
    Npy,
}

/// <summary>How features are scaled.</summary>
public enum NormalizationKind
{
    /// <summary>Taken as they are.</summary>
    None,

    /// <summary>To [0, 1] by the training part's minimum and maximum of each feature.</summary>
    MinMax,

    /// <summary>To mean 0 and deviation 1 by the training part's statistics of each feature.</summary>
    Standardize,

    /// <summary>
    /// By the training part's median and quartiles, and bounded smoothly to (−3, 3), so that values far out count less:
    /// x = (v − median) / (upper − lower quartile), x / √(1 + (x/3)²).
    /// </summary>
    Robust,

    /// <summary>Divided by 255: bytes of images to [0, 1].</summary>
    UnitBytes,
}

/// <summary>
/// The names of the arrays of a <c>.npz</c>. Where one is null, the usual names are looked for: <c>x</c> and <c>y</c>,
/// <c>features</c>, <c>data</c> or <c>images</c> and <c>targets</c>, <c>target</c> or <c>labels</c>, <c>x_train</c> and
/// <c>y_train</c>; <c>x_test</c> and <c>y_test</c> for the test part.
/// </summary>
public sealed record DataArrays
{
    /// <summary>The features: samples first, all other dimensions make the features.</summary>
    public string? Features { get; init; }

    /// <summary>The targets: a number or text a sample, or several columns.</summary>
    public string? Targets { get; init; }

    /// <summary>The features of the test part.</summary>
    public string? TestFeatures { get; init; }

    /// <summary>The targets of the test part.</summary>
    public string? TestTargets { get; init; }
}

/// <summary>Where the samples come from and how they are made ready.</summary>
public sealed record DataDescription
{
    /// <summary>
    /// A name from <c>disttrainer data list</c>, the path of a file, or of a folder with the four files of MNIST or
    /// with part files of one table (CSV or Parquet). The labels of a single IDX file of images are beside it, with
    /// <c>labels</c> and <c>idx1</c> in the name for <c>images</c> and <c>idx3</c>. Or the name of a plug-in's source.
    /// </summary>
    public string Source { get; init; } = "digits";

    /// <summary>Settings of a source of <see cref="PluginRegistry.Sources"/>.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>
    /// Path of a file with held-out test data; without it the test part is split off, or is that of the folder with the
    /// files of MNIST, or of a <c>.npz</c> with test arrays.
    /// </summary>
    public string? TestSource { get; init; }

    /// <summary>File format.</summary>
    public DataFormat Format { get; init; } = DataFormat.Auto;

    /// <summary>What the targets mean.</summary>
    public TaskKind Task { get; init; } = TaskKind.Auto;

    /// <summary>
    /// Names (or 0-based numbers) of the target columns; empty takes the last column that is not ignored. Several
    /// columns for cross-entropy are a one-hot code.
    /// </summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>Names (or numbers) of columns to leave out.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>Tables: how columns become features.</summary>
    public ColumnSettings Columns { get; init; } = new();

    /// <summary>
    /// Tables: the column with the samples' weights, ≥ 0; it is no feature. Null weighs all samples alike.
    /// </summary>
    public string? WeightColumn { get; init; }

    /// <summary>How much the classes of the training part weigh, beside <see cref="WeightColumn"/>.</summary>
    public ClassWeights ClassWeights { get; init; } = ClassWeights.None;

    /// <summary>NumPy <c>.npz</c>: which arrays are meant.</summary>
    public DataArrays Arrays { get; init; } = new();

    /// <summary>CSV: whether the first line names the columns; null decides by looking.</summary>
    public bool? Header { get; init; }

    /// <summary>
    /// CSV: the character between fields, a blank for runs of blanks and tabs; a comma means a tab in a <c>.tsv</c>
    /// file. Null decides by looking.
    /// </summary>
    public char? Delimiter { get; init; }

    /// <summary>CSV: the character around fields; null decides by looking.</summary>
    public char? Quote { get; init; }

    /// <summary>CSV: the decimal mark, a point or a comma; null decides by looking.</summary>
    public char? Decimal { get; init; }

    /// <summary>
    /// CSV: what stands between thousands (a comma, point, apostrophe or blank), NUL for nothing; null decides by
    /// looking.
    /// </summary>
    public char? Thousands { get; init; }

    /// <summary>
    /// CSV: what begins a comment, up to the end of its line; NUL for nothing. Null takes <c>#</c> where it begins
    /// lines that are no rows.
    /// </summary>
    public char? Comment { get; init; }

    /// <summary>How features are scaled.</summary>
    public NormalizationKind Normalization { get; init; } = NormalizationKind.None;

    /// <summary>Whether regression targets are standardized for training (results are scaled back).</summary>
    public bool NormalizeTargets { get; init; }

    /// <summary>Share of the samples held out for validation, in [0, 1).</summary>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>
    /// Share of the samples held out for the final test, in [0, 1); ignored where a test file is given.
    /// </summary>
    public double TestFraction { get; init; } = 0.2;

    /// <summary>Whether each part has each class in its share: of classes, where single rows are drawn.</summary>
    public bool Stratify { get; init; }

    /// <summary>By what rows are divided into parts, and into folds.</summary>
    public SplitSettings Split { get; init; } = new();

    /// <summary>Seed of the split.</summary>
    public ulong SplitSeed { get; init; }

    /// <summary>Largest number of training samples to use, in file order; 0 uses all.</summary>
    public int Limit { get; init; }

    /// <summary>Columns of a table that say something of its rows and are no features.</summary>
    internal IReadOnlyCollection<string> AsideColumns =>
        [.. new[] { WeightColumn, Split.AsideColumn }.OfType<string>()];
}
