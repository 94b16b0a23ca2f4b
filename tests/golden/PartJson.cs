using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Golden;

/// <summary>
/// Reads a description that names a part, as <c>make_golden.py</c> writes it: <c>Kind</c>, and beside it the
/// description's own properties and the part's settings, all with names like <c>AmsGrad</c>.
/// </summary>
/// <typeparam name="T">The description.</typeparam>
/// <param name="make">Makes one from the kind and the settings.</param>
internal sealed class PartJson<T>(Func<string, PartSettings, T> make) : JsonConverter<T>
    where T : class
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        JsonElement all = JsonElement.ParseValue(ref reader);
        PartSettings settings = PartSettings.None;
        foreach (JsonProperty property in all.EnumerateObject()
            .Where(property => property.Name != "Kind" && Own(property) is null))
            settings = settings.With(
                JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name), property.Value.ToString()
                .ToLowerInvariant());
        T made = make(all.GetProperty("Kind").GetString()!, settings);
        foreach (JsonProperty property in all.EnumerateObject())
        {
            if (property.Name != "Kind" && Own(property) is { } own)
                own.SetValue(made, property.Value.Deserialize(own.PropertyType, options));
        }
        return made;
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
        throw new NotSupportedException();

    private static PropertyInfo? Own(JsonProperty property) => typeof(T).GetProperty(property.Name);
}

/// <summary>Reads a layer: units, biases, and an activation with its slope.</summary>
internal sealed class LayerJson : JsonConverter<LayerDescription>
{
    public override LayerDescription Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        JsonElement all = JsonElement.ParseValue(ref reader);
        return new LayerDescription
        {
            Units = all.GetProperty("Units").GetInt32(),
            Bias = !all.TryGetProperty("Bias", out JsonElement bias) || bias.GetBoolean(),
            Activation = all.TryGetProperty("Activation", out JsonElement name)
                ? JsonNamingPolicy.KebabCaseLower.ConvertName(name.GetString()!) : "identity",
            Settings = all.TryGetProperty("LeakySlope", out JsonElement slope)
                ? PartSettings.Of(("leaky-slope", slope.GetSingle())) : PartSettings.None,
        };
    }

    public override void Write(Utf8JsonWriter writer, LayerDescription value, JsonSerializerOptions options) =>
        throw new NotSupportedException();
}
