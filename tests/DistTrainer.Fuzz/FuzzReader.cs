using System.IO.Compression;
using DistTrainer.Engine;

namespace DistTrainer.Fuzz;

/// <summary>An input to begin with.</summary>
/// <param name="Role">What it is to its reader: a file's name, or a kind of message.</param>
/// <param name="Bytes">Its content.</param>
internal sealed record Seed(string Role, byte[] Bytes);

/// <summary>One of the program's readers, and what it may do with an input.</summary>
/// <param name="name">Its name in options and in the corpus.</param>
/// <param name="constant">Bytes that it may allocate for any input: buffers, an exception and its text.</param>
/// <param name="factor">Bytes that it may allocate for a byte of the input.</param>
internal abstract class FuzzReader(string name, long constant, long factor) : IDisposable
{
    /// <summary>Its name.</summary>
    public string Name => name;

    /// <summary>What it may allocate for an input, in all; packed ones count as what they unpack to.</summary>
    public long Allowed(Seed input) =>
        constant
            + (factor * Math.Max(input.Bytes.Length, input.Role.EndsWith(".gz", StringComparison.Ordinal)
            ? UnpackedLength(input.Bytes) : 0));

    /// <summary>Valid inputs to mutate: the files of its folder in the corpus.</summary>
    public virtual IReadOnlyList<Seed> Seeds() =>
    [
        .. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "corpus", Name)).Order(StringComparer.Ordinal)
            .Select(path => new Seed(Path.GetFileName(path), File.ReadAllBytes(path))),
    ];

    /// <summary>Reads an input with the program's own reader.</summary>
    /// <param name="role">Of the seed that the input was made from.</param>
    /// <param name="input">The input.</param>
    public abstract void Read(string role, byte[] input);

    /// <summary>Repairs the checksums of a mutated input, so that what lies behind them is reached.</summary>
    public virtual byte[] Seal(string role, byte[] input) => input;

    /// <summary>Whether this is how the reader says no.</summary>
    public virtual bool IsRefusal(Exception failure) =>
        failure is DistTrainerException && !failure.Message.Contains('\n', StringComparison.Ordinal);

    /// <summary>Bytes allocated so far, of the thread that reads.</summary>
    public virtual long Allocated() => GC.GetAllocatedBytesForCurrentThread();

    /// <summary>Gives back what the reader is run in.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    private static long UnpackedLength(byte[] packed)
    {
        using var content = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
        byte[] buffer = new byte[4096];
        long length = 0;
        try
        {
            for (int count = 1; count > 0; length += count)
                count = content.Read(buffer);
        }
        catch (InvalidDataException)
        {
            // Damaged from here on: what came before counts.
        }
        return length;
    }
}

/// <summary>A folder in memory for the files of readers that take paths.</summary>
internal static class Scratch
{
    /// <summary>The folder; gone when the program ends.</summary>
    public static string Folder { get; } = Directory.CreateDirectory(
        Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm"
            : Path.GetTempPath(), $"disttrainer-fuzz-{Environment.ProcessId}")).FullName;

    /// <summary>Writes a file.</summary>
    /// <returns>Its path.</returns>
    public static string Write(string name, byte[] content)
    {
        string path = Path.Combine(Folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
