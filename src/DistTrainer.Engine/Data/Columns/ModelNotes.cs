namespace DistTrainer.Engine.Data.Columns;

/// <summary>What rows for a model have that training did not, summed over blocks of rows.</summary>
internal sealed class ModelNotes
{
    private const int Shown = 3;

    private readonly Dictionary<string, (int Rows, List<string> Values)> _unknown = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _gaps = new(StringComparer.Ordinal);
    private string[] _columns = [];
    private string _targets = "";
    private long _rows;
    private long _labelled;

    /// <summary>A line a column, after one about rows without targets.</summary>
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
            return [.. WithoutTargets(_targets, _rows, _labelled), .. unknown, .. gaps];
        }
    }

    /// <summary>How many rows have no target, where some have none.</summary>
    /// <param name="raw">The rows.</param>
    /// <param name="labelled">Those that have one.</param>
    public static IEnumerable<string> OfTargets(RawData raw, int labelled) =>
        WithoutTargets(NamesOf(raw.Targets), raw.Count, labelled);

    /// <summary>Adds rows of which some have no target.</summary>
    /// <param name="raw">The rows.</param>
    /// <param name="labelled">Those that have one.</param>
    public void AddTargets(RawData raw, int labelled) =>
        (_targets, _rows, _labelled) = (NamesOf(raw.Targets), _rows + raw.Count, _labelled + labelled);

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
        _targets = next._targets.Length > 0 ? next._targets : _targets;
        (_rows, _labelled) = (_rows + next._rows, _labelled + next._labelled);
        foreach ((string column, (int rows, List<string> values)) in next._unknown)
        {
            (int known, List<string> all) = _unknown.GetValueOrDefault(column, (0, []));
            values.ForEach(value => AddValue(all, value));
            _unknown[column] = (known + rows, all);
        }
        foreach ((string column, int count) in next._gaps)
            _gaps[column] = _gaps.GetValueOrDefault(column) + count;
    }

    private static string NamesOf(IReadOnlyList<RawTarget> targets) =>
        string.Join(", ", targets.Select(target => DataError.Quote(target.Name)));

    private static IEnumerable<string> WithoutTargets(string targets, long rows, long labelled) =>
        labelled == rows ? []
            : [$"{DataError.Number(rows - labelled)} of {DataError.Number(rows)} rows have no {targets} and are left "
                + "out"];

    private static void AddValue(List<string> values, string value)
    {
        if (values.Count < Shown && !values.Contains(value))
            values.Add(value);
    }
}
