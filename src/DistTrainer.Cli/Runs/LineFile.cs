using System.Text;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>
/// A file that grows by whole lines. A line is handed to the system at once, so that a killed process loses none. A full
/// disk must not reach the coordinator as an exception: it is kept, and reported when training is over.
/// </summary>
internal sealed class LineFile : IDisposable
{
    private readonly string path;
    private readonly Func<bool> isOwned;
    private FileStream? stream;

    /// <summary>Opens a file, new or as it is.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isOwned">Whether it may still be written; else nothing is.</param>
    public LineFile(string path, Func<bool> isOwned)
    {
        (this.path, this.isOwned) = (path, isOwned);
        stream = Open();
    }

    /// <summary>Why a line could not be written; null while all is well.</summary>
    public DistTrainerException? Failure { get; private set; }

    /// <summary>Whether nothing is in it.</summary>
    public bool IsEmpty => stream is not { Length: > 0 };

    /// <summary>Adds a line.</summary>
    /// <param name="line">Without its line break.</param>
    public void Add(string line) => Try(file => file.Write(Encoding.UTF8.GetBytes(line + "\n")));

    /// <summary>Brings all lines down to the disk.</summary>
    public void Flush() => Try(file => file.Flush(flushToDisk: true));

    /// <summary>Keeps some lines only; what comes after the last line break was cut off by a kill and goes.</summary>
    /// <param name="keeps">Takes each line, in order.</param>
    public void Keep(Func<string, bool> keeps) => Try(file =>
    {
        file.Dispose();
        stream = null;
        AtomicFile.Write(path, output =>
        {
            using var writer = new StreamWriter(output, leaveOpen: true) { NewLine = "\n" };
            foreach (string line in WholeLines(path).Where(keeps))
                writer.WriteLine(line);
        });
        stream = Open();
    });

    /// <summary>The lines of a file that end with a line break.</summary>
    public static IEnumerable<string> WholeLines(string path)
    {
        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        string? line = reader.ReadLine();
        while (line is not null)
        {
            string? next = reader.ReadLine();
            if (next is not null || EndsWithBreak(reader.BaseStream))
                yield return line;
            line = next;
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => stream?.Dispose();

    private static bool EndsWithBreak(Stream stream)
    {
        stream.Seek(-1, SeekOrigin.End);
        return stream.ReadByte() == '\n';
    }

    private FileStream Open() => new(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);

    private void Try(Action<FileStream> work)
    {
        try
        {
            if (stream is not null && isOwned())
                work(stream);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or DistTrainerException)
        {
            Failure ??= failure as DistTrainerException
                ?? new DistTrainerException(FailureKind.Disk, $"{path}: cannot be written ({failure.Message}); free some space or name another folder.", failure);
        }
    }
}
