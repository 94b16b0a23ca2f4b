using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;

namespace DistTrainer.Jobs;

/// <summary>The data schema as JSON, as model files carry it.</summary>
internal static class SchemaJson
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        IgnoreReadOnlyProperties = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    /// <summary>To JSON.</summary>
    public static string Write(DataSchema schema) => JsonSerializer.Serialize(schema, s_options);

    /// <summary>From JSON, checked.</summary>
    /// <param name="text">What <see cref="Write"/> wrote.</param>
    /// <exception cref="FormatException">It is damaged.</exception>
    public static DataSchema Read(string text)
    {
        DataSchema schema;
        try
        {
            schema = JsonSerializer.Deserialize<DataSchema>(text, s_options) ?? throw new FormatException(
                "the data schema is empty");
        }
        catch (JsonException failure)
        {
            throw new FormatException($"the data schema is damaged ({failure.Message})", failure);
        }

        CheckNames(schema.FeatureNames, "featureNames");
        CheckNames(schema.TargetNames, "targetNames");
        CheckNames(schema.ClassNames, "classNames");
        CheckColumns(schema);
        Normalization scaling = schema.Normalization;
        bool fits = schema.Task != TaskKind.Auto
            && schema.FeatureNames.Count > 0 && schema.TargetNames.Count > 0
            && (schema.Task == TaskKind.Classification) == (schema.ClassNames.Count > 0)
            && (schema.Task != TaskKind.Classification || schema.TargetNames.Count == 1
                || schema.TargetNames.SequenceEqual(schema.ClassNames))
            && Fits(scaling.Offset, scaling.Scale, schema.FeatureNames.Count)
            && Fits(scaling.TargetOffset, scaling.TargetScale, schema.TargetNames.Count)
            && (scaling.Bounds.Length == 0 || scaling.Bounds.Length == schema.FeatureNames.Count)
            && scaling.Bounds.All(bound => bound >= 0 && float.IsFinite(bound));
        return fits ? schema : throw new FormatException("the data schema does not fit together");
    }

    private static void CheckColumns(DataSchema schema)
    {
        if (schema.Columns.Count == 0)
            return;
        for (int i = 0; i < schema.Columns.Count; i++)
        {
            ColumnSchema column = schema.Columns[i] ?? throw new FormatException(
                $"the data schema has no columns[{i}]");
            CheckNames(column.Values, $"columns[{i}].values");
            bool fits = column.Kind != ColumnKind.Ignore && column.Embedding >= 0 && double.IsFinite(column.Fill)
                && double.IsFinite(column.Start) && (column.Kind == ColumnKind.Category || column.Embedding == 0)
                && (column.Kind != ColumnKind.YesNo || column.Values.Count == 2)
                && (column.Kind != ColumnKind.Category || column.Values.Count > 0)
                && (column.Kind != ColumnKind.Date || column.Parts.Count > 0)
                && (column.Since is null || (column.Kind == ColumnKind.Date && schema.Columns.Take(i).Any(
                    other => other.Kind == ColumnKind.Date && other.Name == column.Since)))
                && (column.Bins.Count == 0 || column.Bins.Count == column.Numbers)
                && column.Bins.All(edges => edges.All(double.IsFinite)
                    && edges.Zip(edges.Skip(1)).All(pair => pair.First < pair.Second));
            if (!fits)
                throw new FormatException(
                    $"the data schema's column {ConfigNode.Show(column.Name)} does not fit together");
        }
        CheckNames([.. schema.Columns.Select(column => column.Name)], "columns");
        if (!TableEncoder.NamesOf(schema.Columns).SequenceEqual(schema.FeatureNames))
            throw new FormatException("the data schema's features are not those of its columns");
    }

    // The serializer looks at lists, not into them.
    private static void CheckNames(IReadOnlyList<string> names, string list)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] is not { } name)
                throw new FormatException($"the data schema has no name at {list}[{i}] (null)");
            if (!first.TryAdd(name, i))
                throw new FormatException(
                    $"the data schema has the name {ConfigNode.Show(name)} twice, at {list}[{first[name]}] and "
                    + $"{list}[{i}]");
        }
    }

    private static bool Fits(double[] offset, float[] scale, int count) =>
        offset.Length == count && scale.Length == count && offset.All(double.IsFinite)
            && scale.All(value => float.IsFinite(value) && value != 0);
}
