using DistTrainer.Engine;
using DistTrainer.Engine.Files;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// What a checkpoint's writer does to a disk; a test takes its place to fill the disk or to be killed.
/// </summary>
internal class CheckpointDisk
{
    /// <summary>The real one.</summary>
    public static CheckpointDisk Real { get; } = new();

    /// <summary>Makes a folder and its parents.</summary>
    public virtual void MakeFolder(string folder)
    {
        Directory.CreateDirectory(folder);
        AtomicFile.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(folder))!);
    }

    /// <summary>Writes a file whole or not at all, down to the disk.</summary>
    public virtual void Write(string path, long bytes, Action<Stream> write) => AtomicFile.Write(path, bytes, write);

    /// <summary>Renames a folder, down to the disk.</summary>
    public virtual void Rename(string from, string to)
    {
        Directory.Move(from, to);
        AtomicFile.FlushFolder(Path.GetDirectoryName(Path.GetFullPath(to))!);
    }

    /// <summary>Deletes a folder if it is there.</summary>
    public virtual void Delete(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Does something to a folder; a failure becomes an error that names it.</summary>
    /// <exception cref="DistTrainerException">It failed (<see cref="FailureKind.Disk"/>).</exception>
    public static void Try(string folder, Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DistTrainerException(
                FailureKind.Disk,
                $"{folder}: cannot be written ({failure.Message}); free some space or name another folder.", failure);
        }
    }
}
