using CsvHelper;
using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Engine.Data;

/// <content>Reading for a model, block by block.</content>
internal sealed partial class CsvTable
{
    /// <summary>
    /// Reads all rows for a model, which knows the columns, block by block: some are read and used ahead.
    /// </summary>
    /// <typeparam name="T">What becomes of a block of rows.</typeparam>
    /// <param name="use">Makes it; called side by side.</param>
    /// <returns>In the order of the text.</returns>
    public IEnumerable<T> ReadBlocks<T>(Func<RawTable, T> use)
    {
        ColumnPlan plan;
        using (var first = new CsvBlock())
        {
            using CsvReader reader = OpenFirst(first);
            plan = Plan(reader);
            _used = [.. plan.Features, .. request.NeedTargets ? plan.Targets : []];
            first.Columns = MakeBuffers(plan.Features.Length, []);
            first.Clear(FormsOf(first, plan));
            _rows.Read(first, reader, _used, First);
            yield return use(ToTable(first, plan));
        }
        var free = new Stack<CsvBlock>();
        var ahead = new Queue<(CsvBlock Block, Task<(bool Any, T? Made)> Use)>();
        try
        {
            while (true)
            {
                while (_more && ahead.Count < BlocksAThread * threads)
                {
                    if (!free.TryPop(out CsvBlock? block))
                        _batch.Add(block = new CsvBlock());
                    _more = ReadBlock(block);
                    if (_more || block.Failure is not null)
                        ahead.Enqueue((block, Task.Run(() => Use(block, plan, use))));
                }
                if (!ahead.TryDequeue(out (CsvBlock Block, Task<(bool Any, T? Made)> Use) next))
                    yield break;
                (bool any, T? made) = next.Use.GetAwaiter().GetResult();
                free.Push(next.Block);
                if (any)
                    yield return made!;
            }
        }
        finally
        {
            // Their blocks' memory is given back behind them; a failure of theirs comes too late to count.
            ((IAsyncResult)Task.WhenAll(ahead.Select(one => one.Use))).AsyncWaitHandle.WaitOne();
        }
    }

    private (bool Any, T? Made) Use<T>(CsvBlock block, ColumnPlan plan, Func<RawTable, T> use)
    {
        block.Failure?.Throw();
        block.Columns = block.Columns.Length > 0 ? block.Columns : MakeBuffers(plan.Features.Length, []);
        ReadRows(block, FormsOf(block, plan));
        return block.Lines.Count > 0 ? (true, use(ToTable(block, plan))) : default;
    }

    /// <summary>What the cells are where a model knows it; targets are what they look like, or text.</summary>
    private ColumnForm[] FormsOf(CsvBlock block, ColumnPlan plan) => [.. block.Columns.Select((column, i) =>
        i < plan.Features.Length ? request.FormOf(i, column.Name)
        : request.TextTargets ? ColumnForm.Text : ColumnForm.Any)];

    private RawTable ToTable(CsvBlock block, ColumnPlan plan)
    {
        for (int i = 0; i < block.Columns.Length; i++)
        {
            block.Columns[i].Finish();
            if (block.Columns[i].Stray is { } stray)
                throw StrayOf(i, stray, block.Lines);
        }
        int features = plan.Features.Length;
        string Place(int row) => $"{path}:{block.Lines.Of(row)}";
        string TargetPlace(int row, int target) => $"{Place(row)}:{plan.Targets[target] + First + 1}";
        RawColumn[] all = [.. block.Columns.Select(column => column.ToColumn())];
        return new RawTable(
            path, all[..features],
            [.. all[features..].Select((column, i) => RawTarget.Of(
                column, request.TextTargets, row => TargetPlace(row, i)))], Place, TargetPlace);
    }
}
