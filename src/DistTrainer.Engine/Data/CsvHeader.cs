using System.Globalization;
using System.Text;

namespace DistTrainer.Engine.Data;

/// <summary>Decides whether the first row of a CSV text names the columns.</summary>
internal static class CsvHeader
{
    private static readonly string[] s_missingMarks =
        ["", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "?", "-", "."];

    /// <summary>
    /// A header is a first row without numbers; one where some field is neither a number nor a mark of a missing value
    /// and the field below it is a number; or one of the numbers 0, 1, … as pandas writes them for a table without
    /// names.
    /// </summary>
    /// <param name="grid">The first rows.</param>
    /// <param name="usual">Fields of a row.</param>
    /// <returns>Also a line about it where it is not obvious.</returns>
    public static (bool Header, string? Note) Decide(CsvGrid grid, int usual)
    {
        if (grid.Count == 0)
            return (false, null);
        int fields = grid.FieldCount(0), numbers = 0, words = 0;
        for (int column = 0; column < fields; column++)
        {
            numbers += IsNumber(grid.Field(0, column)) ? 1 : 0;
            words += CsvNumber.WordOf(grid.Field(0, column), out _) == CellKind.Unknown ? 0 : 1;
        }
        if (numbers == 0 && words < fields)
            return (true, null);
        int shift = fields == usual - 1 ? 1 : 0; // row names
        for (int column = 0; grid.Count > 1 && column < fields && column + shift < grid.FieldCount(1); column++)
        {
            ReadOnlySpan<byte> name = grid.Field(0, column);
            if (!IsNumber(name) && !IsMissing(name) && IsNumber(grid.Field(1, column + shift)))
                return (true, null);
        }
        if (grid.Count > 1 && CountsUp(grid, 0, name: true) && !MayBeRow(grid, fields))
            return (true, "line 1 counts the columns, as pandas does for a table without names: it is no sample "
                + "(data.header = false if it is one)");
        return (
            false, "line 1 has values: the columns are called 0, 1, … (data.header = true if it names the columns)");
    }

    /// <summary>Whether a text is one of the usual marks of a missing value.</summary>
    public static bool IsMissing(string text) =>
        s_missingMarks.Contains(text.Trim(), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a text is one of the usual marks of a missing value.</summary>
    /// <param name="text">In UTF-8, without blanks around it.</param>
    public static bool IsMissing(ReadOnlySpan<byte> text)
    {
        foreach (string mark in s_missingMarks)
        {
            if (Ascii.EqualsIgnoreCase(text, mark))
                return true;
        }
        return false;
    }

    /// <summary>
    /// Whether a text is a number, with a decimal point or comma, with marks between thousands or not.
    /// </summary>
    /// <param name="text">In UTF-8.</param>
    public static bool IsNumber(ReadOnlySpan<byte> text) => CsvNumber.FormOf(text) != NumberForms.Other
        || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    /// <summary>Whether a text is a number, a yes/no word or a mark of a missing value.</summary>
    /// <param name="text">In UTF-8.</param>
    public static bool IsValue(ReadOnlySpan<byte> text) =>
        IsNumber(text) || IsMissing(text) || CsvNumber.WordOf(text, out _) != CellKind.Unknown;

    /// <summary>Whether a row's fields are whole numbers, each one more than the one before it.</summary>
    /// <param name="grid">The rows.</param>
    /// <param name="row">Which.</param>
    /// <param name="name">Whether they begin with 0, as written by a program; the first field may be empty.</param>
    private static bool CountsUp(CsvGrid grid, int row, bool name)
    {
        int fields = grid.FieldCount(row), start = name && fields > 2 && grid.Field(row, 0).IsEmpty ? 1 : 0;
        long next = 0;
        for (int column = start; column < fields; column++, next++)
        {
            ReadOnlySpan<byte> text = grid.Field(row, column);
            if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
                || (text.Length > 1 && text[0] == '0'))
                return false;
            if (column == start && !name)
                next = value;
            if (value != next)
                return false;
        }
        return fields - start >= 2;
    }

    /// <summary>
    /// Whether 0, 1, … may be a sample among the others: where one is the same, the next goes on counting, or all are
    /// orders of these numbers; and of two columns, unless one below has a decimal point everywhere.
    /// </summary>
    private static bool MayBeRow(CsvGrid grid, int fields)
    {
        if (CountsUp(grid, 1, name: false))
            return true;
        bool orders = true;
        var seen = new HashSet<int>();
        for (int row = 1; row < grid.Count; row++)
        {
            if (grid.Line(row).SequenceEqual(grid.Line(0)))
                return true;
            seen.Clear();
            for (int column = 0; orders && column < grid.FieldCount(row); column++)
                orders = int.TryParse(grid.Field(row, column), NumberStyles.None, CultureInfo.InvariantCulture,
                    out int value) && value < fields && seen.Add(value);
        }
        if (orders || fields > 2)
            return orders;
        return !Enumerable.Range(0, fields).Any(column => Enumerable.Range(1, grid.Count - 1).All(
            row => column < grid.FieldCount(row) && grid.Field(row, column).Contains((byte)'.')));
    }
}
