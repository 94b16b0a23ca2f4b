using System.Buffers;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Takes out of a text what the CSV library does not know: comments, blanks before a line, and runs of blanks between
/// fields, each of which becomes a tab. Lines stay lines, so that their numbers are those of the file.
/// </summary>
/// <param name="source">In UTF-8, at its beginning; closed with this stream.</param>
/// <param name="dialect">What to take out.</param>
internal sealed class CsvFilter(Stream source, CsvDialect dialect) : Stream
{
    private byte[] _input = ArrayPool<byte>.Shared.Rent(1 << 14);
    // a byte becomes two at most: a tab for blanks, and itself
    private byte[] _output = ArrayPool<byte>.Shared.Rent(1 << 15);
    private readonly bool _blanks = dialect.Separator == ' ';
    private readonly byte _separator = (byte)(dialect.Separator == ' ' ? '\t' : dialect.Separator);
    private int _line = 1;
    private byte _previous = (byte)'\n';
    private bool _inLine;
    private bool _inQuotes;
    private bool _inComment;
    private bool _fieldBegins = true;
    private bool _pending;
    private bool _started;
    private bool _quoteEnds;
    private int _made;
    private int _taken;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        while (_taken == _made)
        {
            int read = source.ReadAtLeast(_input, 3, throwOnEndOfStream: false);
            if (read == 0)
                return 0;
            (_taken, _made) = (0, 0);
            int first = !_started && _input.AsSpan(0, read).StartsWith("\uFEFF"u8) ? 3 : 0;
            _started = true;
            foreach (byte next in _input.AsSpan(first, read - first))
                Take(next);
        }
        int count = Math.Min(buffer.Length, _made - _taken);
        _output.AsSpan(_taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && _input.Length > 0)
        {
            source.Dispose();
            ArrayPool<byte>.Shared.Return(_input);
            ArrayPool<byte>.Shared.Return(_output);
            (_input, _output) = ([], []);
        }
        base.Dispose(disposing);
    }

    private void Take(byte next)
    {
        byte previous = _previous;
        _previous = next;
        if (next is (byte)'\n' or (byte)'\r')
        {
            _output[_made++] = next;
            _quoteEnds = false;
            if (next == '\r' || previous != '\r')
                _line++;
            if (!_inQuotes)
                (_inLine, _inComment, _fieldBegins, _pending) = (false, false, true, false);
            return;
        }
        bool doubled = _quoteEnds && next == dialect.Quote;
        _quoteEnds = !doubled && _inQuotes && next == dialect.Quote;
        if (_inQuotes || _inComment || doubled)
        {
            _inQuotes = doubled || (_inQuotes && !_quoteEnds);
            if (!_inComment)
                _output[_made++] = next;
            return;
        }
        bool isBlank = next is (byte)' ' or (byte)'\t' && next != dialect.Separator;
        if (_line == dialect.HintLine)
            _inComment = true;
        else if (!_inLine && (isBlank || next == ' '))
            return;
        else if (!_inLine && next == dialect.Comment && dialect.Comment != '\0' && _line == dialect.HeaderComment)
            _fieldBegins = true; // the names after the mark
        else if (IsComment(next, previous))
            _inComment = true;
        else if (_blanks && next is (byte)' ' or (byte)'\t')
            _pending = true;
        else
            Put(next);
    }

    private bool IsComment(byte next, byte previous) => dialect.Comment != '\0' && next == dialect.Comment
        && (!_inLine || (dialect.CommentsAtEnds && previous is (byte)' ' or (byte)'\t'));

    private void Put(byte next)
    {
        if (_pending)
        {
            _output[_made++] = _separator;
            _fieldBegins = true;
        }
        _inQuotes = _fieldBegins && next == dialect.Quote;
        (_pending, _inLine) = (false, true);
        _fieldBegins = next == _separator || (_fieldBegins && next == ' ');
        _output[_made++] = next;
    }
}
