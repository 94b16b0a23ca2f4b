namespace DistTrainer.Engine.Data;

/// <summary>Finds out how a CSV text is written.</summary>
internal static class CsvDialectFinder
{
    private const int RowsToCompare = 200;
    private const string Separators = ",\t;| ";
    private const string MayLeaveCommas = "\t;|";

    /// <summary>Finds the dialect; what is said is believed.</summary>
    /// <param name="head">The first part of the text.</param>
    /// <param name="settings">What is said.</param>
    public static CsvDialect Find(CsvHead head, CsvSettings settings)
    {
        CsvGrid grid = Divide(head, settings, out int hintLine);
        CsvShape shape = grid.Shape;
        int usual = grid.UsualFields();
        int headerComment = shape.Comment != CsvSettings.None && settings.Header is null or true
            && NamesColumns(grid, usual, settings.Header) ? grid.LastComment.Line : 0;
        (bool header, string? note) = headerComment > 0 ? (true, null)
            : settings.Header is { } said ? (said, null) : CsvHeader.Decide(grid, usual);
        int first = header && headerComment == 0 ? 1 : 0;
        bool even = grid.Count > first
            && Enumerable.Range(first, grid.Count - first).All(row => grid.FieldCount(row) == usual);
        int names = first == 1 && grid.Count > 0 ? grid.FieldCount(0) : usual;
        bool ends = even && shape.Separator != ' ' && usual > 1 && EndsAreEmpty(grid, first, usual)
            && (names == usual - 1 || first == 0 || (names == usual && grid.Field(0, usual - 1).IsEmpty));
        (char decimalMark, char thousands) = CsvNumberStyle.Find(grid, first, usual, settings);
        return new CsvDialect
        {
            Utf16 = head.Utf16,
            Separator = shape.Separator,
            Quote = shape.Quote,
            Header = header,
            HeaderNote = note,
            Decimal = decimalMark,
            Thousands = thousands,
            Comment = shape.Comment,
            CommentsAtEnds = shape.CommentsAtEnds,
            HeaderComment = headerComment,
            HintLine = hintLine,
            RowNames = even && !ends && first == 1 && names == usual - 1 && names > 0,
            SeparatorEndsRows = ends,
            HasBlanks = grid.HasBlankLines || HasBlankBeforeQuote(head.Text.Span, shape),
        };
    }

    private static CsvGrid Divide(CsvHead head, CsvSettings settings, out int hintLine)
    {
        ReadOnlyMemory<byte> text = head.Text;
        char? delimiter = settings.Delimiter;
        hintLine = 0;
        ReadOnlySpan<byte> line = text.Span;
        // Excel's own: sep=; as the first line
        if (delimiter is null && line.StartsWith("sep="u8) && line.Length > 5 && line[5] is (byte)'\r' or (byte)'\n'
            && !char.IsAsciiLetterOrDigit((char)line[4]) && char.IsAscii((char)line[4]))
        {
            (delimiter, hintLine) = ((char)line[4], 1);
            text = text[5..];
        }
        char comment = settings.Comment ?? (line.Contains((byte)'#') ? '#' : CsvSettings.None);
        bool atEnds = comment != CsvSettings.None && (line.IndexOf([(byte)' ', (byte)comment]) >= 0
            || line.IndexOf([(byte)'\t', (byte)comment]) >= 0);
        CsvGrid? best = null, bestOther = null;
        double bestScore = -1, bestOtherScore = -1;
        string separators = delimiter?.ToString() ?? Separators;
        string quotes = settings.Quote?.ToString() ?? (line.Contains((byte)'\'') ? "\"'" : "\"");
        bool[] atEndsOrNot = atEnds && settings.Comment is null ? [false, true] : [atEnds];
        foreach (char separator in separators)
        {
            foreach (char quote in quotes)
            {
                foreach (bool ends in atEndsOrNot)
                {
                    var grid = new CsvGrid(
                        text, head.IsWhole, new(separator, quote, comment, ends), RowsToCompare);
                    double score = Score(grid);
                    if (score > bestScore + 1e-9)
                        (best, bestScore) = (grid, score);
                    if (MayLeaveCommas.Contains(separator) && IsEven(grid) && score > bestOtherScore + 1e-9)
                        (bestOther, bestOtherScore) = (grid, score);
                }
            }
        }
        if (best!.Shape.Separator == ',' && bestOther is not null && HasDecimalCommasOnly(best))
            best = bestOther;
        CsvShape shape = best.Shape;
        if (settings.Comment is null && comment != CsvSettings.None && !shape.CommentsAtEnds
            && !HasComments(best, text, head))
            shape = shape with { Comment = CsvSettings.None };
        return best.Count < RowsToCompare && shape == best.Shape ? best
            : new CsvGrid(text, head.IsWhole, shape, int.MaxValue);
    }

