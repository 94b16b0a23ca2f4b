using System.Text;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Reads CSV as programs write it (<see cref="CsvDialect"/>), gzip too; the same in every culture.
/// </summary>
internal static class CsvTableReader
{
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

    /// <summary>Reads a text for a model, block by block in constant memory.</summary>
    /// <typeparam name="T">What becomes of a block of rows.</typeparam>
    /// <param name="text">The text; opened twice.</param>
    /// <param name="request">What is wanted: columns of known forms.</param>
    /// <param name="use">Makes it; called side by side, and the rows are not there any more afterwards.</param>
    /// <returns>In the order of the text.</returns>
    /// <exception cref="DistTrainerException">The text is wrong, as for <see cref="Read(CsvText,
    /// ReadRequest)"/>.</exception>
    public static IEnumerable<T> ReadBlocks<T>(CsvText text, ReadRequest request, Func<RawTable, T> use)
    {
        (CsvHead head, CsvDialect dialect) = WithDialect(text, request, (head, dialect) => (head, dialect));
        using CsvBlocks blocks = DataError.Guard(text.Name, () => OpenBlocks(text, head, dialect));
        using var table = new CsvTable(text.Name, blocks, dialect, request, text.Threads);
        using IEnumerator<T> next = table.ReadBlocks(use).GetEnumerator();
        while (DataError.Guard(text.Name, () => Checked(text.Name, next.MoveNext)))
            yield return next.Current;
    }

    private static T WithTable<T>(
        CsvText text, CsvHead head, CsvDialect dialect, ReadRequest request, Func<CsvTable, T> read)
    {
        using CsvBlocks blocks = OpenBlocks(text, head, dialect);
        using var table = new CsvTable(text.Name, blocks, dialect, request, text.Threads);
        return Checked(text.Name, () => read(table));
    }

    private static CsvBlocks OpenBlocks(CsvText text, CsvHead head, CsvDialect dialect)
    {
        Stream plain = head.Open(text.Open);
        return new(text.Name, dialect.NeedsFilter ? new CsvFilter(plain, dialect) : plain, dialect, text.BlockBytes);
    }

    private static T Checked<T>(string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException exception)
        {
            throw DataError.Of(
                $"{name}: the text is not UTF-16, as its first bytes say; save the file as CSV in UTF-8.", exception);
        }
    }

    private static CsvText TextOf(string path) =>
        new(path, () => InputFile.Open(path, out _, out _));
}

/// <summary>A CSV text, wherever it lies.</summary>
/// <param name="Name">What errors call it: the path of a file.</param>
/// <param name="Open">Opens it at its beginning; called for the first part, then for all, and once more where a column
/// turns out to be text.</param>
internal sealed record CsvText(string Name, Func<Stream> Open)
{
    /// <summary>Bytes that one thread reads at a time.</summary>
    public int BlockBytes { get; init; } = 1 << 19;

    /// <summary>Threads that read; what comes out does not depend on them.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}

/// <summary>
/// On which line each row stands: kept where it is not the line after the row before, so that it takes no memory in
/// most files.
/// </summary>
internal sealed class RowLines
{
    private readonly List<(int Row, long Line)> _jumps = [];
    private long _next;

    /// <summary>Rows.</summary>
    public int Count { get; private set; }

    /// <summary>Adds the next row.</summary>
    public void Add(long line)
    {
        if (line != _next)
            _jumps.Add((Count, line));
        (Count, _next) = (Count + 1, line + 1);
    }

    /// <summary>Adds the rows that follow.</summary>
    public void Append(RowLines others)
    {
        foreach ((int row, long line) in others._jumps)
        {
            if (row > 0 || line != _next)
                _jumps.Add((Count + row, line));
        }
        (Count, _next) = (Count + others.Count, others.Count > 0 ? others._next : _next);
    }

    /// <summary>Forgets all rows.</summary>
    public void Clear()
    {
        _jumps.Clear();
        (Count, _next) = (0, 0);
    }

    /// <summary>A row's line.</summary>
    public long Of(int row)
    {
        (int first, long line) = _jumps.FindLast(jump => jump.Row <= row);
        return line + row - first;
    }
}
