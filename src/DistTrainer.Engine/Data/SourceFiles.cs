using DistTrainer.Engine.Files;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Data;

/// <summary>
/// A file of samples, with the file of their labels where the format keeps them apart; or a plug-in's source.
/// </summary>
/// <param name="Format">The file's format.</param>
/// <param name="Path">The file, or the source's name.</param>
/// <param name="LabelsPath">The file of labels.</param>
/// <param name="Plugin">Whether it is a plug-in's source.</param>
internal sealed record SourceFile(DataFormat Format, string Path, string? LabelsPath, bool Plugin = false)
{
    /// <summary>Whether the arrays of a <c>.npz</c>'s test part are meant.</summary>
    public bool IsTestPart { get; init; }

    /// <summary>The files of a folder of parts, in the order in which they are read; none of a single file.</summary>
    public IReadOnlyList<string> Parts { get; init; } = [];

    /// <summary>Whether rows can be read block by block: of a single CSV file.</summary>
    public bool StreamsRows => Format == DataFormat.Csv && !Plugin && Parts.Count == 0;

    /// <summary>What is asked of a CSV file, with what is said of how it is written.</summary>
    public ReadRequest RequestOf(DataDescription description, ReadRequest request)
    {
        Check(description);
        return request with { Csv = CsvOf(Path, description) };
    }

    /// <summary>Reads the file.</summary>
    public RawData Read(DataDescription description, ReadRequest request)
    {
        if (Plugin)
            return ReadPlugin(description, request);
        Check(description);
        RawData raw = Parts.Count > 0
            ? PartsFolder.Read(
                Path, Parts, (part, texts) => (RawTable)ReadFile(part, description, request with { Texts = texts }))
            : ReadFile(Path, description, request);
        if (request.Features is { } wanted && raw is RawMatrix { Features.Width: var width } && width != wanted.Count)
            throw DataError.Of(
                $"{Path}: a sample has {width} features, the model wants {wanted.Count}; give data of "
                + "the kind that the model was trained on.");
        return raw;
    }

    private void Check(DataDescription description)
    {
        if (description.Settings.All.Count > 0)
            throw DataError.Configuration(
                $"data.settings is for a plug-in's source, but {Path} is a file; take it out.");
        bool table = Format is DataFormat.Csv or DataFormat.Parquet;
        if (!table && (description.Targets.Count > 0 || description.Ignore.Count > 0))
            throw DataError.Configuration(
                $"data.targets and data.ignore name columns of CSV and Parquet tables, but {Path} is {Format}; take "
                + "them out.");
        if (Format != DataFormat.Csv && description.Header is not null)
            throw DataError.Configuration($"data.header is about CSV, but {Path} is {Format}; take it out.");
        if (Format != DataFormat.Npy && description.Arrays != new DataArrays())
            throw DataError.Configuration($"data.arrays is about NumPy's .npz, but {Path} is {Format}; take it out.");
    }

    /// <summary>
    /// Whether the target column of a CSV file looks like classes; null for other formats and for folders, which must
    /// be read to know.
    /// </summary>
    public bool? LooksLikeClasses(DataDescription description, ReadRequest request, int mostNumeric) =>
        Format != DataFormat.Csv || Plugin || Parts.Count > 0 ? null
            : CsvTableReader.Look(Path, request with { Csv = CsvOf(Path, description) }).IsClasses(mostNumeric);

    private static CsvSettings CsvOf(string path, DataDescription description)
    {
        var settings = CsvSettings.Of(description);
        return settings.Delimiter == ',' && SourceFiles.WithoutGzip(path)
            .EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? settings with { Delimiter = '\t' } : settings;
    }

    private RawData ReadFile(string path, DataDescription description, ReadRequest request) => Format switch
    {
        DataFormat.Csv => CsvTableReader.Read(path, request with { Csv = CsvOf(path, description) }),
        DataFormat.Parquet => ParquetTableReader.Read(path, request),
        DataFormat.Idx => IdxReader.Read(path, request.NeedTargets ? LabelsPath : null),
        _ => NpyReader.Read(path, request, description.Arrays, IsTestPart),
    };

