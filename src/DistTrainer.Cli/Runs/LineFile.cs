using System.Text;
using DistTrainer.Engine;

namespace DistTrainer.Cli.Runs;

/// <summary>A file of the run folder that grows by whole lines.</summary>
/// <param name="path">The file.</param>
/// <param name="look">Whether its folder may be written at the moment; see <see cref="GrowingFile"/>.</param>
internal sealed class LineFile(string path, Func<FolderOwner> look) : IDisposable
{
    private readonly GrowingFile _file = new(path, look);

    /// <summary>Why a line could not be written; null while all is well.</summary>
    public DistTrainerException? Failure => _file.Failure;

    /// <summary>Whether nothing is in it.</summary>
    public bool IsEmpty => _file.IsEmpty;

    /// <summary>Adds a line.</summary>
    /// <param name="line">Without its line break.</param>
    public void Add(string line) => _file.Add(Encoding.UTF8.GetBytes(line + "\n"));

    /// <summary>Brings all lines down to the disk.</summary>
    public void Flush() => _file.Flush();

    /// <summary>Keeps some lines only; what comes after the last line break was cut off by a kill and goes.</summary>
    /// <param name="keeps">Takes each line, in order.</param>
    public void Keep(Func<string, bool> keeps) => _file.Replace(output =>
    {
        using var writer = new StreamWriter(output, leaveOpen: true) { NewLine = "\n" };
        foreach (string line in WholeLines(path).Where(keeps))
            writer.WriteLine(line);
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
    public void Dispose() => _file.Dispose();

    private static bool EndsWithBreak(Stream stream)
    {
        stream.Seek(-1, SeekOrigin.End);
        return stream.ReadByte() == '\n';
    }
}
