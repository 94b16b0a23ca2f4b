using System.Text;
using System.Text.Json;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>
/// A file of one JSON object a line, each of some step, in the order of the steps. A run that goes back, or goes on after
/// a crash, drops the lines of later steps, and a last line that was not finished.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="stepName">The field with a line's step.</param>
internal sealed class JsonLines(string path, string stepName) : IDisposable
{
    private readonly FileStream stream = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);

    /// <summary>Why a line could not be written; null while all is well.</summary>
    public DistTrainerException? Failure { get; private set; }

    /// <summary>Reads all whole lines.</summary>
    /// <param name="path">The file; without it there are none.</param>
    public static IEnumerable<JsonElement> Read(string path)
    {
        if (!File.Exists(path))
            yield break;
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            if (Parse(line) is { } element)
                yield return element;
        }
    }

    /// <summary>Drops all lines of steps after one; what follows is appended.</summary>
    /// <param name="step">The last step that stays.</param>
    public void GoBack(long step)
    {
        long end = 0;
        stream.Position = 0;
        using (var reader = new StreamReader(stream, Encoding.UTF8, false, 1 << 16, leaveOpen: true))
        {
            while (reader.ReadLine() is { } line && Parse(line) is { } element && element.TryGetProperty(stepName, out JsonElement at) && at.GetInt64() <= step)
                end += Encoding.UTF8.GetByteCount(line) + 1;
        }
        stream.SetLength(Math.Min(end, stream.Length));
        stream.Position = stream.Length;
    }

    /// <summary>Appends a line. A full disk must not reach the coordinator as an exception: it is kept in <see cref="Failure"/>.</summary>
    /// <param name="content">Writes the object's fields.</param>
    public void Write(Action<Utf8JsonWriter> content)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }
        line.Write("\n"u8);
        try
        {
            stream.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
        }
        catch (IOException failure)
        {
            Failure ??= new DistTrainerException(FailureKind.Disk, $"{path}: cannot be written ({failure.Message}); free some space or name another folder.", failure);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => stream.Dispose();

    private static JsonElement? Parse(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
