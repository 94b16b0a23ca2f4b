using System.Globalization;
using System.Text;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>
/// Rows with a model's columns, taken in cell by cell as text, and made ready for it: what requests and programs have.
/// </summary>
public sealed class TableRows
{
    private const string Column = "column";

    private readonly GapMarks _gaps;
    private readonly string _name;
    private readonly DataSchema _schema;
    private readonly ColumnBuffer[] _columns;

    /// <summary>Begins without rows.</summary>
    /// <param name="name">What errors call the rows.</param>
    /// <param name="schema">What the model knows of its data.</param>
    /// <param name="gaps">What marks a missing value.</param>
    internal TableRows(string name, DataSchema schema, GapMarks gaps)
    {
        (_name, _schema, _gaps) = (name, schema, gaps);
        Dictionary<string, ColumnForm> forms = TableColumns.FormsOf(schema);
        var dialect = new CsvDialect();
        _columns = [.. schema.Inputs.Select(
            column => new ColumnBuffer(column, forms[column], dialect, _gaps))];
    }

    /// <summary>Rows that are complete.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the next row in.</summary>
    /// <param name="cells">One a column of <see cref="DataSchema.Inputs"/>, as a CSV file would have it; null for a
    /// missing value.</param>
    /// <exception cref="ArgumentException">There are more or fewer cells than columns.</exception>
    /// <exception cref="DistTrainerException">A cell is no number, no date or none of two words where one must be, or
    /// is missing where training had no gaps; the message names row and column
    /// (<see cref="FailureKind.Data"/>).</exception>
    public void Add(ReadOnlySpan<string?> cells)
    {
        if (cells.Length != _columns.Length)
            throw new ArgumentException(
                $"{cells.Length} cells; the model has {_columns.Length} columns.", nameof(cells));
        for (int i = 0; i < cells.Length; i++)
        {
            ColumnSchema? known = _schema.Columns.Count > 0 ? _schema.Columns[i] : null;
            bool isGap = cells[i] is not { } cell || _gaps.Has(cell.Trim());
            if (isGap && known is not ({ Gaps: true } or { Kind: ColumnKind.Category }))
                throw Wrong(i, "has no value, and the model learned of no gaps there; give one.");
            if (known is { Kind: ColumnKind.YesNo } words && !isGap
                && !words.Values.Contains(cells[i]!.Trim(), StringComparer.OrdinalIgnoreCase))
                throw Wrong(
                    i, $"{DataError.Quote(cells[i]!)} is neither {words.Values[1]} nor {words.Values[0]}; give one of "
                    + "them.");
            if (cells[i] is null)
                _columns[i].AddGap();
            else if (!_columns[i].Add(Encoding.UTF8.GetBytes(cells[i]!)) || _columns[i].Stray is not null)
            {
                string wanted = known is { Kind: ColumnKind.Date } ? "date" : "number";
                throw Wrong(i, $"{DataError.Quote(cells[i]!)} is no {wanted}; correct it.");
            }
        }
        Count++;
    }

    /// <summary>All rows, scaled.</summary>
    /// <exception cref="DistTrainerException">A value is so far from the training data that it cannot be scaled, or is
    /// missing where the model learned of no gaps (<see cref="FailureKind.Data"/>).</exception>
    public PredictionRows ToPredictionRows() => DataPreparation.Predictable(
        new RawTable(_name, [.. _columns.Select(column => column.ToColumn())], [], Place, (row, _) => Place(row)),
        _schema);

    private DistTrainerException Wrong(int column, string what)
    {
        DistTrainerException wrong = DataError.Of(
            $"{Place(Count)}, column {DataError.Quote(_columns[column].Name)}: {what}");
        wrong.Data[Column] = _columns[column].Name;
        return wrong;
    }

    /// <summary>The column whose cell was refused; null where it was none.</summary>
    internal static string? ColumnOf(DistTrainerException refused) => refused.Data[Column] as string;

    private string Place(int row) => $"{_name}: row {row.ToString(CultureInfo.InvariantCulture)}";
}
