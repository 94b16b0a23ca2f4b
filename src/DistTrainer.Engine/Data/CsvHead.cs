using System.Text;

namespace DistTrainer.Engine.Data;

/// <summary>The first part of a CSV text, to find out how it is written.</summary>
/// <param name="Text">In UTF-8, without a byte order mark.</param>
/// <param name="IsWhole">Whether it is the whole text.</param>
/// <param name="Utf16">The encoding where a byte order mark says UTF-16; else null.</param>
internal sealed record CsvHead(ReadOnlyMemory<byte> Text, bool IsWhole, Encoding? Utf16)
{
    private const int Usual = 1 << 18;
    private const int Most = 1 << 24;

    /// <summary>Reads the first 256 KiB, or more where they have not three lines.</summary>
    /// <param name="open">Opens the text at its beginning.</param>
    public static CsvHead Read(Func<Stream> open)
    {
        using Stream source = open();
        byte[] bytes = new byte[1 << 12];
        int count = 0;
        while (true)
        {
            int read = source.ReadAtLeast(bytes.AsSpan(count), bytes.Length - count, throwOnEndOfStream: false);
            count += read;
            bool isWhole = count < bytes.Length;
            if (isWhole || (count >= Usual && (bytes.AsSpan(0, count).Count((byte)'\n') > 3 || count >= Most)))
                return Of(bytes.AsMemory(0, count), isWhole);
            Array.Resize(ref bytes, 2 * bytes.Length);
        }
    }

    /// <summary>Opens a text as UTF-8.</summary>
    /// <param name="open">Opens it as it is.</param>
    public Stream Open(Func<Stream> open)
    {
        Stream source = open();
        return Utf16 is null ? source : Encoding.CreateTranscodingStream(source, Utf16, new UTF8Encoding(false));
    }

    private static CsvHead Of(ReadOnlyMemory<byte> bytes, bool isWhole)
    {
        if (bytes.Span.StartsWith("\uFEFF"u8))
            return new(bytes[3..], isWhole, null);
        bool little = bytes.Span is [0xFF, 0xFE, ..], big = bytes.Span is [0xFE, 0xFF, ..];
        if ((!little && !big) || bytes.Span is [0xFF, 0xFE, 0, 0, ..])
            return new(bytes, isWhole, null);
        // What is cut off at the end, or wrong, becomes U+FFFD here; the reader refuses it where it matters.
        string text = new UnicodeEncoding(big, true).GetString(bytes.Span[2..]);
        return new(Encoding.UTF8.GetBytes(text), isWhole, new UnicodeEncoding(big, true, throwOnInvalidBytes: true));
    }
}
