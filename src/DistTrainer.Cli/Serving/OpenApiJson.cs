using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Data.Columns;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Serving;

/// <summary>
/// What <c>GET /openapi.json</c> says: an OpenAPI 3.1 description of this model's requests and answers, from which
/// clients are generated.
/// </summary>
internal static class OpenApiJson
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
    };

    /// <summary>The description.</summary>
    /// <param name="model">The model.</param>
    /// <param name="run">The run's name.</param>
    /// <param name="settings">The limits.</param>
    /// <returns>JSON in UTF-8.</returns>
    public static byte[] Write(TrainedModel model, string run, ServeSettings settings)
    {
        var problem = Content("application/problem+json", Object(
            ("title", Type("string")), ("status", Type("integer")), ("detail", Type("string")),
            ("row", Type("integer")), ("column", Type("string"))));
        var responses = new JsonObject
        {
            ["200"] = new JsonObject
            {
                ["description"] = "One prediction a row, in the order of the rows",
                ["content"] = Content("application/json", Array(Prediction(model.Schema))),
            },
        };
        foreach ((string status, string what) in new[]
        {
            ("400", "The body is not JSON or CSV, or does not fit the model"),
            ("413", "Too many rows or bytes for one request"), ("503", "Too many requests at once: come again"),
        })
            responses[status] = new JsonObject { ["description"] = what, ["content"] = problem.DeepClone() };
        JsonObject rows = Object(("rows", new JsonObject
        {
            ["type"] = "array",
            ["minItems"] = 1,
            ["maxItems"] = settings.MaxRows,
            ["items"] = new JsonObject { ["$ref"] = "#/components/schemas/Row" },
        }));
        rows["required"] = new JsonArray("rows");
        JsonObject body = Content("application/json", rows);
        body["text/csv"] = new JsonObject { ["schema"] = Type("string") };
        var api = new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = $"Predictions of {run}", ["version"] = model.ParameterHash[..12] },
            ["paths"] = new JsonObject
            {
                ["/predict"] = new JsonObject
                {
                    ["post"] = new JsonObject
                    {
                        ["operationId"] = "predict",
                        ["requestBody"] = new JsonObject { ["required"] = true, ["content"] = body },
                        ["responses"] = responses,
                    },
                },
            },
            ["components"] = new JsonObject { ["schemas"] = new JsonObject { ["Row"] = Row(model.Schema) } },
        };
        return [.. JsonSerializer.SerializeToUtf8Bytes(api, s_options), (byte)'\n'];
    }

    private static JsonObject Row(DataSchema schema)
    {
        JsonObject row = Object([.. schema.Inputs.Select(
            (name, i) => (name, schema.Columns.Count == 0 ? Type("number") : Cell(schema.Columns[i])))]);
        row["required"] = new JsonArray([.. schema.Inputs.Select(name => (JsonNode)name)]);
        return row;
    }

    private static JsonObject Cell(ColumnSchema column)
    {
        JsonObject cell = Type(column.Kind == ColumnKind.Number ? "number" : "string");
        if (column.Kind == ColumnKind.YesNo)
            cell["description"] = $"{column.Values[1]} or {column.Values[0]}, in any case";
        if (column.Kind == ColumnKind.Category)
            cell["examples"] = new JsonArray([.. column.Values.Take(20).Select(value => (JsonNode)value)]);
        if (column.Kind == ColumnKind.Date)
            cell["description"] = "A date, with or without a time: 2019-03-23 20:21:09";
        if (column.Gaps || column.Kind == ColumnKind.Category)
            cell["type"] = new JsonArray(cell["type"]!.DeepClone(), "null");
        return cell;
    }

    private static JsonObject Prediction(DataSchema schema) => schema.Task == TaskKind.Classification
        ? Object(("class", Type("string")),
            ("probabilities", Object([.. schema.ClassNames.Select(name => (name, Type("number")))])))
        : Object((schema.Task == TaskKind.Binary ? "probabilities" : "values",
            Object([.. schema.TargetNames.Select(name => (name, Type("number")))])));

    private static JsonObject Type(string name) => new() { ["type"] = name };

    private static JsonObject Array(JsonObject items) => new() { ["type"] = "array", ["items"] = items };

    private static JsonObject Object(params IReadOnlyList<(string Name, JsonObject Schema)> properties) => new()
    {
        ["type"] = "object",
        ["properties"] = new JsonObject(properties.Select(
            one => KeyValuePair.Create<string, JsonNode?>(one.Name, one.Schema))),
    };

    private static JsonObject Content(string type, JsonObject schema) =>
        new() { [type] = new JsonObject { ["schema"] = schema } };
}
