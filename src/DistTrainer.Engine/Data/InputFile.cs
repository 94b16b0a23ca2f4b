namespace DistTrainer.Engine.Data;

/// <summary>Opens data files; gzip is recognized by its first bytes, whatever the name.</summary>
internal static class InputFile
{
    /// <summary>
    /// Deflate cannot shrink anything further than 1032 : 1 (zlib's documentation), so a header that claims more lies.
    /// </summary>
    public const long LargestExpansion = 1032;

    private const int BufferSize = 1 << 16;
    private const long UnpackedFreely = 64 << 20;
    private const int MostExpansion = 200;

    /// <summary>
    /// The most bytes that something packed may have unpacked: real data shrink to a hundredth at best, and what was
    /// made to fill the memory to a thousandth.
    /// </summary>
    /// <param name="packed">Its packed bytes.</param>
    public static long LargestUnpacked(long packed) => Math.Max(UnpackedFreely, packed * MostExpansion);

    /// <summary>What is said of something that unpacks to more than <see cref="LargestUnpacked"/>.</summary>
    /// <param name="name">What it is.</param>
    /// <param name="packed">Its packed bytes.</param>
    /// <param name="advice">What to do.</param>
    public static DistTrainerException ExpandsTooFar(string name, long packed, string advice) => DataError.Of(
        $"{name}: {packed} packed bytes unpack to more than {LargestUnpacked(packed)} ({MostExpansion} times as many; "
            + $"up to {UnpackedFreely >> 20} MiB are always allowed), which looks made to fill the memory; {advice}");

    /// <summary>
    /// Opens a file as it is, with a length and a position: a pipe's or device's content is read into memory.
    /// </summary>
    /// <param name="path">The file.</param>
    public static Stream OpenPlain(string path)
    {
        if (PipeContent.Find(path) is { } known)
            return known;
        var file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferSize, FileOptions.SequentialScan);
        if (file.CanSeek && file.Length > 0)
            return file;
        using (file)
            return PipeContent.Read(path, file);
    }

    /// <summary>Opens a file for reading from its beginning to its end, unpacked if it is gzip.</summary>
    /// <param name="path">The file.</param>
    /// <param name="largest">The most bytes that can come: the exact length of a plain file, a bound for gzip.</param>
    /// <param name="exact">Whether <paramref name="largest"/> is the exact length.</param>
    public static Stream Open(string path, out long largest, out bool exact)
    {
        Stream file = OpenPlain(path);
        Span<byte> magic = stackalloc byte[2];
        bool gzip = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1F, 0x8B];
        file.Position = 0;
        (largest, exact) = (gzip ? file.Length * LargestExpansion : file.Length, !gzip);
        return gzip ? new GzipContent(file, path) : file;
    }

    /// <summary>The format that a file's first bytes tell, packed or not; CSV where they tell no other.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistTrainerException">It cannot be read.</exception>
    public static DataFormat FormatByContent(string path) => DataError.Guard(path, () =>
    {
        using Stream stream = Open(path, out _, out _);
        Span<byte> start = stackalloc byte[6];
        return start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)] switch
        {
            [(byte)'P', (byte)'A', (byte)'R', (byte)'1', ..] => DataFormat.Parquet,
            [(byte)'P', (byte)'K', 3, 4, ..] or [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'] =>
                DataFormat.Npy,
            [0, 0, 8, 1 or 2 or 3 or 4, ..] => DataFormat.Idx,
            _ => DataFormat.Csv,
        };
    });

    /// <summary>
    /// Reads values that a header announces. What is unpacked gets memory as it comes, so that a header that lies gets
    /// none.
    /// </summary>
    /// <param name="stream">At the first of them.</param>
    /// <param name="length">Bytes of the values, ≤ <see cref="Array.MaxLength"/>.</param>
    /// <param name="exact">Whether the file is known to have so many.</param>
    /// <returns>They, or fewer where the stream ends before.</returns>
    public static byte[] ReadBytes(Stream stream, long length, bool exact)
    {
        byte[] values = new byte[exact ? length : Math.Min(length, BufferSize)];
        int read = 0;
        while (read < length)
        {
            if (read == values.Length)
                Array.Resize(ref values, (int)Math.Min(length, 2L * values.Length));
            int count = stream.Read(values, read, values.Length - read);
            if (count == 0)
                return values[..read];
            read += count;
        }
        return values;
    }
}
