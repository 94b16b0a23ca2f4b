using System.Globalization;
using System.Text;
using System.Text.Unicode;
using CsvHelper;

namespace DistTrainer.Engine.Data;

/// <summary>One pass over an open CSV file.</summary>
/// <param name="path">What errors call the text.</param>
/// <param name="length">Its length in bytes.</param>
/// <param name="reader">At its beginning.</param>
/// <param name="dialect">How the text is written.</param>
/// <param name="request">What is wanted.</param>
internal sealed class CsvTable(string path, long length, CsvReader reader, CsvDialect dialect, ReadRequest request)
{
    private const int MostWordNames = 5;

    private static readonly (CellKind Kind, string Words)[] s_words =
    [
        (CellKind.TrueFalse, "True is 1 and False 0"), (CellKind.YesNo, "yes is 1 and no 0"),
        (CellKind.YN, "Y is 1 and N 0"),
    ];

    private readonly RowLines _lines = new();
    private readonly int _first = dialect.RowNames ? 1 : 0;
    private string[] _names = [];
    private int _fields;

    /// <summary>Reads all rows.</summary>
    public RawData Read()
    {
        ColumnPlan plan = Begin();
        // A number takes two bytes at least (more of them come from a packed file, and get further blocks): a small
        // file gets no large block.
        long rows = (length / (2L * plan.Features.Length)) + 1;
        var features = new FloatRows(plan.Features.Length, (int)Math.Min(rows, int.MaxValue));
        var numbers = plan.Targets.Select(_ => new List<double>()).ToArray();
        var texts = plan.Targets.Select(_ => new List<string>()).ToArray();
        var kinds = new CellKind[plan.Features.Length + plan.Targets.Length];
        do
        {
            CheckFieldCount();
            RawData.CheckSize(path, features.Count + 1L, plan.Features.Length);
            Span<float> row = features.Append();
            for (int i = 0; i < row.Length; i++)
                row[i] = Number(plan.Features[i], ref kinds[i]);
            for (int i = 0; i < plan.Targets.Length; i++)
            {
                if (request.TextTargets)
                    texts[i].Add(Text(plan.Targets[i]));
                else
                    numbers[i].Add(Number(plan.Targets[i], ref kinds[row.Length + i]));
            }
            _lines.Add(reader.LineNumber);
        }
        while (Next());
        RawTarget[] targets = [.. plan.Targets.Select((column, i) => request.TextTargets
            ? new RawTarget(_names[column], null, [.. texts[i]])
            : new RawTarget(_names[column], [.. numbers[i]], null))];
        int Field(int target) => plan.Targets[target] + _first + 1;
        return new(path, features, [.. plan.Features.Select(column => _names[column])], targets,
            row => $"{path}:{_lines.Of(row)}", (row, target) => $"{path}:{_lines.Of(row)}:{Field(target)}")
        {
            Notes = [.. dialect.Describe(request.Csv), .. DescribeWords(plan, kinds)],
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

    private IEnumerable<string> DescribeWords(ColumnPlan plan, CellKind[] kinds)
    {
        foreach ((CellKind kind, string words) in s_words)
        {
            string[] names = [.. plan.Features.Concat(plan.Targets).Where((_, i) => kinds[i] == kind)
                .Select(column => DataError.Quote(_names[column]))];
            if (names.Length > 0)
                yield return $"{words} in {string.Join(", ", names.Take(MostWordNames))}"
                    + (names.Length > MostWordNames ? $" and {names.Length - MostWordNames} more columns" : "");
        }
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

    private float Number(int column, ref CellKind kind)
    {
        ReadOnlySpan<byte> text = reader.GetSpan(column + _first);
        float value = 0;
        if (kind <= CellKind.Number && CsvNumber.TryParse(text, dialect.Decimal, dialect.Thousands, out value)
            && float.IsFinite(value))
        {
            kind = CellKind.Number;
            return value;
        }
        CellKind word = kind == CellKind.Number ? CellKind.Unknown : CsvNumber.WordOf(text, out value);
        if (word == CellKind.Unknown || (kind != CellKind.Unknown && kind != word))
            throw NotANumber(column, value, kind);
        kind = word;
        return value;
    }

    private string Text(int column)
    {
        if (!Utf8.IsValid(reader.GetSpan(column + _first)))
            throw NotANumber(column, 0, CellKind.Unknown);
        string text = reader.GetString(column + _first).Trim();
        if (text is "" or "?")
            throw DataError.Of(
                $"{Place(column)}: column {DataError.Quote(_names[column])} has no label ({DataError.Quote(text)}); "
                + "give every row a label, or leave the row out.");
        return text;
    }

    private string Place(int column) => $"{path}:{reader.LineNumber}:{column + _first + 1}";

    private DistTrainerException NotANumber(int column, float parsed, CellKind kind)
    {
        ReadOnlySpan<byte> bytes = reader.GetSpan(column + _first);
        string text = Encoding.UTF8.GetString(bytes);
        string start = $"{Place(column)}: column {DataError.Quote(_names[column])}: {DataError.Quote(text)}";
        if (!Utf8.IsValid(bytes))
            return DataError.Of($"{Place(column)}: the text is not UTF-8; save the file as CSV in UTF-8.");
        if (CsvHeader.IsMissing(text))
            return DataError.Of($"{start} is a missing value; fill it in or leave the row out.");
        if (kind > CellKind.Number)
            return DataError.Of(
                $"{start} is neither {Words(kind)}, which the column has in the rows before; correct it, or leave the "
                + "column out with data.ignore.");
        if (float.IsInfinity(parsed) && text.Any(char.IsAsciiDigit))
            return DataError.Of($"{start} is too large; numbers up to 3.4e38 are allowed.");
        if (float.TryParse(bytes, NumberStyles.Float, CultureInfo.InvariantCulture, out float plain))
            return DataError.Of(float.IsFinite(plain)
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
            $"{start} is not a number; give a number, or leave the column out with data.ignore{HeaderAdvice()}.");
    }

    private static string Words(CellKind kind) => kind switch
    {
        CellKind.TrueFalse => "True nor False",
        CellKind.YesNo => "yes nor no",
        _ => "Y nor N",
    };

    private string HeaderAdvice() =>
        !dialect.Header && reader.LineNumber == 1 ? " (or set data.header = true if this line names the columns)" : "";
}
