using System.Globalization;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>A checkpoint that cannot be used.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Reason">Why, with the file's path.</param>
internal sealed record RefusedCheckpoint(string Folder, string Reason);

/// <summary>What came of checking every byte of a checkpoint.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Manifest">Its manifest; null where it is refused.</param>
/// <param name="Refused">Why it cannot be used, with the file's path; null where all is fine.</param>
internal sealed record CheckedCheckpoint(string Folder, CheckpointManifest? Manifest, string? Refused);

/// <summary>The newest checkpoint that can be used, and those newer ones that cannot.</summary>
/// <param name="Reader">It, verified; null if there is none. The caller disposes it.</param>
/// <param name="Refused">The newer ones, newest first.</param>
internal sealed record NewestCheckpoint(CheckpointReader? Reader, IReadOnlyList<RefusedCheckpoint> Refused);

/// <summary>The checkpoints of one run. A folder that is not there has none.</summary>
/// <param name="checkpoints">The folder <c>checkpoints</c> of the run.</param>
internal sealed class CheckpointStore(string checkpoints)
{
    private const string Prefix = "step-";
    private const string DeletedSuffix = ".deleted";

    /// <summary>The folders of checkpoints, newest first; nothing in them is checked.</summary>
    /// <exception cref="DistTrainerException">The folder cannot be read
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public IReadOnlyList<string> List()
    {
        try
        {
            return
            [
                .. Directory.EnumerateDirectories(checkpoints)
                    .Select(folder => (Folder: folder, Step: StepOf(folder), IsOld: IsOld(folder)))
                    .Where(found => found.Step is not null)
                    .OrderByDescending(found => found.Step).ThenBy(found => found.IsOld)
                    .Select(found => found.Folder),
            ];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw ManifestFile.Refused(checkpoints, $"cannot be read ({failure.Message})", failure);
        }
    }

    /// <summary>Checks every byte of every checkpoint, the newest first; one is read at a time.</summary>
    /// <exception cref="DistTrainerException">The folder cannot be read
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public IEnumerable<CheckedCheckpoint> CheckAll() => List().Select(folder =>
    {
        using CheckpointReader? reader = TryOpen(folder, withSha: true, out DistTrainerException? refusal);
        return new CheckedCheckpoint(folder, reader?.Manifest, refusal?.Message);
    });

    /// <summary>Finds the newest checkpoint of which every byte is as it was written.</summary>
    /// <param name="isRegular">Only those of such a step; null: of any.</param>
    /// <exception cref="DistTrainerException">The folder cannot be read
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public NewestCheckpoint OpenNewest(Func<long, bool>? isRegular = null)
    {
        var refused = new List<RefusedCheckpoint>();
        foreach (string folder in List().Where(folder => IsOf(folder, isRegular)))
        {
            CheckpointReader? reader = TryOpen(folder, withSha: true, out DistTrainerException? refusal);
            if (reader is not null)
                return new NewestCheckpoint(reader, refused);
            refused.Add(new RefusedCheckpoint(folder, refusal!.Message));
        }
        return new NewestCheckpoint(null, refused);
    }

