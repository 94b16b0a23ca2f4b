using System.Globalization;
using System.Text;
using DistTrainer.Cluster;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli;

/// <summary>
/// The folder of one run. It is made, and known to be writable, before training starts; a run that fails leaves nothing
/// of it behind, unless there is a checkpoint in it to go on from. <c>run.json</c> is written last, so a folder that has
/// it is complete.
/// </summary>
internal sealed class RunFolder : IDisposable
{
    /// <summary>The model's file name.</summary>
    public const string ModelName = "model.safetensors";

    /// <summary>The summary's file name.</summary>
    public const string SummaryName = "run.json";

    private readonly bool isNew;
    private readonly RunLock runLock;
    private readonly List<string> written = [];
    private bool isKept;

    private RunFolder(string path, bool isNew, bool takesOver) => (Path, this.isNew, runLock) = (path, isNew, RunLock.Take(path, takesOver));

    /// <summary>Whether no other coordinator has taken the folder.</summary>
    public bool IsOwned => runLock.IsHeld;

    /// <summary>The folder of its checkpoints.</summary>
    public string Checkpoints => System.IO.Path.Combine(Path, "checkpoints");

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Makes the folder, or takes an empty one.</summary>
    /// <param name="output">The folder's path; null makes one under <paramref name="runs"/>.</param>
    /// <param name="runs">Where run folders are made that were not named.</param>
    /// <param name="jobName">Part of that name.</param>
    /// <param name="needed">Bytes that the run will write at least.</param>
    /// <exception cref="DistTrainerException">The folder is not empty (<see cref="FailureKind.Configuration"/>), cannot be written, or the disk is too full (<see cref="FailureKind.Disk"/>).</exception>
    public static RunFolder Create(string? output, string runs, string jobName, long needed)
    {
        string path = output ?? Unused(System.IO.Path.Combine(runs, string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:yyyy-MM-dd-HHmmss}-{Safe(jobName)}")));
        try
        {
            if (File.Exists(path))
                throw new DistTrainerException(FailureKind.Configuration, $"--output: {path} is a file; name a new or empty folder.");
            bool isNew = !Directory.Exists(path);
            if (!isNew && Directory.EnumerateFileSystemEntries(path).Any())
                throw new DistTrainerException(FailureKind.Configuration, $"--output: {path} is not empty{(File.Exists(System.IO.Path.Combine(path, ModelName)) ? " and holds a run" : "")}; name a new or empty folder.");
            Directory.CreateDirectory(path);
            var folder = new RunFolder(path, isNew, takesOver: false);
            folder.CheckSpace(needed);
            return folder;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(FailureKind.Disk, $"--output: {path} cannot be made ({failure.Message}); name another folder.", failure);
        }
    }

    /// <summary>Opens the folder of a run that goes on; what it has is kept whatever happens.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="takesOver">Whether to take it from a coordinator that is gone or cut off.</param>
    /// <param name="needed">Bytes that the run will write at least.</param>
    /// <exception cref="DistTrainerException">Another process writes into it, or the run is complete (<see cref="FailureKind.Configuration"/>), or it cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    public static RunFolder Continue(string path, bool takesOver, long needed)
    {
        try
        {
            if (RunSummary.IsComplete(System.IO.Path.Combine(path, SummaryName)))
                throw new DistTrainerException(FailureKind.Configuration, $"{path}: the run is complete; start another one, from its model with --init-from {path} if so wished.");
            var folder = new RunFolder(path, isNew: false, takesOver);
            folder.Keep();
            folder.CheckSpace(needed);
            if (!takesOver)
                new CheckpointStore(folder.Checkpoints).CleanUp();
            return folder;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(FailureKind.Disk, $"{path}: cannot be written ({failure.Message}); make it writable, or copy it and resume the copy.", failure);
        }
    }

    /// <summary>Finds the model of a run folder, or takes a path that is a file.</summary>
    /// <param name="modelOrRun">What the person named.</param>
    public static string ModelOf(string modelOrRun) =>
        Directory.Exists(modelOrRun) ? System.IO.Path.Combine(modelOrRun, ModelName) : modelOrRun;

    /// <summary>The path of a file in the folder; it is deleted again if the run fails.</summary>
    public string FileAt(string name)
    {
        string path = System.IO.Path.Combine(Path, name);
        written.Add(path);
        return path;
    }

    /// <summary>Writes a text whole or not at all.</summary>
    public void WriteText(string name, string text) => AtomicFile.Write(FileAt(name), stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>The run is complete: everything stays.</summary>
    public void Keep() => isKept = true;

    /// <summary>Deletes what a failed run wrote.</summary>
    public void Dispose()
    {
        bool isOwned = IsOwned;
        try
        {
            runLock.Dispose();
            if (isKept || !isOwned || new CheckpointStore(Checkpoints).List().Count > 0)
                return;
            written.ForEach(File.Delete);
            if (Directory.Exists(Checkpoints))
                Directory.Delete(Checkpoints, recursive: true);
            if (isNew)
                Directory.Delete(Path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // The failure that led here is the one to report.
        }
    }

    private static string Unused(string path) =>
        Enumerable.Range(1, 1000).Select(i => i == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{i}")).First(candidate => !Directory.Exists(candidate));

    private static string Safe(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));

    private void CheckSpace(long needed)
    {
        try
        {
            // Some file systems tell only on writing that they are full or read-only.
            AtomicFile.Write(System.IO.Path.Combine(Path, ".probe"), stream => stream.Write(new byte[4096]));
            File.Delete(System.IO.Path.Combine(Path, ".probe"));
            long free = new DriveInfo(System.IO.Path.GetFullPath(Path)).AvailableFreeSpace;
            if (free < needed)
                throw new DistTrainerException(FailureKind.Disk, $"--output: {Path} lies on a disk with {Numbers.Bytes(free)} free; the run needs {Numbers.Bytes(needed)}: free some space or name another folder.");
        }
        catch
        {
            Dispose();
            throw;
        }
    }
}
