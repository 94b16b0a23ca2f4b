using System.Text;
using System.Text.Json;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Jobs;
using Microsoft.AspNetCore.Http;

namespace DistTrainer.Cli.Serving;

/// <summary>
/// Reads <c>{"rows": [[…], …]}</c> and <c>{"rows": [{"area": 72.5, …}, …]}</c>. Numbers become the same floats as those
/// of a CSV file. Other columns may be there and are not used, as in a CSV file.
/// </summary>
/// <param name="schema">The model's columns and scaling.</param>
/// <param name="missing">What marks a missing value.</param>
/// <param name="mostRows">Most rows of a request.</param>
internal sealed class RowsJson(DataSchema schema, IReadOnlyList<string> missing, int mostRows)
{
    private const string Form = "allowed: {\"rows\": [[value, …], …]} or {\"rows\": [{\"column\": value, …}, …]}";

    private readonly Dictionary<string, int> _columns = schema.Inputs.Select((name, column) => (name, column))
        .ToDictionary(pair => pair.name, pair => pair.column, StringComparer.Ordinal);

    /// <summary>Reads and scales the rows.</summary>
    /// <param name="body">JSON in UTF-8.</param>
    /// <exception cref="RequestProblem">It is not JSON (400), does not fit the model (400), or has too many rows
    /// (413).</exception>
    public PredictionRows Read(ReadOnlySpan<byte> body)
    {
        var json = new Utf8JsonReader(body);
        try
        {
            return ReadBody(ref json);
        }
        catch (JsonException failure)
        {
            throw Wrong(
                $"The body is not JSON (line {(failure.LineNumber ?? 0) + 1}, byte "
                + $"{(failure.BytePositionInLine ?? 0) + 1}); {Form}.");
        }
        catch (InvalidOperationException)
        {
            throw Wrong($"The body has a name that is not UTF-8, or half of a surrogate pair; {Form}.");
        }
    }

    private PredictionRows ReadBody(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
            throw Wrong($"The body is {Shown(ref json)}; {Form}.");
        PredictionRows? rows = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            string name = json.GetString()!;
            if (name != "rows")
                throw Wrong($"{Quote(name)} is not known{NearestName.Hint(name, ["rows"])}; {Form}.");
            if (rows is not null)
                throw Wrong("\"rows\" is there twice; give it once.");
            json.Read();
            rows = ReadRows(ref json);
        }

        json.Read(); // What follows the object is refused here.
        return rows ?? throw Wrong($"\"rows\" is missing; {Form}.");
    }

    private PredictionRows ReadRows(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray)
            throw Wrong($"rows: is {Shown(ref json)}; {Form}.");
        int width = schema.Inputs.Count, count = 0;
        TableRows rows = DataLoader.RowsFor("rows", schema, missing);
        string?[] row = new string?[width];
        bool[] seen = new bool[width];
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (count == mostRows)
                throw new RequestProblem(
                    StatusCodes.Status413PayloadTooLarge,
                    $"rows: there are more than {Numbers.Text(mostRows)}, the most of one request (--max-rows); send "
                    + "several requests.");
            if (json.TokenType == JsonTokenType.StartArray)
                ReadArray(ref json, count, row);
            else if (json.TokenType == JsonTokenType.StartObject)
                ReadObject(ref json, count, row, seen);
            else
                throw Wrong($"rows[{count}]: is {Shown(ref json)}; {Form}.", count);
            Add(rows, row, count++);
        }

        return count > 0 ? rows.ToPredictionRows() : throw Wrong("rows: is empty; give at least one row.");
    }

    private static void Add(TableRows rows, string?[] values, int row)
    {
        try
        {
            rows.Add(values);
        }
        catch (DistTrainerException refused) when (TableRows.ColumnOf(refused) is { } column)
        {
            throw Wrong(refused.Message, row, column);
        }
    }

    private void ReadArray(ref Utf8JsonReader json, int row, string?[] values)
    {
        int count = 0;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (count < values.Length)
                values[count] = Cell(ref json, row, count);
            else
                json.Skip();
            count++;
        }

        if (count != values.Length)
            throw Wrong(
                $"rows[{row}]: has {count} value(s); the model wants {values.Length}: {Listed(schema.Inputs)}.",
                row);
    }

    private void ReadObject(ref Utf8JsonReader json, int row, string?[] values, bool[] seen)
    {
        Array.Clear(seen);
        var others = new List<string>();
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            string name = json.GetString()!;
            json.Read();
            if (!_columns.TryGetValue(name, out int column))
            {
                others.Add(name);
                json.Skip();
                continue;
            }

            if (seen[column])
                throw Wrong($"rows[{row}]: {Quote(name)} is there twice; give it once.", row, name);
            seen[column] = true;
            values[column] = Cell(ref json, row, column);
        }

        if (Array.IndexOf(seen, false) is var missing and >= 0)
            throw Wrong(
                $"rows[{row}]: has no "
                + $"{Quote(schema.Inputs[missing])}{Misspelt(schema.Inputs[missing], others)}; the model "
                + $"wants {Listed(schema.Inputs)}.", row, schema.Inputs[missing]);
    }

    private static string Misspelt(string missing, IReadOnlyList<string> others) =>
        NearestName.Find(missing, others.Take(100)) is { } nearest ? $" (is it {Quote(nearest)}?)" : "";

    /// <summary>A value as a CSV file would have it.</summary>
    private string? Cell(ref Utf8JsonReader json, int row, int column)
    {
        string name = schema.Inputs[column];
        ColumnSchema? known = schema.Columns.Count == 0 ? null : schema.Columns[column];
        bool isNumber = known is null or { Kind: ColumnKind.Number };
        // A gap where training had none would be filled without a word.
        bool mayBeNull = known is { Gaps: true } or { Kind: ColumnKind.Category };
        bool isFine = json.TokenType switch
        {
            JsonTokenType.Number => true,
            JsonTokenType.Null => mayBeNull,
            JsonTokenType.StartArray or JsonTokenType.StartObject => false,
            _ => !isNumber,
        };
        if (!isFine)
            throw Wrong(
                $"rows[{row}], column {Quote(name)}: is {Shown(ref json)}; allowed: "
                + (isNumber ? "a number, without quotes" : "a text")
                + (mayBeNull ? ", or null for a missing value." : "."), row, name);
        if (isNumber && json.TokenType == JsonTokenType.Number
            && !(json.TryGetDouble(out double value) && Math.Abs(value) <= float.MaxValue))
            throw Wrong(
                $"rows[{row}], column {Quote(name)}: {Shown(ref json)} is too large; allowed: numbers up to 3.4e38.",
                row, name);
        return json.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.String => json.GetString(),
            _ => Encoding.UTF8.GetString(json.ValueSpan),
        };
    }

    private static RequestProblem Wrong(string detail, int? row = null, string? column = null) =>
        new(StatusCodes.Status400BadRequest, detail) { Row = row, Column = column };

    private static string Shown(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.StartArray => "a list",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.String => $"the text {Quote(json.GetString()!)}",
        JsonTokenType.Null => "null, a missing value",
        _ => Printable.Short(Encoding.UTF8.GetString(json.ValueSpan), 40),
    };

    private static string Quote(string text) => $"\"{Printable.Short(text, 40)}\"";

    private static string Listed(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(12)) + (names.Count > 12 ? $", … ({names.Count} in all)" : "");
}
