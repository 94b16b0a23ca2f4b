using System.IO.Compression;

namespace DistTrainer.Engine;

/// <summary>Opens data files; gzip is recognized by its first bytes, whatever the name.</summary>
internal static class InputFile
{
    /// <summary>Deflate cannot shrink anything further than 1032 : 1 (zlib's documentation), so a header that claims more lies.</summary>
    public const long LargestExpansion = 1032;

    private const int BufferSize = 1 << 16;

    /// <summary>Opens a file for reading from its beginning to its end, unpacked if it is gzip.</summary>
    /// <param name="path">The file.</param>
    /// <param name="largest">The most bytes that can come: the exact length of a plain file, a bound for gzip.</param>
    /// <param name="exact">Whether <paramref name="largest"/> is the exact length.</param>
    public static Stream Open(string path, out long largest, out bool exact)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize, FileOptions.SequentialScan);
        Span<byte> magic = stackalloc byte[2];
        int read = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
        file.Position = 0;
        bool gzip = read == 2 && magic is [0x1F, 0x8B];
        (largest, exact) = gzip ? (file.Length * LargestExpansion, false) : (file.Length, true);
        return gzip ? new GZipStream(file, CompressionMode.Decompress) : file;
    }
}