    private RawMatrix ReadPlugin(DataDescription description, ReadRequest request)
    {
        if (description.Targets.Count > 0 || description.Ignore.Count > 0 || description.Header is not null
            || description.Arrays != new DataArrays())
            throw DataError.Configuration(
                "data.targets, data.ignore, data.header and data.arrays are about files, but "
                + $"{Path} is a plug-in's source; take them out.");
        RawMatrix raw = PluginRegistry.Shared.Sources[Path].Read(description.Settings).Read();
        return request.Features is not { } wanted || raw.FeatureNames.SequenceEqual(wanted)
            ? raw
            : throw DataError.Of(
                $"{Path}: has the features {string.Join(", ", raw.FeatureNames)}, the model wants "
                + $"{string.Join(", ", wanted)}; give data of the kind that the model was trained on.");
    }
}

/// <summary>The files behind a source: the samples, and those of the test where they have files of their own.</summary>
/// <param name="Main">The samples.</param>
/// <param name="Test">Those of the test.</param>
/// <param name="HasOwnTest">Whether the source itself has them: a folder of MNIST, a <c>.npz</c>.</param>
internal sealed record SourceFiles(SourceFile Main, SourceFile? Test, bool HasOwnTest = false)
{
    /// <summary>Finds the files by name, path and format.</summary>
    /// <exception cref="DistTrainerException">There is no such source, or its format cannot be told.</exception>
    public static SourceFiles Find(DataDescription description)
    {
        string path = DataCatalog.Contains(description.Source) ? DataCatalog.Locate(description.Source)
            : description.Source;
        SourceFile? test = description.TestSource is { } testPath
            ? FindFile(testPath, description.Format, "data.test-source") : null;
        if (Directory.Exists(path) && description.Format is DataFormat.Auto or DataFormat.Idx
            && IdxFolder.IsOne(path))
            return WithTest(new(DataFormat.Idx, IdxFolder.Images(path), IdxFolder.Labels(path)), IdxFolder.Test(path));
        SourceFile main = FindFile(path, description.Format, "data.source");
        bool hasTest = test is null && main.Format == DataFormat.Npy && NpyReader.HasTest(path, description.Arrays);
        return WithTest(main, hasTest ? main with { IsTestPart = true } : null);

        SourceFiles WithTest(SourceFile all, SourceFile? own) =>
            new(all, test ?? own, HasOwnTest: test is null && own is not null);
    }

    /// <summary>
    /// Refuses what can be read only once, by one process: a pipe or a device. For runs whose nodes read for
    /// themselves.
    /// </summary>
    /// <param name="description">Where the samples are.</param>
    /// <exception cref="DistTrainerException">A source is such a thing, or an empty file.</exception>
    public static void RefusePipes(DataDescription description)
    {
        foreach ((string key, string? path) in (ReadOnlySpan<(string, string?)>)
            [("data.source", description.Source), ("data.test-source", description.TestSource)])
        {
            if (path is not null && File.Exists(path) && PipeContent.Is(path))
                throw DataError.Of(
                    $"{key} = {DataError.Quote(path)}: is a pipe, a device or empty, and each node of a cluster reads "
                    + "its data for itself; save the data as a file that every node can read, and give that.");
        }
    }

    /// <summary>A path without a trailing <c>.gz</c>.</summary>
    public static string WithoutGzip(string path) =>
        path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;