    private static bool IsEven(CsvGrid grid) => grid.UsualFields() is var usual and > 1
        && Enumerable.Range(0, grid.Count).All(row => grid.FieldCount(row) == usual);

    /// <summary>
    /// Whether each comma of the rows below the first stands between two digits: where another separator divides all
    /// rows alike, it is a decimal comma.
    /// </summary>
    private static bool HasDecimalCommasOnly(CsvGrid grid)
    {
        for (int row = Math.Min(1, grid.Count - 1); row < grid.Count; row++)
        {
            ReadOnlySpan<byte> line = grid.Line(row);
            for (int at = 0; at < line.Length; at++)
            {
                bool isBetween = at > 0 && at + 1 < line.Length && char.IsAsciiDigit((char)line[at - 1])
                    && char.IsAsciiDigit((char)line[at + 1]);
                if (line[at] == ',' && !isBetween)
                    return false;
            }
        }
        return true;
    }

    /// <summary>How well a separator divides: rows of one length, and fields that are numbers.</summary>
    private static double Score(CsvGrid grid)
    {
        int usual = grid.UsualFields(), even = 0, cells = 0, numbers = 0, quoted = 0;
        if (usual < 2)
            return 0;
        for (int row = 0; row < grid.Count; row++)
        {
            if (grid.FieldCount(row) == usual)
                even++;
            else if (row == 0 && grid.FieldCount(row) == usual - 1)
                even++;
            else
                continue;
            for (int column = 0; row > 0 && column < usual; column++)
            {
                cells++;
                numbers += CsvHeader.IsValue(grid.Field(row, column)) ? 1 : 0;
                quoted += grid.Raw(row, column) is [(byte)'\'', .., (byte)'\''] ? 1 : 0;
            }
        }
        // One row alone says nothing of numbers below names.
        double share = cells > 0 ? numbers / (double)cells : 0;
        if (grid.Shape.Separator == ' ' && cells > 0 && numbers == 0)
            return 0;
        bool isSingle = grid.Shape.Quote == '\'';
        return isSingle && quoted < grid.Count - 1 ? 0
            : (even / (double)grid.Count) + share + (isSingle ? 0.001 : 0);
    }

    /// <summary>
    /// Whether lines that begin with the mark are comments: all stand before the rows, or have not the rows' fields.
    /// </summary>
    private static bool HasComments(CsvGrid grid, ReadOnlyMemory<byte> text, CsvHead head)
    {
        var whole = new CsvGrid(
            text, head.IsWhole, grid.Shape with { Comment = CsvSettings.None }, int.MaxValue);
        int usual = grid.UsualFields(), marked = 0, like = 0;
        bool rowBefore = false;
        for (int row = 0; row < whole.Count; row++)
        {
            bool isMarked = whole.Line(row).TrimStart(" \t"u8) is [(byte)'#', ..];
            marked += isMarked ? 1 : 0;
            like += isMarked && rowBefore && whole.FieldCount(row) == usual ? 1 : 0;
            rowBefore |= !isMarked;
        }
        return marked > 0 && grid.Count > 0 && like == 0;
    }

    /// <summary>Whether the last comment before the rows has a name for each of their fields.</summary>
    private static bool NamesColumns(CsvGrid grid, int usual, bool? said)
    {
        (int line, ReadOnlyMemory<byte> names) = grid.LastComment;
        if (line == 0 || usual < 2 || grid.Count == 0 || (said is null && CsvHeader.Decide(grid, usual).Header))
            return false;
        var comment = new CsvGrid(names, true, grid.Shape, 1);
        return comment.Count == 1 && comment.FieldCount(0) == usual
            && !Enumerable.Range(0, usual).Any(column => CsvHeader.IsNumber(comment.Field(0, column))
                || comment.Field(0, column).IsEmpty);
    }

    private static bool EndsAreEmpty(CsvGrid grid, int first, int usual)
    {
        for (int row = first; row < grid.Count; row++)
        {
            if (!grid.Raw(row, usual - 1).IsEmpty)
                return false;
        }
        return true;
    }

    private static bool HasBlankBeforeQuote(ReadOnlySpan<byte> text, CsvShape shape) =>
        shape.Separator != ' ' && text.IndexOf([(byte)shape.Separator, (byte)' ', (byte)shape.Quote]) >= 0;
}
