namespace DistTrainer.Engine.Data.Columns;

/// <summary>What rows for a model have that training did not, summed over blocks of rows.</summary>
internal sealed class ModelNotes
{
    private const int Shown = 3;

    private readonly Dictionary<string, (int Rows, List<string> Values)> _unknown = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _gaps = new(StringComparer.Ordinal);
    private string[] _columns = [];

    /// <summary>A line a column.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            IEnumerable<string> unknown = _columns.Where(_unknown.ContainsKey).Select(column =>
                $"column {DataError.Quote(column)}: {DataError.Number(_unknown[column].Rows)} row(s) with "
                + "values that training did not have or had rarely, e.g. "
                + $"{string.Join(", ", _unknown[column].Values.Select(DataError.Quote))}");
            IEnumerable<string> gaps = _columns.Where(_gaps.ContainsKey).Select(column =>
                $"column {DataError.Quote(column)}: {DataError.Number(_gaps[column])} missing value(s), which training "
                + "did not have; they count as the training part's median, or as an unknown value");
            return [.. unknown, .. gaps];
        }
    }

    /// <summary>The notes of some rows.</summary>
    public static IReadOnlyList<string> Of(RawMatrix rows)
    {
        var notes = new ModelNotes();
        notes.Add(rows);
        return notes.Lines;
    }

    /// <summary>Adds the rows that follow.</summary>
    public void Add(RawMatrix rows)
    {
        if (rows.Features is not TableEncoder table)
            return;
        var next = new ModelNotes { _columns = [.. table.Names] };
        foreach ((string column, string value, int count) in table.Unknown)
        {
            (int known, List<string> values) = next._unknown.GetValueOrDefault(column, (0, []));
            next._unknown[column] = (known + count, values);
            AddValue(values, value);
        }
        foreach ((string column, int count) in table.NewGaps)
            next._gaps[column] = next._gaps.GetValueOrDefault(column) + count;
        Add(next);
    }

    /// <summary>Adds what was noted of the rows that follow.</summary>
    public void Add(ModelNotes next)
    {
        _columns = next._columns.Length > 0 ? next._columns : _columns;
        foreach ((string column, (int rows, List<string> values)) in next._unknown)
        {
            (int known, List<string> all) = _unknown.GetValueOrDefault(column, (0, []));
            values.ForEach(value => AddValue(all, value));
            _unknown[column] = (known + rows, all);
        }
        foreach ((string column, int count) in next._gaps)
            _gaps[column] = _gaps.GetValueOrDefault(column) + count;
    }

    private static void AddValue(List<string> values, string value)
    {
        if (values.Count < Shown && !values.Contains(value))
            values.Add(value);
    }
}
