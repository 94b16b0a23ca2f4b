using System.Buffers;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Cuts a CSV text into blocks of whole rows, in the order of the text, so that several threads can read them.
/// </summary>
/// <param name="name">What errors call the text.</param>
/// <param name="stream">In UTF-8, at its beginning.</param>
/// <param name="dialect">How the text is written.</param>
/// <param name="blockBytes">Bytes of a block; one of longer rows has more.</param>
internal sealed class CsvBlocks(string name, Stream stream, CsvDialect dialect, int blockBytes) : IDisposable
{
    private const int LargestRow = 1 << 26;

    // The first block is small: a small file takes little memory.
    private const int FirstBytes = 1 << 16;

    private readonly byte _quote = (byte)dialect.Quote;
    private byte[] _rest = [];
    private int _restLength;
    private long _line = 1;
    private bool _ends;

    /// <summary>Fills a block with the next rows.</summary>
    /// <returns>False at the end of the text.</returns>
    /// <exception cref="DistTrainerException">A row is too long.</exception>
    public bool Read(CsvBlock block)
    {
        if (_ends && _restLength == 0)
            return false;
        bool isFirst = _line == 1;
        // A block begins with the line break before it: an empty line, which is skipped, and no byte order mark.
        block.Begin(isFirst ? 1 : _line - 1, Math.Max(_restLength + 1, isFirst ? FirstBytes : blockBytes));
        _rest.AsSpan(0, _restLength).CopyTo(block.Room);
        int length = _restLength, rows, searched = 0;
        while (true)
        {
            while (!_ends && length < block.Room.Length)
            {
                int read = stream.Read(block.Room[length..]);
                _ends = read == 0;
                length += read;
            }
            rows = _ends ? length : EndOfRows(block.Room[..length], searched);
            if (rows > 0 || _ends)
                break;
            if (length >= LargestRow)
                throw DataError.Of(
                    $"{name}:{_line}: a row of more than {LargestRow} bytes, the most that is read; is it a table, and "
                    + "is every quote closed?");
            block.Grow((int)Math.Min(2L * length, LargestRow), length);
            searched = length;
        }
        KeepRest(_ends ? [] : block.Room[(rows - 1)..length]);
        block.Length = rows;
        _line = block.FirstLine + LineBreaks(block.Text.Span);
        return rows > 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        ArrayPool<byte>.Shared.Return(_rest);
        _rest = [];
    }

    private void KeepRest(ReadOnlySpan<byte> rest)
    {
        if (rest.Length > _rest.Length)
        {
            ArrayPool<byte>.Shared.Return(_rest);
            _rest = ArrayPool<byte>.Shared.Rent(rest.Length);
        }
        rest.CopyTo(_rest);
        _restLength = rest.Length;
    }

    /// <summary>Where the last whole row ends; 0 where none does.</summary>
    private int EndOfRows(ReadOnlySpan<byte> text, int searched)
    {
        int last = 0, at = 0;
        if (!text.Contains(_quote))
        {
            last = text[searched..].LastIndexOf((byte)'\n') is var end and >= 0 ? searched + end + 1
                // a line feed may follow the last byte, if that is a carriage return
                : text[..^1].LastIndexOf((byte)'\r') + 1;
            at = text.Length;
        }
        while (at < text.Length && text[at..].IndexOfAny(_quote, (byte)'\n', (byte)'\r') is var next and >= 0)
        {
            at += next + 1;
            if (text[at - 1] == '\n' || (text[at - 1] == '\r' && at < text.Length && text[at] != '\n'))
                last = at;
            else if (text[at - 1] == _quote && BeginsField(text[..(at - 1)]))
                at = AfterQuotes(text, at);
        }
        return last == 1 ? 0 : last; // a break alone is the one before the rows
    }

    private bool BeginsField(ReadOnlySpan<byte> before)
    {
        ReadOnlySpan<byte> text = dialect.TrimsBlanks ? before.TrimEnd(" \t"u8) : before;
        return text.IsEmpty || text[^1] == dialect.ReaderSeparator || text[^1] is (byte)'\n' or (byte)'\r'
            || text.SequenceEqual("\uFEFF"u8);
    }

    /// <summary>The place behind the quote that closes a field; the end of the text where there is none.</summary>
    private int AfterQuotes(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && text[at..].IndexOf(_quote) is var next and >= 0)
        {
            at += next + 1;
            if (at == text.Length || text[at] != _quote)
                return at;
            at++;
        }
        return text.Length;
    }

    private static int LineBreaks(ReadOnlySpan<byte> text)
    {
        int breaks = text.Count((byte)'\n');
        return text.Contains((byte)'\r') ? breaks + text.Count((byte)'\r') - text.Count("\r\n"u8) : breaks;
    }
}
