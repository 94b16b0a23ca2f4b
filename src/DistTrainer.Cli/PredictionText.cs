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

    /// <summary>With a header: <c>class</c> and a probability a class, or a column a target.</summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="predictions">[rows, outputs] row-major.</param>
    public static string Csv(DataSchema schema, float[] predictions)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var csv = CsvWriter.Create(text, new CsvWriterOptions(), true))
        {
            bool isClasses = schema.Task == TaskKind.Classification;
            if (isClasses)
                csv.WriteField("class");
            foreach (string name in Names(schema))
                csv.WriteField(isClasses ? $"probability_{name}" : name);
            csv.EndRecord();
            foreach (float[] row in predictions.Chunk(schema.Outputs))
            {
                if (isClasses)
                    csv.WriteField(schema.ClassNames[IndexOfLargest(row)]);
                foreach (float value in row)
                    csv.WriteField(Numbers.Exact(value));
                csv.EndRecord();
            }
        }

        return text.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>
    /// A list of <c>{"class": …, "probabilities": {…}}</c>, <c>{"probabilities": {…}}</c> (binary) or <c>{"values":
    /// {…}}</c>.
    /// </summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="predictions">[rows, outputs] row-major.</param>
    public static string Json(DataSchema schema, float[] predictions)
    {
        var output = new ArrayBufferWriter<byte>();
        WriteJson(schema, predictions, output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    /// <summary>Writes what <see cref="Json"/> gives.</summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="predictions">[rows, outputs] row-major.</param>
    /// <param name="output">Where to, in UTF-8.</param>
    public static void WriteJson(DataSchema schema, ReadOnlySpan<float> predictions, IBufferWriter<byte> output)
    {
        JsonEncodedText[] names = [.. Names(schema).Select(name => JsonEncodedText.Encode(name, s_options.Encoder))];
        using var json = new Utf8JsonWriter(output, s_options);
        output.Write("["u8);
        for (int start = 0; start < predictions.Length; start += names.Length)
        {
            output.Write(start == 0 ? "\n"u8 : ",\n"u8);
            WriteRow(json, schema, names, predictions.Slice(start, names.Length));
            json.Flush();
            json.Reset();
        }

        output.Write("\n]\n"u8);
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
