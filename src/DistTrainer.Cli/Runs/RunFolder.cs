using System.Globalization;
using System.Text;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.ParameterServer.Checkpoints;

// Over 300 lines: all files of a run folder, each with what makes it whole or leaves it out, in the order in which they
// come.
namespace DistTrainer.Cli.Runs;

/// <summary>
/// The folder of one run. It is made, locked, and known to be writable, before training starts; a run that fails leaves
/// nothing of it behind unless it has a checkpoint to go on from. <c>run.json</c> is written last, so a folder that has
/// it is complete.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    /// <summary>The model's file name.</summary>
    public const string ModelName = "model.safetensors";

    /// <summary>The job's file name.</summary>
    public const string JobName = "job.conf";

    private const string CheckpointsName = "checkpoints";

    /// <summary>How long a folder may be away before that counts.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);

    private readonly bool _isNew;
    private readonly bool _continues;
    private readonly List<string> _written = [];
    private RunLock? _held;
    private readonly Lock _gate = new();
    private long? _awaySince;
    private bool _isWarned;
    private bool _isReady;
    private bool _isKept;

    private RunFolder(string path, bool isNew, bool continues) =>
        (Path, _isNew, _continues) = (path, isNew, continues);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>How long the folder may be away before that counts.</summary>
    public TimeSpan Patience { get; private init; }

    /// <summary>
    /// Takes a line of warning when the folder has been away for longer than that, and when it is back.
    /// </summary>
    public Action<string>? Warn { get; set; }

    /// <summary>Whether it has a checkpoint; false where that cannot be told.</summary>
    public bool HasCheckpoints
    {
        get
        {
            try
            {
                return Checkpoints.List().Count > 0;
            }
            catch (DistTrainerException)
            {
                return false;
            }
        }
    }

    /// <summary>Its checkpoints.</summary>
    public CheckpointStore Checkpoints => CheckpointsOf(Path);

    /// <summary>The checkpoints of a run folder.</summary>
    public static CheckpointStore CheckpointsOf(string folder) => new(System.IO.Path.Combine(folder, CheckpointsName));

    /// <summary>Makes the folder, or takes an empty one.</summary>
    /// <param name="output">The folder's path; null makes one under <paramref name="runs"/>.</param>
    /// <param name="runs">Where run folders are made that were not named.</param>
    /// <param name="jobName">Part of that name.</param>
    /// <param name="needed">Bytes that the run will write at least.</param>
    /// <param name="patience">How long it may be away before that counts; null: the usual.</param>
    /// <exception cref="DistTrainerException">The folder is not empty or another run's
    /// (<see cref="FailureKind.Configuration"/>), cannot be written, or the disk is too full
    /// (<see cref="FailureKind.Disk"/>).</exception>
    public static RunFolder Create(string? output, string runs, string jobName, long needed, TimeSpan? patience = null)
    {
        string path = output ?? Unused(
            System.IO.Path.Combine(
                runs, string.Create(
                    CultureInfo.InvariantCulture, $"{DateTime.Now:yyyy-MM-dd-HHmmss}-{Safe(jobName)}")));
        try
        {
            if (File.Exists(path))
                throw new DistTrainerException(
                    FailureKind.Configuration, $"--output: {path} is a file; name a new or empty folder.");
            bool isNew = !Directory.Exists(path);
            Directory.CreateDirectory(path);
            var folder = new RunFolder(path, isNew, continues: false) { Patience = patience ?? s_patience };
            folder.Take(takesOver: false, () =>
            {
                folder.RequireEmpty();
                folder.CheckSpace(needed);
            });
            return folder;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(
                FailureKind.Disk,
                $"--output: {path} cannot be made ({failure.Message}); name another folder.", failure);
        }
    }

    /// <summary>
    /// Opens the folder of a run that goes on; what it has stays, whatever happens, but <c>run.json</c>: the run is not
    /// complete any more. What was left half-written is deleted, unless the folder is taken over, where parts may still
    /// be being written.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <param name="takesOver">Whether it is taken from another process that holds it, which then finds that it is
    /// <see cref="FolderOwner.Another"/>'s.</param>
    /// <param name="needed">Bytes that the run will write at least.</param>
    /// <param name="patience">How long it may be away before that counts; null: the usual.</param>
    /// <exception cref="DistTrainerException">Another run holds it (<see cref="FailureKind.Configuration"/>), it cannot
    /// be written, or the disk is too full (<see cref="FailureKind.Disk"/>).</exception>
    public static RunFolder Continue(string path, bool takesOver, long needed, TimeSpan? patience = null)
    {
        var folder = new RunFolder(path, isNew: false, continues: true) { Patience = patience ?? s_patience };
        folder.Take(takesOver, () =>
        {
            folder.CheckSpace(needed);
            if (!takesOver)
                folder.Checkpoints.CleanUp();
            File.Delete(System.IO.Path.Combine(path, RunSummary.Name));
        });
        return folder;
    }

    /// <summary>Finds the model of a run folder, or takes a path that is a file.</summary>
    /// <param name="modelOrRun">What the person named.</param>
    /// <exception cref="DistTrainerException">It is the folder of several folds
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static string ModelOf(string modelOrRun) =>
        !Directory.Exists(modelOrRun) ? modelOrRun
        : !File.Exists(System.IO.Path.Combine(modelOrRun, FoldSummary.Name))
            ? System.IO.Path.Combine(modelOrRun, ModelName)
        : throw new DistTrainerException(
            FailureKind.Configuration,
            $"{modelOrRun}: holds the runs of several folds; name one of them, e.g. "
            + $"{System.IO.Path.Combine(modelOrRun, FoldFigures.NameOf(1))} ({FoldSummary.Name} says which is best).");

    /// <summary>The path of a file in the folder; it is deleted again if a new run fails.</summary>
    public string FileAt(string name)
    {
        string path = System.IO.Path.Combine(Path, name);
        _written.Add(path);
        return path;
    }

    /// <summary>Writes a text whole or not at all.</summary>
    public void WriteText(string name, string text) =>
        AtomicFile.Write(FileAt(name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whose the folder is at the moment.</summary>
    public FolderOwner Look() => LookClosely().Owner;

    /// <summary>Requires that the folder is there and this run's. Where that cannot be told it is waited for.</summary>
    /// <exception cref="DistTrainerException">Somebody has taken it over (<see cref="FailureKind.Quorum"/>), or it
    /// stays away (<see cref="FailureKind.Disk"/>).</exception>
    public void RequireOwned()
    {
        if (Await() is var (hold, why) && hold != FolderOwner.Mine)
            throw new DistTrainerException(
                hold == FolderOwner.Another ? FailureKind.Quorum : FailureKind.Disk, $"{Path}: {why}.");
    }

    /// <summary>
    /// As <see cref="RequireOwned"/>, but a folder that was removed is made anew, where the folder that it lay in is
    /// still there.
    /// </summary>
    /// <returns>Whether it was.</returns>
    /// <exception cref="DistTrainerException">As there.</exception>
    public bool RequireOwnedOrMakeAnew()
    {
        string above =
            System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)
            .TrimEnd(System.IO.Path.DirectorySeparatorChar)) ?? "/";
        if (Await().Owner != FolderOwner.Missing || !Directory.Exists(above))
        {
            RequireOwned();
            return false;
        }
        try
        {
            Directory.CreateDirectory(Path);
            _held!.Renew();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(
                FailureKind.Disk, $"{Path}: was removed, and cannot be made anew ({failure.Message}).", failure);
        }
        return true;
    }

    /// <summary>
    /// The model is written: everything stays, but for checkpoints that somebody who was killed left half-written.
    /// </summary>
    /// <exception cref="DistTrainerException">These cannot be deleted (<see cref="FailureKind.Disk"/>).</exception>
    public void Keep()
    {
        _isKept = true;
        Checkpoints.CleanUp();
    }

    /// <summary>Deletes what a failed run wrote that has no checkpoint, and gives the folder back.</summary>
    public void Dispose()
    {
        try
        {
            if (!_isKept && !_continues && Look() == FolderOwner.Mine && !(_isReady && Checkpoints.List().Count > 0))
                DeleteWritten();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or DistTrainerException)
        {
            // The failure that led here is the one to report.
        }
        _held?.Dispose();
        _held = null;
    }

    private (FolderOwner Owner, string Why) LookClosely()
    {
        lock (_gate)
        {
            (FolderOwner Owner, string Why) found = _held?.Look() ?? (FolderOwner.Another, "the run is over");
            if (found.Owner is FolderOwner.Mine or FolderOwner.Another)
            {
                if (_isWarned && found.Owner == FolderOwner.Mine)
                    Warn?.Invoke($"{Path}: is there again after {Numbers.Text((long)Away.TotalSeconds)} s");
                (_awaySince, _isWarned) = (null, false);
                return found;
            }
            _awaySince ??= Environment.TickCount64;
            if (!_isWarned && Away >= Patience)
            {
                _isWarned = true;
                Warn?.Invoke(
                    $"{Path}: {found.Why}; training goes on, its lines wait in memory, and no checkpoint is written "
                    + "until it is back");
            }
            return found;
        }
    }

    private TimeSpan Away => TimeSpan.FromMilliseconds(_awaySince is { } since ? Environment.TickCount64 - since : 0);

    private (FolderOwner Owner, string Why) Await()
    {
        while (true)
        {
            (FolderOwner Owner, string Why) found = LookClosely();
            if (found.Owner is FolderOwner.Mine or FolderOwner.Another || Away >= Patience)
                return found;
            Thread.Sleep(s_pause);
        }
    }

    private static string Unused(string path) =>
        Enumerable.Range(1, 1000)
            .Select(i => i == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{i}"))
            .First(candidate => !Directory.Exists(candidate));

    private static string Safe(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));

    /// <summary>
    /// Locks the folder and does what must be done before anything is written; if that fails, all is as before.
    /// </summary>
    private void Take(bool takesOver, Action first)
    {
        try
        {
            _held = RunLock.Take(Path, takesOver);
            first();
            _isReady = true;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void RequireEmpty()
    {
        if (Directory.EnumerateFileSystemEntries(Path)
            .Any(entry => !RunLock.Names.Contains(System.IO.Path.GetFileName(entry))))
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"--output: {Path} is not "
                + $"empty{(File.Exists(System.IO.Path.Combine(Path, JobName)) ? " and holds a run" : "")}; name a new "
                + "or empty folder.");
    }

    private void DeleteWritten()
    {
        _written.ForEach(File.Delete);
        string checkpoints = System.IO.Path.Combine(Path, CheckpointsName);

        // Only a folder that was empty at first can be sure to have nobody else's.
        if (_isReady && Directory.Exists(checkpoints))
            Directory.Delete(checkpoints, recursive: true);
        _held!.Dispose();
        if (_isNew)
            Directory.Delete(Path);
    }

    private void CheckSpace(long needed)
    {
        // Some file systems tell only on writing that they are full or read-only.
        AtomicFile.Write(System.IO.Path.Combine(Path, ".probe"), stream => stream.Write(new byte[4096]));
        File.Delete(System.IO.Path.Combine(Path, ".probe"));
        long free = new DriveInfo(System.IO.Path.GetFullPath(Path)).AvailableFreeSpace;
        if (free < needed)
            throw new DistTrainerException(
                FailureKind.Disk,
                $"{(_continues ? "" : "--output: ")}{Path} lies on a disk with {Numbers.Bytes(free)} free; the run "
                + $"needs {Numbers.Bytes(needed)}: free some space{(_continues ? "" : " or name another folder")}.");
    }
}
