using System.Globalization;
using System.Text;
using CsvHelper;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Reads CSV as programs write it (<see cref="CsvDialect"/>), gzip too; the same in every culture.
/// </summary>
internal static class CsvTableReader
{
    private const int LargestRecord = 1 << 26;

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DistTrainerException">The file cannot be read; the message begins with file:line:column (the
    /// number of the field).</exception>
    public static RawTable Read(string path, ReadRequest request) =>
        Read(TextOf(path), request);

    /// <summary>
    /// Looks at the target column of a file alone, up to the first fault: what is wrong in a file does not change what
    /// its targets are.
    /// </summary>
    /// <exception cref="DistTrainerException">There is no label before the fault.</exception>
    public static TargetLook Look(string path, ReadRequest request)
    {
        var look = new TargetLook();
        try
        {
            WithTable(TextOf(path), request, table =>
            {
                table.Look(look);
                return look;
            });
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Data && look.Labels > 0)
        {
            // it is reported when all is read
        }
        return look;
    }

    /// <summary>Reads a whole text.</summary>
    /// <exception cref="DistTrainerException">The text is wrong; the message begins with name:line:column (the number
    /// of the field).</exception>
    public static RawTable Read(CsvText text, ReadRequest request)
    {
        HashSet<string> texts = [.. request.Texts];
        return WithDialect(text, request, (head, dialect) =>
        {
            RawTable? table = null;
            while (table is null)
                table = WithTable(text, head, dialect, request, open => open.Read(texts));
            return table;
        });
    }

    private static T WithTable<T>(CsvText text, ReadRequest request, Func<CsvTable, T> read) =>
        WithDialect(text, request, (head, dialect) => WithTable(text, head, dialect, request, read));

    private static T WithDialect<T>(CsvText text, ReadRequest request, Func<CsvHead, CsvDialect, T> read)
    {
        request.Csv.Check();
        return DataError.Guard(text.Name, () =>
        {
            var head = CsvHead.Read(text.Open);
            return read(head, CsvDialectFinder.Find(head, request.Csv));
        });
    }

    private static T WithTable<T>(
        CsvText text, CsvHead head, CsvDialect dialect, ReadRequest request, Func<CsvTable, T> read)
    {
        using Stream plain = head.Open(text.Open);
        using Stream stream = dialect.NeedsFilter ? new CsvFilter(plain, dialect) : plain;
        return WithReader(text.Name, stream, dialect, reader => read(new(text.Name, reader, dialect, request)));
    }

    private static CsvText TextOf(string path) =>
        new(path, () => InputFile.Open(path, out _, out _));

    private static T WithReader<T>(string name, Stream stream, CsvDialect dialect, Func<CsvReader, T> read)
    {
        var options = new CsvReaderOptions
        {
            Separator = dialect.ReaderSeparator,
            Quote = dialect.Quote,
            HasHeader = dialect.Header,
            TrackLineNumbers = true,
            TrimWhitespace = dialect.HasBlanks && dialect.Separator != '\t',
            MalformedData = CsvMalformedDataHandling.Recover,
            OnMalformedRecord = record => RefuseQuotes(name, record),
            MaxRecordSize = LargestRecord,
            PoolStrings = true, // takes 3 KiB a column that is read as text
            FormatProvider = CultureInfo.InvariantCulture,
        };
        try
        {
            using CsvReader reader = CsvReader.Create(stream, options);
            return read(reader);
        }
        catch (DecoderFallbackException exception)
        {
            throw DataError.Of(
                $"{name}: the text is not UTF-16, as its first bytes say; save the file as CSV in UTF-8.", exception);
        }
        catch (CsvFormatException exception) when (
            exception.Message.Contains(nameof(options.MaxRecordSize), StringComparison.Ordinal))
        {
            throw DataError.Of(
                $"{name}:{Math.Max(1, exception.LineNumber)}: a row of more than {LargestRecord} bytes, the "
                + "most that is read; is it a table, and is every quote closed?", exception);
        }
        catch (CsvFormatException exception)
        {
            throw NotCsv(name, exception.LineNumber, DataError.OneLine(exception), exception);
        }
    }

    /// <summary>
    /// A quote within a field is text, as other programs read it; not where a later one of the row may have swallowed
    /// lines.
    /// </summary>
    private static void RefuseQuotes(string name, CsvMalformedRecord record)
    {
        if (record.Reason == CsvMalformedReason.StrayQuote && record.RawRecord.AsSpan().IndexOfAny('\n', '\r') < 0)
            return;
        throw NotCsv(name, record.LineNumber, record.Reason switch
        {
            CsvMalformedReason.TextAfterClosingQuote => "text after the closing quote of a field",
            CsvMalformedReason.UnterminatedQuote => "a quote is never closed",
            _ => "a quote inside a field, in a row of several lines",
        });
    }

    private static DistTrainerException NotCsv(string name, long line, string what, Exception? inner = null) =>
        DataError.Of(
            $"{name}:{Math.Max(1, line)}: the text is not CSV ({what}); put fields with quotes in quotes and double "
            + "the quotes inside.", inner);
}

/// <summary>A CSV text, wherever it lies.</summary>
/// <param name="Name">What errors call it: the path of a file.</param>
/// <param name="Open">Opens it at its beginning; called for the first part, then for all, and once more where a column
/// turns out to be text.</param>
internal sealed record CsvText(string Name, Func<Stream> Open);

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
