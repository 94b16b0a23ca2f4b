using System.Globalization;
using System.Text;

namespace DistTrainer.Engine.Data;

/// <summary>
/// How a CSV text is written: found by looking at its first part, the same from the same bytes everywhere.
/// </summary>
internal sealed record CsvDialect
{
    /// <summary>The encoding of a text that a byte order mark says is UTF-16; null for UTF-8.</summary>
    public Encoding? Utf16 { get; init; }

    /// <summary>Between fields; a blank stands for runs of blanks and tabs.</summary>
    public char Separator { get; init; } = ',';

    /// <summary>Around fields.</summary>
    public char Quote { get; init; } = '"';

    /// <summary>Whether the first row names the columns.</summary>
    public bool Header { get; init; }

    /// <summary>The decimal mark.</summary>
    public char Decimal { get; init; } = '.';

    /// <summary>What stands between thousands; NUL for nothing.</summary>
    public char Thousands { get; init; }

    /// <summary>What begins a comment; NUL for nothing.</summary>
    public char Comment { get; init; }

    /// <summary>Whether comments end lines too, after a blank.</summary>
    public bool CommentsAtEnds { get; init; }

    /// <summary>The line that names the columns although it begins like a comment; 0 for none.</summary>
    public int HeaderComment { get; init; }

    /// <summary>The line that says how fields are divided, <c>sep=;</c>; 0 for none.</summary>
    public int HintLine { get; init; }

    /// <summary>Whether rows have a name before their fields, for which the header has none.</summary>
    public bool RowNames { get; init; }

    /// <summary>Whether a separator ends every row.</summary>
    public bool SeparatorEndsRows { get; init; }

    /// <summary>Whether blanks stand between separators and quotes, or on lines of their own.</summary>
    public bool HasBlanks { get; init; }

    /// <summary>What is worth saying of the header where it is not obvious; null for nothing.</summary>
    public string? HeaderNote { get; init; }

    /// <summary>Whether the text must be filtered for the CSV library.</summary>
    public bool NeedsFilter => Separator == ' ' || Comment != CsvSettings.None || HintLine > 0 || HasBlanks;

    /// <summary>Whether blanks around fields do not count, also before a quote.</summary>
    public bool TrimsBlanks => HasBlanks && Separator != '\t';

    /// <summary>What the CSV library is told to divide fields by.</summary>
    public char ReaderSeparator => Separator == ' ' ? '\t' : Separator;

    /// <summary>
    /// What is not as in the plain case (UTF-8, commas, points, a header), a line each with the setting that changes
    /// it.
    /// </summary>
    /// <param name="settings">What was said need not be said again.</param>
    public IEnumerable<string> Describe(CsvSettings settings)
    {
        if (Utf16 is not null)
            yield return "the text is UTF-16";
        if (settings.Delimiter is null && Separator != ',')
            yield return Separator switch
            {
                ' ' => "fields are divided by blanks (data.delimiter = blank)",
                '\t' => "fields are divided by tabs (data.delimiter = \"\\t\")",
                _ => $"fields are divided by {Separator} (data.delimiter = \"{Separator}\")",
            };
        if (settings.Quote is null && Quote != '"')
            yield return $"fields stand in {Quote} (data.quote = \"{Quote}\")";
        if (settings.Header is null && HeaderNote is not null)
            yield return HeaderNote;
        if (RowNames)
            yield return "the header has one name less than a row has fields: the first field is the row's name and "
                + "is left out (name it in the header to use it)";
        if (SeparatorEndsRows)
            yield return "every row ends with a separator: the empty column after it is left out (name and fill it "
                + "to use it)";
        if (settings.Decimal is null && Decimal == ',')
            yield return "numbers have a decimal comma (data.decimal = \",\")";
        if (settings.Thousands is null && Thousands != CsvSettings.None)
            yield return Thousands == ' ' ? "blanks stand between thousands (data.thousands = blank)"
                : $"{Thousands} stands between thousands, 1{Thousands}234 is 1234 (data.thousands = \"{Thousands}\")";
        if (settings.Comment is null && Comment != CsvSettings.None)
            yield return HeaderComment > 0
                ? $"line {HeaderComment.ToString(CultureInfo.InvariantCulture)} names the columns after a "
                    + $"{Comment}; other text after {Comment} is left out (data.comment = \"{Comment}\")"
                : $"text after {Comment} is left out (data.comment = \"{Comment}\")";
    }
}
