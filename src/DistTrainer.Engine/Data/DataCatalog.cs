namespace DistTrainer.Engine.Data;

/// <summary>A data set with a name.</summary>
/// <param name="Name">What <c>data.source</c> calls it.</param>
/// <param name="Description">One line.</param>
/// <param name="Task">What its targets mean.</param>
/// <param name="Samples">Samples, test samples too.</param>
/// <param name="Features">Features a sample; of a table for the recipe its columns beside the target.</param>
/// <param name="Licence">SPDX identifier; <c>NOASSERTION</c> where the publishers name none.</param>
/// <param name="Location">The file or folder where it was found; null where it is not on this machine (see
/// <see cref="DatasetFetcher"/>).</param>
/// <param name="Target">Of a table for the recipe the column that is meant where no other is named; null of data with
/// targets of their own, or in their last column.</param>
internal sealed record CatalogEntry(
    string Name, string Description, TaskKind Task, int Samples, int Features, string Licence, string? Location,
    string? Target = null);

/// <summary>
/// The data sets with a name: small ones that come with the program, and those of <see cref="RemoteCatalog"/>, which
/// are fetched.
/// </summary>
internal static class DataCatalog
{
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
        .. RemoteCatalog.All.Select(set => set.Entry(set.Find(CacheFolder))),
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
        return entry.Location ?? throw DataError.Of(RemoteCatalog.Find(name) is { } remote
            ? $"data set '{name}' is not in {string.Join(" nor in ", remote.Folders(CacheFolder))}; run 'disttrainer "
                + $"data fetch {name}'{(remote.SystemFolder is null ? "." : $", or install the Debian package "
                + $"dataset-{name}.")}"
            : $"data set '{name}' is neither in the folder data/ here nor in "
                + $"{Path.Combine(AppContext.BaseDirectory, "data")}; install the program again.");
    }

    /// <summary>The description with the target that the catalog names, where it is of such a table and names none.
    /// </summary>
    public static DataDescription WithTarget(DataDescription description) =>
        description.Targets.Count == 0 && RemoteCatalog.Find(description.Source) is { Target: { } target }
            ? description with { Targets = [target] } : description;

    /// <summary>What the targets of a description mean by the catalog; null where it does not say.</summary>
    public static TaskKind? TaskOf(DataDescription description) =>
        RemoteCatalog.Find(description.Source) is { Target: { } target } set
            && WithTarget(description).Targets is [var named] && named == target ? set.Task : null;

    private static string? Shipped(string path) => new[] { "data", Path.Combine(AppContext.BaseDirectory, "data") }
        .Select(folder => Path.Combine(folder, path)).FirstOrDefault(File.Exists);
}
