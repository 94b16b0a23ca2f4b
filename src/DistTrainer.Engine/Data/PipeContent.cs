using System.Collections.Concurrent;

namespace DistTrainer.Engine.Data;

/// <summary>
/// What came out of pipes and devices (<c>--data /dev/stdin</c>, <c>&lt;(…)</c>, a FIFO). They give their bytes once,
/// but data are looked at more than once (is there a header, are the targets classes), so the bytes are kept as long as
/// the process lives.
/// </summary>
internal static class PipeContent
{
    /// <summary>The most bytes of one pipe.</summary>
    public const int MostBytes = 1 << 29;

    private static readonly ConcurrentDictionary<string, ArraySegment<byte>> s_known = new(StringComparer.Ordinal);

    /// <summary>
    /// What a pipe brought, from the beginning; null where it was not read yet, or a file has taken its place.
    /// </summary>
    /// <param name="path">Its path.</param>
    /// <exception cref="DistTrainerException">It brought more than <see cref="MostBytes"/>.</exception>
    public static Stream? Find(string path) =>
        s_known.TryGetValue(path, out ArraySegment<byte> content) && Is(path) ? Open(path, content) : null;

    /// <summary>Reads a pipe to its end.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="pipe">At its beginning.</param>
    /// <returns>The same bytes, from the beginning.</returns>
    /// <exception cref="DistTrainerException">It brings more than <see cref="MostBytes"/>.</exception>
    public static Stream Read(string path, Stream pipe)
    {
        using var kept = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        while (pipe.Read(buffer) is var count and > 0)
        {
            if (kept.Length + count > MostBytes)
                return Open(path, s_known[path] = default); // without an array: it was refused, and is not read again
            kept.Write(buffer, 0, count);
        }
        var content = new ArraySegment<byte>(kept.GetBuffer(), 0, (int)kept.Length);
        if (content.Count > 0 || !pipe.CanSeek) // a file that is empty now may not stay so
            s_known[path] = content;
        return Open(path, content);
    }

    private static MemoryStream Open(string path, ArraySegment<byte> content) => content.Array is { } bytes
        ? new(bytes, content.Offset, content.Count, writable: false)
        : throw DataError.Of(
            $"{path}: a pipe or device that brings more than {MostBytes >> 20} MiB, the most that is kept of one; "
            + "save what it brings as a file, and give that.");

    /// <summary>Whether a path leads to something that has no length: a pipe or device, or an empty file.</summary>
    public static bool Is(string path) =>
        (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path))
        is not FileInfo { Exists: true, Length: > 0 };
}
