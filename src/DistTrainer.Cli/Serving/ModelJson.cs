using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Serving;

/// <summary>What <c>GET /model</c> says.</summary>
internal static class ModelJson
{
    private static readonly JsonWriterOptions s_options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Indented = true,
    };

    /// <summary>Names, shapes and hash of a model, and the limits of a request.</summary>
    /// <param name="model">The model.</param>
    /// <param name="run">The run's name: its folder, without the path to it.</param>
    /// <param name="settings">The limits.</param>
    /// <returns>JSON in UTF-8.</returns>
    public static byte[] Write(TrainedModel model, string run, ServeSettings settings)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output, s_options))
        {
            json.WriteStartObject();
            json.WriteString("run", run);
            json.WriteString("task", model.Schema.Task.ToString().ToLowerInvariant());
            WriteNames(json, "inputs", model.Schema.Inputs);
            WriteNames(json, "outputs", model.Schema.TargetNames);
            WriteNames(json, "classes", model.Schema.ClassNames);
            json.WriteStartArray("tensors");
            foreach (ParameterTensor tensor in model.Network.Layout.Tensors)
            {
                json.WriteStartObject();
                json.WriteString("name", tensor.Name);
                json.WriteStartArray("shape");
                foreach (int size in tensor.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteNumber("parameters", model.Parameters.Length);
            json.WriteString("parameterHash", model.ParameterHash);
            json.WriteNumber("maxRows", settings.MaxRows);
            json.WriteNumber("maxBytes", settings.MaxBytes);
            json.WriteEndObject();
        }

        output.Write("\n"u8);
        return output.WrittenSpan.ToArray();
    }

    private static void WriteNames(Utf8JsonWriter json, string name, IReadOnlyList<string> names)
    {
        json.WriteStartArray(name);
        foreach (string each in names)
            json.WriteStringValue(each);
        json.WriteEndArray();
    }
}
