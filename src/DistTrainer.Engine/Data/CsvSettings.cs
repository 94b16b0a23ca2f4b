namespace DistTrainer.Engine.Data;

/// <summary>What is said about a CSV text; null is found out by looking at it.</summary>
internal sealed record CsvSettings
{
    /// <summary>Stands for nothing, where null stands for finding out.</summary>
    public const char None = '\0';

    /// <summary>Whether the first line names the columns.</summary>
    public bool? Header { get; init; }

    /// <summary>The character between fields; a blank stands for runs of blanks and tabs.</summary>
    public char? Delimiter { get; init; }

    /// <summary>The character around fields.</summary>
    public char? Quote { get; init; }

    /// <summary>The decimal mark: a point or a comma.</summary>
    public char? Decimal { get; init; }

    /// <summary>What stands between thousands: a comma, point, apostrophe or blank, or <see cref="None"/>.</summary>
    public char? Thousands { get; init; }

    /// <summary>What begins a comment, or <see cref="None"/>.</summary>
    public char? Comment { get; init; }

    /// <summary>What a description says.</summary>
    public static CsvSettings Of(DataDescription description) => new()
    {
        Header = description.Header,
        Delimiter = description.Delimiter,
        Quote = description.Quote,
        Decimal = description.Decimal,
        Thousands = description.Thousands,
        Comment = description.Comment,
    };

    /// <summary>Refuses what cannot be told apart.</summary>
    /// <exception cref="DistTrainerException">A character is not allowed, or there for two things.</exception>
    public void Check()
    {
        if (Delimiter is { } delimiter && !IsMark(delimiter, "\"\r\n.+-\0"))
            throw DataError.Configuration(
                $"data.delimiter: {DataError.Quote(delimiter.ToString())} cannot stand between fields; give "
                + "one ASCII character such as , ; | or a tab, or blank for runs of blanks.");
        if (Quote is { } quote && (!IsMark(quote, " \t\r\n.,;+-\0") || quote == Delimiter))
            throw DataError.Configuration(
                $"data.quote: {DataError.Quote(quote.ToString())} cannot stand around fields; give \" or '.");
        if (Comment is { } comment and not None
            && (!IsMark(comment, " \t\r\n.,+-\"") || comment == Delimiter || comment == Quote))
            throw DataError.Configuration(
                $"data.comment: {DataError.Quote(comment.ToString())} cannot begin a comment; give a character such "
                + "as # or %, or none.");
        if (Decimal is not (null or '.' or ','))
            throw DataError.Configuration(
                $"data.decimal: {DataError.Quote(Decimal.Value.ToString())} is no decimal mark; give . or ,");
        if (Thousands is not (null or None or ',' or '.' or '\'' or ' ') || (Thousands ?? None) == (Decimal ?? 'x'))
            throw DataError.Configuration(
                $"data.thousands: {DataError.Quote(Thousands!.Value.ToString())} cannot stand between thousands "
                + "(beside data.decimal); give one of , . ' blank none.");
    }

    private static bool IsMark(char mark, string others) =>
        char.IsAscii(mark) && !char.IsLetterOrDigit(mark) && !others.Contains(mark, StringComparison.Ordinal);
}
