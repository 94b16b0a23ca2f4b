using System.Globalization;
using System.Text;
using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>Refuses a cell that is no number, or no date, in a column of them.</summary>
internal static class CsvStray
{
    /// <summary>What is wrong with it, and what to do.</summary>
    /// <param name="place">Where it stands.</param>
    /// <param name="name">The column's name.</param>
    /// <param name="stray">The cell.</param>
    /// <param name="dialect">How the text is written.</param>
    /// <param name="request">What was wanted.</param>
    /// <param name="isFirstLine">Whether it stands in the first line of the text.</param>
    public static DistTrainerException Error(
        string place, string name, StrayCell stray, CsvDialect dialect, ReadRequest request, bool isFirstLine)
    {
        string text = stray.Text;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        string start = $"{place}: column {DataError.Quote(name)}: {DataError.Quote(text)}";
        bool isAsked = request.Forms.ContainsKey(name);
        string why = request.Features is not null ? ", which the model wants"
            : isAsked ? ", which data.columns says the column has" : ", as most values of the column are";
        string advice = request.Features is not null ? "correct it, or leave the row out"
            : isAsked ? "correct it, or data.columns"
            : "correct it, add it to data.missing if it marks a missing value, set data.columns for the column "
                + "(category, ignore)";
        if (stray.IsDate)
            return DataError.Of($"{start} is not a date{why} (2019-03-23 20:21:09 and the like); {advice}.");
        bool isNumber = CsvNumber.TryParse(bytes, dialect.Decimal, dialect.Thousands, out double parsed);
        if (double.IsInfinity(parsed) && !text.Any(char.IsAsciiDigit))
            return DataError.Of($"{start} is not finite; give a number, or leave the row out.");
        if (isNumber)
            return DataError.Of($"{start} is too large; numbers up to 3.4e38 are allowed.");
        if (double.TryParse(bytes, NumberStyles.Float, CultureInfo.InvariantCulture, out double plain))
            return DataError.Of(double.IsFinite(plain)
                ? $"{start} has a decimal point, but other numbers of the file have a decimal comma; write all in one "
                    + "way, or set data.decimal and data.thousands."
                : $"{start} is not finite; give a number, or leave the row out.");
        NumberForms forms = CsvNumber.FormOf(bytes);
        if (forms == NumberForms.CommaOrThousands)
            return DataError.Of(
                $"{start} may be {text.Replace(",", "", StringComparison.Ordinal)} or {text.Replace(',', '.')}: set "
                + "data.thousands = \",\" or data.decimal = \",\", or write numbers without commas.");
        if (forms == NumberForms.Comma)
            return DataError.Of(
                $"{start} has a decimal comma; write numbers with a point, as {DataError.Quote(text.Replace(
                    ',', '.'))}, or set data.decimal = \",\".");
        return DataError.Of(
            $"{start} is not a number{why}; {advice}"
            + (!dialect.Header && isFirstLine ? ", or set data.header = true if this line names the columns." : "."));
    }
}
