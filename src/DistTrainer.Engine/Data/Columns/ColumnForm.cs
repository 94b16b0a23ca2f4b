using System.Globalization;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>What the cells of a column are read as.</summary>
internal enum ColumnForm
{
    /// <summary>Numbers, dates or text, by the cells.</summary>
    Any,

    /// <summary>Numbers.</summary>
    Numbers,

    /// <summary>Dates.</summary>
    Dates,

    /// <summary>Text, whatever it looks like.</summary>
    Text,
}

/// <summary>Marks of a missing value.</summary>
internal sealed class GapMarks
{
    private const int Longest = 64;

    private readonly HashSet<string> _marks;

    /// <param name="marks">Compared without case; an empty cell is always a gap.</param>
    public GapMarks(IEnumerable<string> marks)
    {
        _marks = new(marks, StringComparer.OrdinalIgnoreCase);
        AreNumbers = _marks.Any(mark => double.TryParse(mark, CultureInfo.InvariantCulture, out double number)
            && double.IsFinite(number));
    }

    /// <summary>Whether some look like numbers, as -99, so that a number must be looked at twice.</summary>
    public bool AreNumbers { get; }

    /// <summary>What people and programs write for a missing value.</summary>
    public static IReadOnlyList<string> Usual { get; } =
        ["?", "-", ".", "NA", "N/A", "#N/A", "<NA>", "NaN", "NaT", "null", "None"];

    /// <summary>Only what nobody calls a class.</summary>
    public static GapMarks OfClasses { get; } = new(["?"]);

    /// <summary>Whether a cell is a gap.</summary>
    /// <param name="cell">In UTF-8, without blanks around it.</param>
    public bool Has(ReadOnlySpan<byte> cell)
    {
        if (cell.IsEmpty)
            return true;
        if (cell.Length > Longest)
            return false;
        Span<char> text = stackalloc char[Longest];
        for (int i = 0; i < cell.Length; i++)
        {
            if (cell[i] >= 0x80)
                return Has(System.Text.Encoding.UTF8.GetString(cell));
            text[i] = (char)cell[i];
        }
        return _marks.GetAlternateLookup<ReadOnlySpan<char>>().Contains(text[..cell.Length]);
    }

    /// <summary>Whether a text is a gap.</summary>
    public bool Has(string text) => text.Length == 0 || _marks.Contains(text);
}
