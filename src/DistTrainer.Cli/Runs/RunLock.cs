using System.Globalization;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>
/// Who writes into a run folder. <c>run.lock</c> is locked by the operating system, which gives it free when the process
/// ends, however it ends; <c>run.owner</c> says who that is. A coordinator that takes over puts files of its own in their
/// place; the one before, if it is still alive, sees that and writes no more.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private const string LockName = "run.lock";
    private const string OwnerName = "run.owner";

    private readonly string folder;
    private readonly string owner = string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTime.UtcNow:yyyy-MM-dd HH:mm:ss} UTC ({Guid.NewGuid():N})");
    private FileStream? stream;

    private RunLock(string folder) => this.folder = folder;

    /// <summary>Whether the folder is still this lock's.</summary>
    public bool IsHeld => stream is not null && Owner() == owner;

    private string LockPath => Path.Combine(folder, LockName);

    private string OwnerPath => Path.Combine(folder, OwnerName);

    /// <summary>Takes a folder.</summary>
    /// <param name="folder">The run folder; it exists.</param>
    /// <param name="takesOver">Whether to take it from a process that holds it.</param>
    /// <exception cref="DistTrainerException">Another process holds it (<see cref="FailureKind.Configuration"/>).</exception>
    public static RunLock Take(string folder, bool takesOver)
    {
        var taken = new RunLock(folder);
        if (takesOver)
        {
            taken.stream = Open(taken.LockPath + ".new");
            File.Move(taken.LockPath + ".new", taken.LockPath, overwrite: true);
        }
        else
        {
            try
            {
                taken.stream = Open(taken.LockPath);
            }
            catch (IOException failure)
            {
                throw new DistTrainerException(FailureKind.Configuration, $"{folder}: another run writes into it ({taken.Owner()}); wait until it has ended, stop it, or name another folder.", failure);
            }
        }
        AtomicFile.Write(taken.OwnerPath, output => output.Write(System.Text.Encoding.UTF8.GetBytes(taken.owner)));
        return taken;
    }

    /// <summary>Gives the folder free.</summary>
    public void Dispose()
    {
        if (stream is null)
            return;
        if (IsHeld)
        {
            File.Delete(OwnerPath);
            File.Delete(LockPath);
        }
        stream.Dispose();
        stream = null;
    }

    private static FileStream Open(string path) => new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);

    private string Owner()
    {
        try
        {
            return File.ReadAllText(OwnerPath);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return "it does not say who it is";
        }
    }
}