    /// <summary>The format that a file's name tells; auto where it tells none.</summary>
    public static DataFormat FormatOf(string path)
    {
        string name = Path.GetFileName(WithoutGzip(path)).ToUpperInvariant();
        return Path.GetExtension(name) switch
        {
            ".CSV" or ".TSV" or ".DATA" => DataFormat.Csv,
            ".PARQUET" or ".PQ" => DataFormat.Parquet,
            ".NPY" or ".NPZ" => DataFormat.Npy,
            ".IDX" => DataFormat.Idx,
            _ when name.EndsWith("-UBYTE", StringComparison.Ordinal) => DataFormat.Idx,
            _ => DataFormat.Auto,
        };
    }

    private static SourceFile FindFile(string path, DataFormat format, string key)
    {
        if (PluginRegistry.Shared.Sources.Find(path) is not null)
            return new(DataFormat.Auto, path, null, Plugin: true);
        if (!IsThere(path, key))
        {
            string[] names =
                [.. DataCatalog.List()
                .Select(entry => entry.Name), .. PluginRegistry.Shared.Sources.All.Select(part => part.Name)];
            string orName = key == "data.source" ? $", and no data set of that name: {DataError.Suggest(path, names)}"
                : "; give the path of a data file.";
            throw DataError.Of($"{key} = {DataError.Quote(path)}: there is no such file{orName}");
        }
        if (Directory.Exists(path))
            return PartsFolder.Find(path, format, key);
        DataFormat found = format == DataFormat.Auto ? FormatOf(path) : format;
        if (found == DataFormat.Auto && PipeContent.Is(path))
            found = InputFile.FormatByContent(path); // no name could tell it
        return found switch
        {
            DataFormat.Auto =>
                throw DataError.Of(
                    $"{key} = {DataError.Quote(path)}: the name does not tell the format (.csv, .tsv, .data, "
                    + ".parquet, .npy, .npz, …idx3-ubyte; .gz too for CSV and IDX); set data.format."),
            DataFormat.Idx => new(found, path, IdxFolder.LabelsBeside(path)),
            _ => new(found, path, null),
        };
    }

    private static bool IsThere(string path, string key)
    {
        try
        {
            return AtomicFile.IsThere(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw DataError.Of($"{key} = {DataError.Quote(path)}: cannot be read ({failure.Message.TrimEnd('.')}).");
        }
    }
}

/// <summary>The files of MNIST by their names.</summary>
internal static class IdxFolder
{
    /// <summary>Whether a folder has the training files.</summary>
    public static bool IsOne(string folder) =>
        Find(folder, "train-images", 3) is not null && Find(folder, "train-labels", 1) is not null;

    /// <summary>The training images of a folder that has them.</summary>
    public static string Images(string folder) => Find(folder, "train-images", 3)!;

    /// <summary>Their labels.</summary>
    public static string Labels(string folder) => Find(folder, "train-labels", 1)!;

    /// <summary>The test files, where they are there.</summary>
    public static SourceFile? Test(string folder) =>
        Find(folder, "t10k-images", 3) is { } images
            && Find(folder, "t10k-labels", 1) is { } labels ? new(DataFormat.Idx, images, labels) : null;

    /// <summary>
    /// The labels of a file of images: <c>images</c> becomes <c>labels</c> and <c>idx3</c> becomes <c>idx1</c>, with or
    /// without <c>.gz</c>.
    /// </summary>
    public static string LabelsBeside(string imagesPath)
    {
        string folder = Path.GetDirectoryName(imagesPath) ?? "",
            name = SourceFiles.WithoutGzip(Path.GetFileName(imagesPath));
        string labels = name.Replace("images", "labels", StringComparison.Ordinal)
            .Replace("idx3", "idx1", StringComparison.Ordinal);
        string path = Path.Combine(folder, labels);
        return File.Exists(path + ".gz") && !File.Exists(path) ? path + ".gz" : path;
    }

    private static string? Find(string folder, string name, int dimensions) =>
        new[] { $"{name}-idx{dimensions}-ubyte", $"{name}-idx{dimensions}-ubyte.gz", $"{name}.idx{dimensions}-ubyte",
            $"{name}.idx{dimensions}-ubyte.gz" }
            .Select(file => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
}
