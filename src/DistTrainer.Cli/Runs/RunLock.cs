using System.Globalization;
using System.Text;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// Holds a run folder for one run. <c>run.lock</c> is empty and exclusively locked, so the lock ends with its process,
/// however that ends. <c>run.owner</c> says who holds it; it can be replaced while the old owner is cut off from
/// everybody but the disk, who then finds that the folder is no longer his.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private const string LockName = "run.lock";
    private const string OwnerName = "run.owner";
    private readonly string _folder;
    private readonly string _owner;
    private FileStream _file;

    private RunLock(string folder, FileStream file)
    {
        (_folder, _file) = (folder, file);
        _owner = string.Create(
            CultureInfo.InvariantCulture,
            $"process={Environment.ProcessId} host={Environment.MachineName} token={Guid.NewGuid():N}\n");
        WriteOwner();
    }

    /// <summary>Names of its files, which are no part of what a run leaves.</summary>
    public static IReadOnlyList<string> Names { get; } = [LockName, OwnerName];

    private string OwnerPath => Path.Combine(_folder, OwnerName);

    /// <summary>Takes a folder.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="takesOver">Whether it is taken also from an owner that holds it.</param>
    /// <exception cref="DistTrainerException">Another process holds it (<see cref="FailureKind.Configuration"/>), or it
    /// cannot be written (<see cref="FailureKind.Disk"/>).</exception>
    public static RunLock Take(string folder, bool takesOver = false)
    {
        string path = Path.Combine(folder, LockName);
        try
        {
            return new RunLock(folder, takesOver ? Replace(path) : Open(path, FileMode.OpenOrCreate));
        }
        catch (UnauthorizedAccessException failure)
        {
            throw NotWritable(folder, failure);
        }
        catch (IOException failure) when (File.Exists(path) && IsHeld(failure))
        {
            string holder = ReadOwner(folder) is { } text
                ? $" ({text[..Math.Max(0, text.IndexOf(" token", StringComparison.Ordinal))]})" : "";
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"{folder}: another run writes into this folder{holder}; wait for its end, stop it, or name another "
                + "folder.", failure);
        }
        catch (IOException failure)
        {
            throw NotWritable(folder, failure);
        }
    }

    /// <summary>Whose the folder is, and why, where that is not this run.</summary>
    public (FolderOwner Owner, string Why) Look()
    {
        try
        {
            string text = File.ReadAllText(OwnerPath);
            return text == _owner ? (FolderOwner.Mine, "")
                : text.EndsWith('\n')
                    ? (FolderOwner.Another,
                    "another coordinator has taken this run's folder over; this one writes nothing more")
                : (FolderOwner.Unreadable, $"{OwnerName} cannot be read (it is cut off)");
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return (FolderOwner.Missing, Directory.Exists(_folder) ? $"{OwnerName} is gone from the run folder"
                : "the run folder is gone");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return (FolderOwner.Unreadable, $"{OwnerName} cannot be read ({failure.Message.TrimEnd('.')})");
        }
    }

    /// <summary>Locks the folder anew, whose files were removed; whoever holds it by now keeps it.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Renew()
    {
        if (!AtomicFile.IsThere(Path.Combine(_folder, LockName)))
        {
            _file.Dispose();
            _file = Open(Path.Combine(_folder, LockName), FileMode.CreateNew);
        }
        WriteOwner();
    }

    /// <summary>Gives the folder back; whoever has taken it over keeps it.</summary>
    public void Dispose()
    {
        try
        {
            if (Look().Owner == FolderOwner.Mine)
            {
                File.Delete(OwnerPath);
                File.Delete(Path.Combine(_folder, LockName));
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What stays behind locks nobody out.
        }
        _file.Dispose();
    }

    private void WriteOwner() => AtomicFile.Write(OwnerPath, stream => stream.Write(Encoding.UTF8.GetBytes(_owner)));

    private static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.Write, FileShare.None);

    /// <summary>Puts a lock of one's own in the place of the other's.</summary>
    private static FileStream Replace(string path)
    {
        string mine = $"{path}.{Guid.NewGuid():N}";
        FileStream file = Open(mine, FileMode.CreateNew);
        try
        {
            File.Move(mine, path, overwrite: true);
            return file;
        }
        catch
        {
            file.Dispose();
            File.Delete(mine);
            throw;
        }
    }

    // EWOULDBLOCK of flock on Linux and macOS, a sharing violation on Windows.
    private static bool IsHeld(IOException failure) => failure.HResult is 11 or 35 or unchecked((int)0x80070020);

    private static string? ReadOwner(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, OwnerName));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static DistTrainerException NotWritable(string folder, Exception failure) =>
        new(FailureKind.Disk,
            $"{folder}: cannot be written ({failure.Message}); make it writable, free some space or name another "
            + "folder.", failure);
}