    /// <summary>
    /// Deletes old checkpoints: the last ones and those of the lowest validation loss stay, the newest valid one
    /// always, and everything newer than it, and what cannot be read at the moment.
    /// </summary>
    /// <param name="keep">How many of the last to keep, ≥ 1.</param>
    /// <param name="keepBest">How many of those with a validation loss to keep, lowest first, ≥ 0.</param>
    /// <param name="valid">The folder of one that was written just now, and need not be read to know that it is valid;
    /// null: none.</param>
    /// <param name="isRegular">The newest one of such a step stays too; null: of any.</param>
    /// <returns>The folders that were deleted.</returns>
    /// <exception cref="DistTrainerException">A folder cannot be deleted (<see cref="FailureKind.Disk"/>).</exception>
    public IReadOnlyList<string> Retain(
        int keep, int keepBest, string? valid = null, Func<long, bool>? isRegular = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(keepBest);
        IReadOnlyList<string> folders = List();
        int newestValid = 0;
        while (newestValid < folders.Count && folders[newestValid] != valid && !IsValid(folders[newestValid]))
            newestValid++;
        List<(string Folder, double? Loss)> readable = [];
        HashSet<string> kept = [];
        foreach (string folder in folders.Skip(newestValid))
        {
            using CheckpointReader? reader = TryOpenUnread(folder, out DistTrainerException? refusal);
            if (reader is not null)
                readable.Add((folder, reader.Manifest.ValidationLoss));
            else if (ManifestFile.IsUnread(refusal!))
                kept.Add(folder);
        }
        kept.UnionWith(readable.Take(keep).Select(found => found.Folder));
        kept.UnionWith(readable.Select(found => found.Folder).Where(folder => IsOf(folder, isRegular)).Take(1));
        kept.UnionWith(readable.Where(found => found.Loss is not (null or double.NaN)).OrderBy(found => found.Loss)
            .Take(keepBest).Select(found => found.Folder));
        string[] superfluous = [.. folders.Skip(newestValid + 1).Where(folder => !kept.Contains(folder))];
        foreach (string folder in superfluous)
            Delete(folder);
        return superfluous;
    }

    /// <summary>
    /// Deletes what writers and deletions left that were killed. Only for the run that owns the folder, and while
    /// nothing is written.
    /// </summary>
    /// <exception cref="DistTrainerException">A folder cannot be deleted (<see cref="FailureKind.Disk"/>).</exception>
    public void CleanUp()
    {
        if (!AtomicFile.IsThere(checkpoints))
            return;
        CheckpointDisk.Try(checkpoints, () =>
        {
            foreach (string folder in Directory.GetDirectories(checkpoints, CheckpointTarget.HiddenPrefix + "*"))
                CheckpointDisk.Real.Delete(folder);
        });
        foreach (string folder in List()
            .Where(folder => IsOld(folder) && IsValid(folder[..^CheckpointTarget.OldSuffix.Length])))
            Delete(folder);
    }

    private static bool IsOld(string folder) => folder.EndsWith(CheckpointTarget.OldSuffix, StringComparison.Ordinal);

    private static bool IsOf(string folder, Func<long, bool>? isRegular) =>
        StepOf(folder) is { } step && isRegular?.Invoke(step) != false;

    private static long? StepOf(string folder)
    {
        string name = Path.GetFileName(folder);
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        string digits = name[Prefix.Length..(name.Length - (IsOld(name) ? CheckpointTarget.OldSuffix.Length : 0))];
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long step)
            && Prefix + digits == CheckpointTarget.FolderName(step) ? step : null;
    }

    private static bool IsValid(string folder)
    {
        using CheckpointReader? reader = TryOpen(folder, withSha: false, out _);
        return reader is not null;
    }

    private static CheckpointReader? TryOpen(string folder, bool withSha, out DistTrainerException? refusal)
    {
        CheckpointReader? reader = TryOpenUnread(folder, out refusal);
        try
        {
            reader?.Verify(withSha);
            return reader;
        }
        catch (DistTrainerException failure)
        {
            reader?.Dispose();
            refusal = failure;
            return null;
        }
    }

    private static CheckpointReader? TryOpenUnread(string folder, out DistTrainerException? refusal)
    {
        refusal = null;
        try
        {
            CheckpointReader reader = CheckpointReader.Open(folder);
            if (reader.Manifest.Step == StepOf(folder))
                return reader;
            refusal = ManifestFile.Refused(folder, $"is of step {reader.Manifest.Step}; its name says another one");
            reader.Dispose();
        }
        catch (DistTrainerException failure)
        {
            refusal = failure;
        }
        return null;
    }

    // Renamed first, so that a deletion that is killed leaves no half of a checkpoint under its name.
    private static void Delete(string folder) => CheckpointDisk.Try(folder, () =>
    {
        string hidden = Path.Combine(Path.GetDirectoryName(folder)!, $".{Path.GetFileName(folder)}{DeletedSuffix}");
        CheckpointDisk.Real.Delete(hidden);
        CheckpointDisk.Real.Rename(folder, hidden);
        CheckpointDisk.Real.Delete(hidden);
    });
}
