using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsvHelper;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>Predictions as CSV or JSON, a row or object for each row of the data.</summary>
internal static class PredictionText
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

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

    /// <summary>A list of <c>{"class": …, "probabilities": {…}}</c>, <c>{"probabilities": {…}}</c> (binary) or <c>{"values": {…}}</c>.</summary>
    /// <param name="schema">Names of classes and targets.</param>
    /// <param name="predictions">[rows, outputs] row-major.</param>
    public static string Json(DataSchema schema, float[] predictions)
    {
        string[] names = [.. Names(schema)];
        var text = new StringBuilder("[");
        string separator = "\n";
        foreach (float[] row in predictions.Chunk(schema.Outputs))
        {
            text.Append(separator).Append(Row(schema, names, row));
            separator = ",\n";
        }

        return text.Append("\n]\n").ToString();
    }

    private static string Row(DataSchema schema, string[] names, float[] row)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            if (schema.Task == TaskKind.Classification)
                json.WriteString("class", schema.ClassNames[IndexOfLargest(row)]);
            json.WriteStartObject(schema.Task == TaskKind.Regression ? "values" : "probabilities");
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

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static IReadOnlyList<string> Names(DataSchema schema) => schema.Task == TaskKind.Classification ? schema.ClassNames : schema.TargetNames;

    // The first of equals, as the accuracy counts it.
    private static int IndexOfLargest(float[] row) => Array.IndexOf(row, row.Max());
}
