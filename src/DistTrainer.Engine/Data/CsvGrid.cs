namespace DistTrainer.Engine.Data;

/// <summary>How a text is divided into fields, for a first look.</summary>
/// <param name="Separator">Between fields; a blank stands for runs of blanks and tabs.</param>
/// <param name="Quote">Around fields.</param>
/// <param name="Comment">Begins a comment at the beginning of a line; NUL for none.</param>
/// <param name="CommentsAtEnds">Whether comments end lines too, after a blank.</param>
internal readonly record struct CsvShape(char Separator, char Quote, char Comment, bool CommentsAtEnds);

/// <summary>
/// Rows and fields of the first part of a text, as places in it: found without a string each, for every separator that
/// may be meant.
/// </summary>
internal sealed class CsvGrid
{
    private readonly ReadOnlyMemory<byte> _text;
    private readonly List<(int Start, int End)> _fields = [];
    private readonly List<(int First, int Start, int End)> _rows = [];

    /// <summary>Divides a text.</summary>
    /// <param name="text">In UTF-8.</param>
    /// <param name="isWhole">Whether the text ends there; else the last row is left out, which may go on.</param>
    /// <param name="shape">How.</param>
    /// <param name="mostRows">Rows after which to stop.</param>
    public CsvGrid(ReadOnlyMemory<byte> text, bool isWhole, CsvShape shape, int mostRows)
    {
        _text = text;
        Shape = shape;
        ReadOnlySpan<byte> bytes = text.Span;
        int at = 0;
        for (int line = 1; at < bytes.Length && _rows.Count < mostRows; line++)
        {
            int start = at, content = at + Blanks(bytes[at..]);
            if (content == bytes.Length || bytes[content] is (byte)'\n' or (byte)'\r')
            {
                HasBlankLines |= content > at;
                at = AfterBreak(bytes, content);
            }
            else if (shape.Comment != '\0' && bytes[content] == shape.Comment)
            {
                at = content + EndOfLine(bytes[content..]);
                if (_rows.Count == 0)
                    LastComment = (line, text[(content + 1)..at]);
                at = AfterBreak(bytes, at);
            }
            else
            {
                _rows.Add((_fields.Count, start, 0));
                at = Row(bytes, shape.Separator == ' ' ? content : at);
                _rows[^1] = _rows[^1] with { End = at };
                if (at == bytes.Length && !isWhole && _rows.Count > 1)
                {
                    EndOfFields = _rows[^1].First;
                    _rows.RemoveAt(_rows.Count - 1);
                }
                at = AfterBreak(bytes, at);
            }
        }
    }

    /// <summary>How the text was divided.</summary>
    public CsvShape Shape { get; }

    /// <summary>Whether there are lines of blanks only.</summary>
    public bool HasBlankLines { get; private set; }

    /// <summary>The last comment line before the first row, after its mark; line 0 where there is none.</summary>
    public (int Line, ReadOnlyMemory<byte> Text) LastComment { get; private set; }

    /// <summary>Rows.</summary>
    public int Count => _rows.Count;

    /// <summary>Fields of a row.</summary>
    public int FieldCount(int row) =>
        (row + 1 < _rows.Count ? _rows[row + 1].First : EndOfFields) - _rows[row].First;

    /// <summary>A field, without quotes and blanks around it.</summary>
    public ReadOnlySpan<byte> Field(int row, int column) => Raw(row, column) is [var first, .., var last] quoted
        && first == Shape.Quote && last == Shape.Quote ? quoted[1..^1].Trim(" \t"u8) : Raw(row, column);

    /// <summary>A field with its quotes.</summary>
    public ReadOnlySpan<byte> Raw(int row, int column)
    {
        (int start, int end) = _fields[_rows[row].First + column];
        return _text.Span[start..end].Trim(" \t"u8);
    }

    /// <summary>A row's text.</summary>
    public ReadOnlySpan<byte> Line(int row) => _text.Span[_rows[row].Start.._rows[row].End];

    /// <summary>How many fields most rows after the first have (the first where there is no other).</summary>
    public int UsualFields()
    {
        var counts = new Dictionary<int, int>();
        for (int row = Math.Min(1, Count - 1); row >= 0 && row < Count; row++)
            counts[FieldCount(row)] = counts.GetValueOrDefault(FieldCount(row)) + 1;
        return counts.Count == 0 ? 0 : counts.MaxBy(pair => (pair.Value, -pair.Key)).Key;
    }

    private int EndOfFields { get; set; }

    private static int Blanks(ReadOnlySpan<byte> text) =>
        text.IndexOfAnyExcept(" \t"u8) is var at and >= 0 ? at : text.Length;

    private static int EndOfLine(ReadOnlySpan<byte> text) =>
        text.IndexOfAny((byte)'\n', (byte)'\r') is var at and >= 0 ? at : text.Length;

    private static int AfterBreak(ReadOnlySpan<byte> text, int at) =>
        at >= text.Length ? text.Length : text[at] == '\r' && at + 1 < text.Length && text[at + 1] == '\n' ? at + 2
            : at + 1;

    /// <summary>Reads a row's fields.</summary>
    /// <returns>Where it ends, at a line break or the end of the text.</returns>
    private int Row(ReadOnlySpan<byte> text, int at)
    {
        while (true)
        {
            int start = at;
            at = EndOfField(text, at);
            bool isComment = Shape.CommentsAtEnds && at < text.Length && text[at] == Shape.Comment;
            // before a comment stand blanks, which are no field where they divide fields
            if (!isComment || at > start || Shape.Separator != ' ')
                _fields.Add((start, at));
            EndOfFields = _fields.Count;
            if (isComment)
                return at + EndOfLine(text[at..]);
            if (at >= text.Length || text[at] is (byte)'\n' or (byte)'\r')
                return at;
            if (Shape.Separator != ' ')
            {
                at++;
                continue;
            }
            at += Blanks(text[at..]);
            if (at >= text.Length || text[at] is (byte)'\n' or (byte)'\r')
                return at;
        }
    }

    private int EndOfField(ReadOnlySpan<byte> text, int at)
    {
        int first = Shape.Separator is '\t' or ' ' ? at : at + Blanks(text[at..]);
        if (first < text.Length && text[first] == Shape.Quote)
        {
            at = first + 1;
            while (at < text.Length && (text[at] != Shape.Quote || (at + 1 < text.Length && text[at + 1] == text[at])))
                at += text[at] == Shape.Quote ? 2 : 1;
            at = Math.Min(text.Length, at + 1);
        }
        while (at < text.Length && text[at] is not ((byte)'\n' or (byte)'\r'))
        {
            if (Shape.Separator == ' ' ? text[at] is (byte)' ' or (byte)'\t' : text[at] == Shape.Separator)
                break;
            if (Shape.CommentsAtEnds && text[at] == Shape.Comment && at > 0 && text[at - 1] is (byte)' ' or (byte)'\t')
                break;
            at++;
        }
        return at;
    }
}
