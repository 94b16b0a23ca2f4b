using System.Globalization;
using System.Text;
using CsvHelper;
using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>One pass over an open CSV file.</summary>
/// <param name="path">What errors call the text.</param>
/// <param name="reader">At its beginning.</param>
/// <param name="dialect">How the text is written.</param>
/// <param name="request">What is wanted.</param>
internal sealed class CsvTable(string path, CsvReader reader, CsvDialect dialect, ReadRequest request)
{
    private readonly RowLines _lines = new();
    private readonly int _first = dialect.RowNames ? 1 : 0;
    private string[] _names = [];
    private int _fields;

    /// <summary>Reads all rows.</summary>
    /// <param name="texts">Columns that are text although they begin with numbers; more may be found.</param>
    /// <returns>Null where columns were added to <paramref name="texts"/>, so that all must be read again.</returns>
    public RawTable? Read(HashSet<string> texts)
    {
        ColumnPlan plan = Begin();
        int features = plan.Features.Length;
        int[] fields = [.. plan.Features, .. plan.Targets];
        ColumnBuffer[] columns = [.. fields.Select((column, i) => MakeBuffer(
            _names[column], i < features ? request.FormOf(i, _names[column]) : null, texts))];
        int rows = 0;
        do
        {
            CheckFieldCount();
            RawData.CheckSize(path, ++rows, Math.Max(1, features));
            for (int i = 0; i < fields.Length; i++)
            {
                if (!columns[i].Add(reader.GetSpan(fields[i] + _first)))
                    throw NotUtf8($"{path}:{reader.LineNumber}:{fields[i] + _first + 1}");
            }
            _lines.Add(reader.LineNumber);
        }
        while (Next());
        int known = texts.Count;
        for (int i = 0; i < fields.Length; i++)
        {
            columns[i].Finish();
            if (columns[i].MustBeText)
                texts.Add(columns[i].Name);
            else if (columns[i].Stray is { } stray)
                throw NotLikeOthers(fields[i], stray);
        }
        if (texts.Count > known)
            return null;
        RawColumn[] all = [.. columns.Select(column => column.ToColumn())];
        string TargetPlace(int row, int target) => $"{RowPlace(row)}:{plan.Targets[target] + _first + 1}";
        return new RawTable(path, all[..features],
            [.. all[features..].Select((column, i) => RawTarget.Of(
                column, request.TextTargets, row => TargetPlace(row, i)))], RowPlace, TargetPlace)
        {
            Notes = [.. dialect.Describe(request.Csv)],
        };
    }

    /// <summary>
    /// Reads the labels of the one target column up to the first fault, without looking at the other columns.
    /// </summary>
    /// <param name="look">Told of each label.</param>
    public void Look(TargetLook look)
    {
        int column = Begin().Targets[0];
        do
        {
            if (reader.FieldCount == _fields)
                look.Add(reader.GetSpan(column + _first), dialect);
        }
        while (Next());
    }

    /// <summary>Moves to the first row.</summary>
    private ColumnPlan Begin()
    {
        bool any = Next();
        _names = dialect.Header ? [.. reader.Headers.Select(name => name.Trim())] : [
            .. Enumerable.Range(0, any ? reader.FieldCount : 0).Select(n => n.ToString(CultureInfo.InvariantCulture))];
        if (!any)
            throw DataError.WithoutRows(_names.Length == 0
                ? $"{path}: the file is empty; give a file with at least one row."
                : $"{path}: there is a header line but no row below it; give a file with at least one row.");
        bool extra = dialect.SeparatorEndsRows && _names[^1].Length == 0; // the header ends with a separator too
        if (dialect.SeparatorEndsRows && (extra || !dialect.Header))
            _names = _names[..^1];
        _fields = _names.Length + _first + (dialect.SeparatorEndsRows ? 1 : 0);
        CheckHeader();
        return ColumnPlan.Make($"{path}:1", _names, dialect.Header, request);
    }

    private bool Next()
    {
        bool any = reader.Read();
        // a line of blanks is no row
        while (any && reader.FieldCount == 1 && _fields > 1 && reader.GetSpan(0).Trim(" \t"u8).IsEmpty)
            any = reader.Read();
        return any;
    }

    private void CheckHeader()
    {
        foreach (string name in _names)
        {
            if (name.Contains('\uFFFD', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
                throw DataError.Of($"{path}:1: the text is not UTF-8; save the file as CSV in UTF-8.");
        }
        char[] others = [.. ",;\t|".Where(c => c != dialect.Separator)];
        if (request.Csv.Delimiter is not null && _names.Length == 1 && reader.FieldCount == 1
            && reader.GetString(0).IndexOfAny(others) is var at and >= 0)
            throw DataError.Of(
                $"{path}:{reader.LineNumber}: there is only one column; the fields seem to be divided by "
                + $"{DataError.Quote(reader.GetString(0)[at].ToString())}: set data.delimiter to it.");
    }

    private void CheckFieldCount()
    {
        if (reader.FieldCount == _fields && (!dialect.SeparatorEndsRows || reader.IsEmpty(_fields - 1)))
            return;
        if (dialect.SeparatorEndsRows && reader.FieldCount == _fields - 1)
            return;
        if (reader.FieldCount == _fields)
            throw DataError.Of(
                $"{path}:{reader.LineNumber}:{_fields}: there is a value in the column without a name, which is empty "
                + "in the rows before; give it a name in the header, or take the value out.");
        throw DataError.Of(
            $"{path}:{reader.LineNumber}:{Math.Min(reader.FieldCount, _fields) + 1}: the row has "
            + $"{reader.FieldCount} field(s), {(_first > 0 ? "the rows before have" : "the first line has")} "
            + $"{_fields}; every row needs the same number.");
    }

    private string RowPlace(int row) => $"{path}:{_lines.Of(row)}";

    /// <param name="name">The column's name.</param>
    /// <param name="feature">What its cells are; null for a target.</param>
    /// <param name="texts">Columns that are text, as was found.</param>
    private ColumnBuffer MakeBuffer(string name, ColumnForm? feature, HashSet<string> texts)
    {
        bool isTarget = feature is null;
        ColumnForm form = texts.Contains(name) || (isTarget && request.TextTargets) ? ColumnForm.Text
            : feature ?? ColumnForm.Any;
        return new(name, form, dialect, isTarget && request.TextTargets ? GapMarks.OfClasses : request.Gaps);
    }

    private static DistTrainerException NotUtf8(string place) =>
        DataError.Of($"{place}: the text is not UTF-8; save the file as CSV in UTF-8.");

    /// <summary>A cell that is no number, or no date, in a column of them.</summary>
    private DistTrainerException NotLikeOthers(int column, StrayCell stray)
    {
        long line = _lines.Of(stray.Row);
        string text = stray.Text;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        string start = $"{path}:{line}:{column + _first + 1}: column {DataError.Quote(_names[column])}: "
            + DataError.Quote(text);
        bool isAsked = request.Forms.ContainsKey(_names[column]);
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
            + (!dialect.Header && line == 1 ? ", or set data.header = true if this line names the columns." : "."));
    }
}
