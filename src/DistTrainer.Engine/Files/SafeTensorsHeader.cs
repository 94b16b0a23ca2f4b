using System.Text.Encodings.Web;
using System.Text.Json;

namespace DistTrainer.Engine.Files;

/// <summary>
/// The JSON header of a safetensors file. Reading throws <see cref="FormatException"/> with what is wrong.
/// </summary>
/// <param name="Metadata">Free texts by name.</param>
/// <param name="Entries">The tensors by rising offset; their bytes follow one another without gaps and fill the
/// file.</param>
internal sealed record SafeTensorsHeader(
    IReadOnlyDictionary<string, string> Metadata, IReadOnlyList<SafeTensorsHeader.Entry> Entries)
{
    private const string MetadataName = "__metadata__";

    private static readonly JsonWriterOptions s_writerOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>One tensor's place.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Shape">Dimensions.</param>
    /// <param name="Begin">First byte after the header.</param>
    /// <param name="End">One past the last byte.</param>
    internal sealed record Entry(string Name, int[] Shape, long Begin, long End)
    {
        /// <summary>Number of elements.</summary>
        public int Length => (int)((End - Begin) / sizeof(float));
    }

    /// <summary>The header's bytes, filled up with spaces so that the tensors begin at a multiple of 8.</summary>
    public static byte[] Write(SafeTensors content)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_writerOptions))
        {
            json.WriteStartObject();
            json.WriteStartObject(MetadataName);
            foreach ((string name, string text) in content.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
                json.WriteString(name, text);
            json.WriteEndObject();
            WriteTensors(json, content.Tensors);
            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="header">Its bytes.</param>
    /// <param name="dataLength">Bytes of the file behind it.</param>
    /// <exception cref="FormatException">Something does not fit.</exception>
    /// <exception cref="JsonException">Not JSON.</exception>
    public static SafeTensorsHeader Parse(ReadOnlyMemory<byte> header, long dataLength)
    {
        using JsonDocument document = JsonDocument.Parse(header, new JsonDocumentOptions { MaxDepth = 8 });
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new FormatException("has a header that is not a JSON object");
        Dictionary<string, string> metadata = [];
        List<Entry> entries = [];
        HashSet<string> names = [];
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw new FormatException($"names the tensor {Show(property.Name)} twice");
            if (property.Name == MetadataName)
                ReadMetadata(property.Value, metadata);
            else
                entries.Add(ReadEntry(property.Name, property.Value, dataLength));
        }

        entries.Sort((left, right) => (left.Begin, left.End).CompareTo((right.Begin, right.End)));
        CheckContiguous(entries, dataLength);
        return new SafeTensorsHeader(metadata, entries);
    }

    private static void WriteTensors(Utf8JsonWriter json, IReadOnlyList<NamedTensor> tensors)
    {
        HashSet<string> names = [MetadataName];
        long offset = 0;
        foreach (NamedTensor tensor in tensors)
        {
            if (!names.Add(tensor.Name))
                throw new ArgumentException(
                    $"The tensor name {tensor.Name} is used twice or reserved.", nameof(tensors));
            if (tensor.Shape.Aggregate(1L, (product, dimension) => product * dimension) != tensor.Values.Length)
                throw new ArgumentException(
                    $"Tensor {tensor.Name} of shape {tensor.ShapeText} has {tensor.Values.Length} values.", nameof(
                        tensors));
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", "F32");
            json.WriteStartArray("shape");
            foreach (int dimension in tensor.Shape)
                json.WriteNumberValue(dimension);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            json.WriteNumberValue(offset += (long)tensor.Values.Length * sizeof(float));
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    private static void ReadMetadata(JsonElement value, Dictionary<string, string> metadata)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new FormatException($"has {MetadataName} that is not an object");
        foreach (JsonProperty text in value.EnumerateObject())
        {
            if (text.Value.ValueKind != JsonValueKind.String)
                throw new FormatException($"has the metadata {Show(text.Name)} that is not a text");
            if (!metadata.TryAdd(text.Name, text.Value.GetString()!))
                throw new FormatException($"names the metadata {Show(text.Name)} twice");
        }
    }

    private static Entry ReadEntry(string name, JsonElement value, long dataLength)
    {
        string where = $"has the tensor {Show(name)}";
        if (value.ValueKind != JsonValueKind.Object)
            throw new FormatException($"{where} without a description");
        string? type = value.TryGetProperty("dtype", out JsonElement dtype)
            && dtype.ValueKind == JsonValueKind.String ? dtype.GetString() : null;
        if (type != "F32")
            throw new FormatException(
                $"{where} of type {(type is null ? "unknown" : Show(type))}; only F32 is read, convert it first (in "
                + "PyTorch: tensor.float())");
        long[] shape = Numbers(value, "shape", where);
        long[] offsets = Numbers(value, "data_offsets", where);
        long length = 1;
        foreach (long dimension in shape)
        {
            // Both factors are below 2^31, so the product of this line fits; the running product is checked each time.
            length *= dimension;
            if (length > dataLength / sizeof(float))
                throw new FormatException(
                    $"{where} of shape [{string.Join(", ", shape)}], more than the {dataLength} bytes of data hold");
        }

        if (offsets.Length != 2 || offsets[0] > offsets[1] || offsets[1] > dataLength)
            throw new FormatException($"{where} at bytes [{string.Join(", ", offsets)}] of {dataLength}");
        if (length > Array.MaxLength || offsets[1] - offsets[0] != length * sizeof(float))
            throw new FormatException(
                $"{where} of shape [{string.Join(", ", shape)}] in {offsets[1] - offsets[0]} bytes; it needs "
                + $"{length * sizeof(float)}");
        return new Entry(name, Array.ConvertAll(shape, dimension => (int)dimension), offsets[0], offsets[1]);
    }

    private static long[] Numbers(JsonElement value, string name, string where)
    {
        if (!value.TryGetProperty(name, out JsonElement array) || array.ValueKind != JsonValueKind.Array)
            throw new FormatException($"{where} without {name}");
        List<long> numbers = [];
        foreach (JsonElement element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt64(out long number) || number < 0
                || (name == "shape" && number > int.MaxValue))
                throw new FormatException($"{where} whose {name} is not a list of whole numbers from 0");
            numbers.Add(number);
        }

        return [.. numbers];
    }

    private static void CheckContiguous(List<Entry> entries, long dataLength)
    {
        long end = 0;
        foreach (Entry entry in entries)
        {
            if (entry.Begin != end)
                throw new FormatException(
                    $"has the tensor {Show(entry.Name)} at byte {entry.Begin}, but the one before ends at {end}");
            end = entry.End;
        }

        if (end != dataLength)
            throw new FormatException(
                $"has tensors of {end} bytes and {dataLength} bytes of data: it is cut off or something was appended");
    }

    private static string Show(string name) => JsonSerializer.Serialize(name.Length > 80 ? name[..80] + "…" : name);
}
