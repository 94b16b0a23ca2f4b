using System.Globalization;
using System.Text;
using System.Text.Unicode;
using CsvHelper;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Reads CSV (RFC 4180) in UTF-8, gzip too. Numbers are read in the invariant culture, whatever the machine's.
/// </summary>
internal static class CsvTableReader
{
    private const int LargestRecord = 1 << 26;

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DistTrainerException">The file cannot be read; the message begins with file:line:column (the
    /// number of the field).</exception>
    public static RawData Read(string path, ReadRequest request) =>
        Read(new CsvText(path, () => InputFile.Open(path, out _, out _), () => LengthOf(path)), request);

    /// <summary>Reads a whole text.</summary>
    /// <exception cref="DistTrainerException">The text is wrong; the message begins with name:line:column (the number
    /// of the field).</exception>
    public static RawData Read(CsvText text, ReadRequest request)
    {
        if (!char.IsAscii(request.Delimiter) || char.IsLetterOrDigit(request.Delimiter)
            || "\"\r\n.+-\0".Contains(request.Delimiter, StringComparison.Ordinal))
            throw DataError.Configuration(
                $"data.delimiter: {DataError.Quote(request.Delimiter.ToString())} cannot stand between fields; give "
                + "one ASCII character such as , ; | or a tab.");
        bool header = request.Header ?? WithReader(text, request.Delimiter, false, false, CsvHeader.IsHeader);
        return WithReader(
            text, request.Delimiter, header, true, reader =>
            new CsvTable(text.Name, text.Length(), reader, header, request).Read());
    }

    private static long LengthOf(string path)
    {
        using Stream plain = InputFile.OpenPlain(path);
        return plain.Length;
    }

    private static T WithReader<T>(CsvText text, char delimiter, bool header, bool pool, Func<CsvReader, T> read)
    {
        var options = new CsvReaderOptions
        {
            Separator = delimiter,
            HasHeader = header,
            TrackLineNumbers = true,
            MalformedData = CsvMalformedDataHandling.Throw,
            MaxRecordSize = LargestRecord,
            // takes 3 KiB a column: worth it for the texts of a target, not for one look at all fields
            PoolStrings = pool,
            FormatProvider = CultureInfo.InvariantCulture,
        };
        return DataError.Guard(text.Name, () =>
        {
            using Stream stream = text.Open();
            using CsvReader reader = CsvReader.Create(stream, options);
            try
            {
                return read(reader);
            }
            catch (CsvFormatException exception) when (
                exception.Message.Contains(nameof(options.MaxRecordSize), StringComparison.Ordinal))
            {
                throw DataError.Of(
                    $"{text.Name}:{Math.Max(1, exception.LineNumber)}: a row of more than {LargestRecord} bytes, the "
                    + "most that is read; is it a table, and is every quote closed?", exception);
            }
            catch (CsvFormatException exception)
            {
                throw DataError.Of(
                    $"{text.Name}:{Math.Max(1, exception.LineNumber)}: the text is not CSV "
                    + $"({DataError.OneLine(exception)}); put fields with quotes in quotes and double the quotes "
                    + "inside.", exception);
            }
        });
    }
}

/// <summary>A CSV text, wherever it lies.</summary>
/// <param name="Name">What errors call it: the path of a file.</param>
/// <param name="Open">Opens it at its beginning; called twice where the header is to be found out.</param>
/// <param name="Length">Its length in bytes (of a packed file: packed).</param>
internal sealed record CsvText(string Name, Func<Stream> Open, Func<long> Length);

/// <summary>Decides whether the first line of a CSV file names the columns.</summary>
internal static class CsvHeader
{
    private static readonly string[] s_missingMarks = ["", "na", "n/a", "nan", "null", "none", "?"];

    /// <summary>
    /// True where no field of the first line is a number; or where some field is neither a number nor a mark of a
    /// missing value, and the field below it is a number.
    /// </summary>
    public static bool IsHeader(CsvReader reader)
    {
        if (!reader.Read())
            return false;
        string[] first = Enumerable.Range(0, reader.FieldCount).Select(reader.GetString).ToArray();
        if (!first.Any(IsNumber))
            return true;
        return reader.Read() && Enumerable.Range(0, Math.Min(first.Length, reader.FieldCount))
            .Any(column => !IsNumber(first[column]) && !IsMissing(first[column]) && IsNumber(reader.GetString(column)));
    }

    /// <summary>Whether a text is one of the usual marks of a missing value.</summary>
    public static bool IsMissing(string text) => s_missingMarks.Contains(text.Trim(), StringComparer.OrdinalIgnoreCase);

    private static bool IsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}

/// <summary>
/// On which line each row stands: kept where it is not the line after the row before, so that it takes no memory in
/// most files.
/// </summary>
internal sealed class RowLines
{
    private readonly List<(int Row, long Line)> _jumps = [];
    private int _rows;
    private long _next;

    /// <summary>Adds the next row.</summary>
    public void Add(long line)
    {
        if (line != _next)
            _jumps.Add((_rows, line));
        (_rows, _next) = (_rows + 1, line + 1);
    }

    /// <summary>A row's line.</summary>
    public long Of(int row)
    {
        (int first, long line) = _jumps.FindLast(jump => jump.Row <= row);
        return line + row - first;
    }
}

/// <summary>One pass over an open CSV file.</summary>
/// <param name="path">What errors call the text.</param>
/// <param name="length">Its length in bytes.</param>
/// <param name="reader">At its beginning.</param>
/// <param name="header">Whether the first line names the columns.</param>
/// <param name="request">What is wanted.</param>
internal sealed class CsvTable(string path, long length, CsvReader reader, bool header, ReadRequest request)
{
    private readonly RowLines _lines = new();
    private string[] _names = [];

