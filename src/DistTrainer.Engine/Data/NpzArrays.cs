using System.IO.Compression;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Which arrays of a <c>.npz</c> are features and targets: those that the job names, else usual names.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="archive">It, opened.</param>
/// <param name="names">What the job calls them.</param>
internal sealed class NpzArrays(string path, ZipArchive archive, DataArrays names)
{
    private const string End = ".npy";

    // The first that is there is taken. The last of each is what Keras and scikit-learn's examples write.
    private static readonly string[] s_features = ["x", "X", "features", "data", "images", "x_train", "X_train"];
    private static readonly string[] s_targets =
        ["y", "Y", "targets", "target", "labels", "label", "y_train", "Y_train"];
    private static readonly string[] s_testFeatures = ["x_test", "X_test"];
    private static readonly string[] s_testTargets = ["y_test", "Y_test"];

    /// <summary>Whether there is a test part: with targets, or the job names it.</summary>
    public bool HasTest => names.TestFeatures is not null || names.TestTargets is not null
        || (Usual(s_testFeatures) is not null && Usual(s_testTargets) is not null);

    /// <summary>What errors call an array.</summary>
    public static string NameIn(string path, ZipArchiveEntry entry) => $"{path}[{entry.FullName[..^End.Length]}]";

    /// <summary>The features.</summary>
    /// <param name="test">Whether those of the test part are meant.</param>
    /// <param name="request">For whom: a model takes the usual names too where the job's own are not there.</param>
    /// <exception cref="DistTrainerException">They are not there.</exception>
    public ZipArchiveEntry Features(bool test, ReadRequest request) => test
        ? Get(names.TestFeatures, s_testFeatures, "test-features", request)
        : Get(names.Features, s_features, "features", request);

    /// <summary>The targets; null where they may be missing and are.</summary>
    /// <param name="test">Whether those of the test part are meant.</param>
    /// <param name="request">For whom.</param>
    /// <exception cref="DistTrainerException">They are not there.</exception>
    public ZipArchiveEntry? Targets(bool test, ReadRequest request)
    {
        if (!request.NeedTargets)
            return null;
        return test ? Get(names.TestTargets, s_testTargets, "test-targets", request)
            : Get(names.Targets, s_targets, "targets", request);
    }

    private ZipArchiveEntry Get(string? own, string[] usual, string key, ReadRequest request)
    {
        ZipArchiveEntry? found = own is null ? Usual(usual) : Find(own);
        if (found is null && own is not null && request.Features is not null)
            found = Usual(usual);
        if (found is not null)
            return found;
        string[] there = [.. archive.Entries.Where(IsArray).Select(entry => entry.FullName[..^End.Length])];
        string more = there.Length > 12 ? $", … ({there.Length} in all)" : "";
        string arrays = there.Length == 0 ? "there is no array in the archive"
            : $"there are the arrays {string.Join(", ", there.Take(12).Select(DataError.Quote))}{more}";
        throw DataError.Of(own is null
            ? $"{path}: no array has a usual name of {key.Replace('-', ' ')} ({string.Join(", ", usual)}); {arrays}: "
                + $"name one with data.arrays.{key}."
            : $"{path}: data.arrays.{key} names an array {DataError.Quote(own)} that is not there; {arrays}.");
    }

    private ZipArchiveEntry? Usual(string[] usual) => usual.Select(Find).FirstOrDefault(entry => entry is not null);

    private ZipArchiveEntry? Find(string array) => archive.Entries.FirstOrDefault(
        entry => string.Equals(entry.FullName, array + End, StringComparison.Ordinal));

    private static bool IsArray(ZipArchiveEntry entry) => entry.FullName.EndsWith(End, StringComparison.Ordinal);
}
