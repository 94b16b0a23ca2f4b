using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsvHelper;
using DistTrainer.Engine.Data;

namespace DistTrainer.Cli;

/// <summary>Predictions as CSV or JSON, a row or object for each row of the data.</summary>
internal static class PredictionText
{
    private static readonly JsonWriterOptions s_options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What stands before the first row.</summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="asJson">JSON or CSV: a header <c>class</c> and a probability a class, or a column a target.</param>
    public static string Begin(DataSchema schema, bool asJson)
    {
        if (asJson)
            return "[";
        bool isClasses = schema.Task == TaskKind.Classification;
        return $"{string.Join(',', CsvFields(isClasses
            ? ["class", .. Names(schema).Select(name => $"probability_{name}")] : Names(schema)))}\n";
    }

    /// <summary>What stands behind the last row.</summary>
    public static string End(bool asJson) => asJson ? "\n]\n" : "";

    /// <summary>Writes rows; those of JSON begin with the comma behind the row before.</summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="predictions">[rows, outputs] row-major.</param>
    /// <param name="asJson">JSON or CSV.</param>
    /// <param name="output">Where to, in UTF-8.</param>
    public static void WriteRows(
        DataSchema schema, ReadOnlySpan<float> predictions, bool asJson, IBufferWriter<byte> output)
    {
        if (asJson)
            WriteJsonRows(schema, predictions, isFirst: false, output);
        else
            WriteCsvRows(schema, predictions, output);
    }

    /// <summary>With a header: <c>class</c> and a probability a class, or a column a target.</summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="predictions">[rows, outputs] row-major.</param>
    public static string Csv(DataSchema schema, float[] predictions)
    {
        var output = new ArrayBufferWriter<byte>();
        WriteCsvRows(schema, predictions, output);
        return Begin(schema, asJson: false) + Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>
    /// Writes a list of <c>{"class": …, "probabilities": {…}}</c>, <c>{"probabilities": {…}}</c> (binary) or
    /// <c>{"values": {…}}</c>.
    /// </summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="predictions">[rows, outputs] row-major.</param>
    /// <param name="output">Where to, in UTF-8.</param>
    public static void WriteJson(DataSchema schema, ReadOnlySpan<float> predictions, IBufferWriter<byte> output)
    {
        output.Write("["u8);
        WriteJsonRows(schema, predictions, isFirst: true, output);
        output.Write("\n]\n"u8);
    }

    private static void WriteCsvRows(DataSchema schema, ReadOnlySpan<float> predictions, IBufferWriter<byte> output)
    {
        const int LongestNumber = 32;
        byte[][] classes = [.. CsvFields(schema.ClassNames).Select(Encoding.UTF8.GetBytes)];
        for (int start = 0; start < predictions.Length; start += schema.Outputs)
        {
            ReadOnlySpan<float> row = predictions.Slice(start, schema.Outputs);
            if (schema.Task == TaskKind.Classification)
            {
                output.Write(classes[IndexOfLargest(row)]);
                output.Write(","u8);
            }
            for (int i = 0; i < row.Length; i++)
            {
                Span<byte> field = output.GetSpan(LongestNumber);
                // as Numbers.Exact
                row[i].TryFormat(field, out int length, "R", CultureInfo.InvariantCulture);
                field[length] = i + 1 < row.Length ? (byte)',' : (byte)'\n';
                output.Advance(length + 1);
            }
        }
    }

    /// <summary>Texts as fields of a CSV row: those in quotes that need them.</summary>
    private static IEnumerable<string> CsvFields(IEnumerable<string> texts)
    {
        foreach (string value in texts)
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            using (var csv = CsvWriter.Create(text, new CsvWriterOptions(), true))
                csv.WriteField(value);
            yield return text.ToString().TrimEnd('\r', '\n').ReplaceLineEndings("\n");
        }
    }

    private static void WriteJsonRows(
        DataSchema schema, ReadOnlySpan<float> predictions, bool isFirst, IBufferWriter<byte> output)
    {
        JsonEncodedText[] names = [.. Names(schema).Select(name => JsonEncodedText.Encode(name, s_options.Encoder))];
        using var json = new Utf8JsonWriter(output, s_options);
        for (int start = 0; start < predictions.Length; start += names.Length)
        {
            output.Write(start == 0 && isFirst ? "\n"u8 : ",\n"u8);
            WriteRow(json, schema, names, predictions.Slice(start, names.Length));
            json.Flush();
            json.Reset();
        }
    }

    private static void WriteRow(
        Utf8JsonWriter json, DataSchema schema, JsonEncodedText[] names, ReadOnlySpan<float> row)
    {
        json.WriteStartObject();
        if (schema.Task == TaskKind.Classification)
            json.WriteString("class"u8, names[IndexOfLargest(row)]);
        json.WriteStartObject(schema.Task == TaskKind.Regression ? "values"u8 : "probabilities"u8);
        for (int i = 0; i < row.Length; i++)
        {
            if (float.IsFinite(row[i]))
                json.WriteNumber(names[i], row[i]);
            else
                json.WriteNull(names[i]);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static IReadOnlyList<string> Names(DataSchema schema) =>
        schema.Task == TaskKind.Classification ? schema.ClassNames : schema.TargetNames;

    // The first of equals, as the accuracy counts it.
    private static int IndexOfLargest(ReadOnlySpan<float> row)
    {
        int largest = 0;
        for (int i = 1; i < row.Length; i++)
        {
            if (row[i] > row[largest] || float.IsNaN(row[largest]))
                largest = i;
        }

        return largest;
    }
}
