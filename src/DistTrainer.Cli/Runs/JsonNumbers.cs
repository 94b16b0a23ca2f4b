using System.Text.Encodings.Web;
using System.Text.Json;

namespace DistTrainer.Cli.Runs;

/// <summary>Numbers and names in JSON, which knows no NaN or infinity.</summary>
internal static class JsonNumbers
{
    /// <summary>Leaves letters of all languages as they are.</summary>
    public static JavaScriptEncoder Readable => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>Writes a number; null where there is none or it is not finite.</summary>
    public static void WriteFinite(this Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }
}
