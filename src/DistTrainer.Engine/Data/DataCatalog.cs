namespace DistTrainer.Engine.Data;

/// <summary>A data set with a name.</summary>
/// <param name="Name">What <c>data.source</c> calls it.</param>
/// <param name="Description">One line.</param>
/// <param name="Task">What its targets mean.</param>
/// <param name="Samples">Samples, test samples too.</param>
/// <param name="Features">Features a sample.</param>
/// <param name="Licence">SPDX identifier.</param>
/// <param name="Location">The file or folder where it was found; null where it is not on this machine (see
/// <see cref="DatasetFetcher"/>).</param>
internal sealed record CatalogEntry(
    string Name, string Description, TaskKind Task, int Samples, int Features, string Licence, string? Location);

/// <summary>
/// The data sets with a name: small ones that come with the program, and Fashion-MNIST, which is fetched.
/// </summary>
internal static class DataCatalog
{
    /// <summary>The name of Fashion-MNIST.</summary>
    public const string FashionMnist = "fashion-mnist";

    private const string SystemFolder = "/usr/share/datasets";

    /// <summary>
    /// The folder of fetched data sets: <c>$DISTTRAINER_CACHE</c>, else <c>$XDG_CACHE_HOME/disttrainer</c>, else
    /// <c>~/.cache/disttrainer</c>.
    /// </summary>
    public static string CacheFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("DISTTRAINER_CACHE") is { Length: > 0 } own)
                return own;
            string home = Environment.GetFolderPath(
                Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
            string cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg ? xdg
                : Path.Combine(home, ".cache");
            return Path.Combine(cache, "disttrainer");
        }
    }

    /// <summary>All data sets with a name, and where each was found.</summary>
    public static IReadOnlyList<CatalogEntry> List() =>
    [
        new("digits", "8×8 images of handwritten digits (UCI), ten classes", TaskKind.Classification, 1797, 64,
            "CC-BY-4.0", Shipped("digits/digits.csv.gz")),
        new("iris", "measures of iris flowers (Fisher 1936), three classes", TaskKind.Classification, 150, 4,
            "CC-BY-4.0", Shipped("iris/iris.csv")),
        new("concrete", "compressive strength of concrete by mixture and age (UCI)", TaskKind.Regression, 1030, 8,
            "CC-BY-4.0", Shipped("concrete/concrete.csv")),
        new(FashionMnist, "28×28 images of clothes (Zalando), ten classes, 10,000 of them for the test",
            TaskKind.Classification, 70_000, 784, "MIT", Fetched(FashionMnist)),
    ];

    /// <summary>Whether a data set has this name.</summary>
    public static bool Contains(string name) => List().Any(entry => entry.Name == name);

    /// <summary>The file or folder of a named data set.</summary>
    /// <exception cref="DistTrainerException">There is no data set of that name, or it is not on this machine; the
    /// message says what to do.</exception>
    public static string Locate(string name)
    {
        IReadOnlyList<CatalogEntry> entries = List();
        CatalogEntry entry = entries.FirstOrDefault(entry => entry.Name == name) ?? throw DataError.Of(
            $"there is no data set named {DataError.Quote(name)}; "
                + $"{DataError.Suggest(name, [.. entries.Select(e => e.Name)])}");
        return entry.Location ?? throw DataError.Of(name == FashionMnist
            ? $"data set '{name}' is neither in {Path.Combine(CacheFolder, name)} nor in {SystemFolder}; run "
                + $"'disttrainer data fetch {name}', or install the Debian package dataset-fashion-mnist."
            : $"data set '{name}' is neither in the folder data/ here nor in "
                + $"{Path.Combine(AppContext.BaseDirectory, "data")}; install the program again.");
    }

    private static string? Shipped(string path) => new[] { "data", Path.Combine(AppContext.BaseDirectory, "data") }
        .Select(folder => Path.Combine(folder, path)).FirstOrDefault(File.Exists);

    private static string? Fetched(string name) => new[] { CacheFolder, SystemFolder }
        .Select(folder => Path.Combine(folder, name)).FirstOrDefault(IdxFolder.IsOne);
}