    /// <summary>Reads all rows.</summary>
    public RawData Read()
    {
        bool any = reader.Read();
        _names = header ? [.. reader.Headers] : [
            .. Enumerable.Range(0, any ? reader.FieldCount : 0).Select(n => n.ToString(CultureInfo.InvariantCulture))];
        if (!any)
            throw DataError.WithoutRows(_names.Length == 0
                ? $"{path}: the file is empty; give a file with at least one row."
                : $"{path}: there is a header line but no row below it; give a file with at least one row.");
        CheckHeader();
        ColumnPlan plan = ColumnPlan.Make($"{path}:1", _names, header, request);
        // A number takes two bytes at least (more of them come from a packed file, and get further blocks): a small
        // file gets no large block.
        long rows = (length / (2L * plan.Features.Length)) + 1;
        var features = new FloatRows(plan.Features.Length, (int)Math.Min(rows, int.MaxValue));
        var numbers = plan.Targets.Select(_ => new List<double>()).ToArray();
        var texts = plan.Targets.Select(_ => new List<string>()).ToArray();
        do
        {
            CheckFieldCount();
            RawData.CheckSize(path, features.Count + 1L, plan.Features.Length);
            Span<float> row = features.Append();
            for (int i = 0; i < row.Length; i++)
                row[i] = Number(plan.Features[i]);
            for (int i = 0; i < plan.Targets.Length; i++)
            {
                if (request.TextTargets)
                    texts[i].Add(Text(plan.Targets[i]));
                else
                    numbers[i].Add(Number(plan.Targets[i]));
            }
            _lines.Add(reader.LineNumber);
        }
        while (reader.Read());
        RawTarget[] targets = [.. plan.Targets.Select((column, i) => request.TextTargets
            ? new RawTarget(_names[column], null, [.. texts[i]])
            : new RawTarget(_names[column], [.. numbers[i]], null))];
        return new(path, features, [.. plan.Features.Select(column => _names[column])], targets,
            row => $"{path}:{_lines.Of(row)}", (row, target) => $"{path}:{_lines.Of(row)}:{plan.Targets[target] + 1}");
    }

    private void CheckHeader()
    {
        foreach (string name in _names)
        {
            if (name.Contains('\uFFFD', StringComparison.Ordinal) || name.Contains('\0', StringComparison.Ordinal))
                throw DataError.Of($"{path}:1: the text is not UTF-8; save the file as CSV in UTF-8.");
        }
        char[] others = [.. ",;\t|".Where(c => c != request.Delimiter)];
        if (_names.Length == 1 && reader.FieldCount == 1 && reader.GetString(0).IndexOfAny(others) is var at and >= 0)
            throw DataError.Of(
                $"{path}:{reader.LineNumber}: there is only one column; the fields seem to be divided by "
                + $"{DataError.Quote(reader.GetString(0)[at].ToString())}: set data.delimiter to it.");
    }

    private void CheckFieldCount()
    {
        if (reader.FieldCount != _names.Length)
            throw DataError.Of(
                $"{path}:{reader.LineNumber}:{Math.Min(reader.FieldCount, _names.Length) + 1}: the row has "
                + $"{reader.FieldCount} field(s), the first line has {_names.Length}; every row needs the same "
                + "number.");
    }

    private float Number(int column)
    {
        ReadOnlySpan<byte> text = reader.GetSpan(column);
        if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value)
            && float.IsFinite(value))
            return value;
        throw NotANumber(column, value);
    }

    private string Text(int column)
    {
        if (!Utf8.IsValid(reader.GetSpan(column)))
            throw NotANumber(column, 0);
        string text = reader.GetString(column).Trim();
        if (CsvHeader.IsMissing(text))
            throw DataError.Of(
                $"{Place(column)}: column {DataError.Quote(_names[column])} has no label ({DataError.Quote(text)}); "
                + "give every row a label, or leave the row out.");
        return text;
    }

    private string Place(int column) => $"{path}:{reader.LineNumber}:{column + 1}";

    private DistTrainerException NotANumber(int column, float parsed)
    {
        ReadOnlySpan<byte> bytes = reader.GetSpan(column);
        string text = Encoding.UTF8.GetString(bytes);
        string start = $"{Place(column)}: column {DataError.Quote(_names[column])}: {DataError.Quote(text)}";
        if (!Utf8.IsValid(bytes))
            return DataError.Of($"{Place(column)}: the text is not UTF-8; save the file as CSV in UTF-8.");
        if (CsvHeader.IsMissing(text))
            return DataError.Of($"{start} is a missing value; fill it in or leave the row out.");
        if (float.IsInfinity(parsed) && text.Any(char.IsAsciiDigit))
            return DataError.Of($"{start} is too large; numbers up to 3.4e38 are allowed.");
        if (!float.IsFinite(parsed))
            return DataError.Of($"{start} is not finite; give a number, or leave the row out.");
        if (float.TryParse(text.Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            return DataError.Of(
                $"{start} has a decimal comma; write numbers with a point, as {DataError.Quote(text.Replace(
                    ',', '.'))}.");
        return DataError.Of(
            $"{start} is not a number; give a number, or leave the column out with data.ignore{HeaderAdvice()}.");
    }

    private string HeaderAdvice() =>
        !header && reader.LineNumber == 1 ? " (or set data.header = true if this line names the columns)" : "";
}
