using System.Globalization;
using System.Runtime.ExceptionServices;
using CsvHelper;
using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <summary>One pass over an open CSV file: blocks of rows are read side by side, and put together in order.</summary>
/// <param name="path">What errors call the text.</param>
/// <param name="blocks">At the beginning of the text.</param>
/// <param name="dialect">How the text is written.</param>
/// <param name="request">What is wanted.</param>
/// <param name="threads">Threads that read.</param>
internal sealed partial class CsvTable(
    string path, CsvBlocks blocks, CsvDialect dialect, ReadRequest request, int threads) : IDisposable
{
    private const int BlocksAThread = 2;

    private readonly RowLines _lines = new();
    private readonly List<CsvBlock> _batch = [];
    private readonly CsvRows _rows = new(path, dialect);
    private readonly ParallelOptions _parallel = new() { MaxDegreeOfParallelism = threads };
    private string[] _names = [];
    private int[] _used = [];
    private int _width;
    private bool _more = true;

    private int First => dialect.RowNames ? 1 : 0;

    /// <summary>Reads all rows.</summary>
    /// <param name="texts">Columns that are text although they begin with numbers; more may be found.</param>
    /// <returns>Null where columns were added to <paramref name="texts"/>, so that all must be read again.</returns>
    public RawTable? Read(HashSet<string> texts)
    {
        using var first = new CsvBlock();
        using CsvReader reader = OpenFirst(first);
        ColumnPlan plan = Plan(reader);
        int features = plan.Features.Length;
        (_used, _width) = ([.. plan.Features, .. plan.Targets], Math.Max(1, features));
        ColumnBuffer[] columns = MakeBuffers(features, texts);
        first.Columns = columns;
        _rows.Read(first, reader, _used, First);
        _lines.Append(first.Lines);
        while (_more)
        {
            ColumnForm[] forms = FormsOf(columns);
            Append(columns, ReadBatch(() => MakeBuffers(features, texts), (block, _) => ReadRows(block, forms)));
        }
        int known = texts.Count;
        for (int i = 0; i < columns.Length; i++)
        {
            columns[i].Finish();
            if (columns[i].MustBeText)
                texts.Add(columns[i].Name);
            else if (columns[i].Stray is { } stray)
                throw StrayOf(i, stray, _lines);
        }
        if (texts.Count > known)
            return null;
        RawColumn[] all = [.. columns.Select(column => column.ToColumn())];
        string TargetPlace(int row, int target) => $"{RowPlace(row)}:{plan.Targets[target] + First + 1}";
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
        using var block = new CsvBlock();
        CsvReader reader = OpenFirst(block);
        int column;
        using (reader)
        {
            column = Plan(reader).Targets[0];
            _rows.Look(reader, column + First, look);
        }
        while (blocks.Read(block))
        {
            using CsvReader next = _rows.Open(block, header: false);
            if (_rows.Next(next))
                _rows.Look(next, column + First, look);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _batch.ForEach(block => block.Dispose());

    /// <summary>Reads blocks of rows side by side.</summary>
    /// <param name="make">Makes a block's columns.</param>
    /// <param name="read">Reads a block, which has a place among the others.</param>
    /// <returns>In the order of the text; none at its end.</returns>
    private List<CsvBlock> ReadBatch(Func<ColumnBuffer[]> make, Action<CsvBlock, int> read)
    {
        int taken = 0;
        Parallel.For(0, BlocksAThread * threads, _parallel, _ =>
        {
            CsvBlock block;
            int place;
            lock (_batch)
            {
                if (!_more)
                    return;
                if (taken == _batch.Count)
                    _batch.Add(new CsvBlock());
                (block, place) = (_batch[taken], taken);
                _more = ReadBlock(block);
                taken += _more || block.Failure is not null ? 1 : 0;
                if (!_more)
                    return;
            }
            try
            {
                block.Columns = block.Columns.Length > 0 ? block.Columns : make();
                read(block, place);
            }
            catch (Exception failure)
            {
                block.Failure = ExceptionDispatchInfo.Capture(failure); // unless a row before it is wrong
            }
        });
        return _batch[..taken];
    }

    private bool ReadBlock(CsvBlock block)
    {
        try
        {
            return blocks.Read(block);
        }
        catch (Exception failure)
        {
            block.Failure = ExceptionDispatchInfo.Capture(failure);
            return false;
        }
    }

    private void ReadRows(CsvBlock block, ColumnForm[] forms)
    {
        block.Clear(forms);
        using CsvReader reader = _rows.Open(block, header: false);
        if (_rows.Next(reader))
            _rows.Read(block, reader, _used, First);
    }

    /// <summary>Adds the values of the next rows to the columns.</summary>
    private void Append(ColumnBuffer[] columns, List<CsvBlock> next)
    {
        ColumnForm[] forms = FormsOf(columns);
        foreach (CsvBlock block in next)
        {
            block.Failure?.Throw();
            // The rows before decide what a column is; in these it was guessed.
            if (!block.Fits(forms))
                ReadRows(block, forms);
            for (int i = 0; i < forms.Length; i++)
                forms[i] = forms[i] == ColumnForm.Any ? block.Columns[i].Found : forms[i];
            _lines.Append(block.Lines);
            RawData.CheckSize(path, Math.Min(_lines.Count, (Array.MaxLength / _width) + 1L), _width);
        }
        Parallel.For(0, columns.Length, _parallel, i =>
        {
            foreach (CsvBlock block in next)
                columns[i].Append(block.Columns[i]);
        });
    }

    private static ColumnForm[] FormsOf(ColumnBuffer[] columns) => Array.ConvertAll(columns, column => column.Found);

    /// <summary>Reads blocks up to the first row.</summary>
    private CsvReader OpenFirst(CsvBlock block)
    {
        string[] header = [];
        while (blocks.Read(block))
        {
            CsvReader reader = _rows.Open(block, dialect.Header && header.Length == 0);
            bool any = Begin(reader);
            if (header.Length == 0)
                header = [.. reader.Headers.Select(name => name.Trim())];
            _names = dialect.Header ? header
                : [.. Enumerable.Range(0, any ? reader.FieldCount : 0)
                    .Select(n => n.ToString(CultureInfo.InvariantCulture))];
            if (any)
                return reader;
            reader.Dispose();
        }
        throw DataError.WithoutRows(_names.Length == 0
            ? $"{path}: the file is empty; give a file with at least one row."
            : $"{path}: there is a header line but no row below it; give a file with at least one row.");
    }

    private bool Begin(CsvReader reader)
    {
        try
        {
            return _rows.Next(reader);
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    private ColumnPlan Plan(CsvReader reader)
    {
        bool extra = dialect.SeparatorEndsRows && _names[^1].Length == 0; // the header ends with a separator too
        if (dialect.SeparatorEndsRows && (extra || !dialect.Header))
            _names = _names[..^1];
        _rows.Fields = _names.Length + First + (dialect.SeparatorEndsRows ? 1 : 0);
        CheckHeader(reader);
        return ColumnPlan.Make($"{path}:1", _names, dialect.Header, request);
    }

    private void CheckHeader(CsvReader reader)
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

    private DistTrainerException StrayOf(int column, StrayCell stray, RowLines lines) => CsvStray.Error(
        $"{path}:{lines.Of(stray.Row)}:{_used[column] + First + 1}", _names[_used[column]], stray, dialect, request,
        isFirstLine: lines.Of(stray.Row) == 1);

    private string RowPlace(int row) => $"{path}:{_lines.Of(row)}";

    private ColumnBuffer[] MakeBuffers(int features, HashSet<string> texts) => [.. _used.Select((column, i) =>
        MakeBuffer(_names[column], i < features ? request.FormOf(i, _names[column]) : null, texts))];

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
}
