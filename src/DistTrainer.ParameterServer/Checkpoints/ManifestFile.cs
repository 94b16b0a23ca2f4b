using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistTrainer.Engine;

namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// The bytes of a manifest: indented JSON whose last field seals it with the SHA-256 of all bytes before that field's
/// comma. The seal and the field <c>formatVersion</c> stay as they are in every format, so that programs of different
/// ages can tell a newer checkpoint from a damaged one.
/// </summary>
internal static class ManifestFile
{
    /// <summary>Its name.</summary>
    public const string Name = "checkpoint.json";

    /// <summary>Longest manifest that is read or written, in bytes.</summary>
    public const int Longest = 16 << 20;

    private static readonly byte[] s_sealStart = ",\n  \"manifestSha256\": \""u8.ToArray();
    private static readonly byte[] s_sealEnd = "\"\n}\n"u8.ToArray();
    private static readonly byte[] s_bodyEnd = "\n}"u8.ToArray();

    private static readonly JsonSerializerOptions s_options = new(JsonSerializerOptions.Strict)
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        MaxDepth = 8,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
    };

    /// <summary>A manifest's bytes.</summary>
    public static byte[] Encode(CheckpointManifest manifest)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(manifest, s_options);
        ReadOnlySpan<byte> body = json.AsSpan(0, json.Length - s_bodyEnd.Length);
        return [.. body, .. s_sealStart, .. Encoding.ASCII.GetBytes(Hash(body)), .. s_sealEnd];
    }

    /// <summary>Reads, unseals and checks a manifest.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DistTrainerException">It is missing, damaged, of a newer format or contradicts itself
    /// (<see cref="FailureKind.ModelFile"/>).</exception>
    public static CheckpointManifest Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            if (stream.Length > Longest)
                throw Refused(path, $"has {stream.Length} bytes; a manifest has at most {Longest}");
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return Decode(bytes, path);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Refused(path, "is missing, so the checkpoint is not complete", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Refused(path, $"cannot be read ({failure.Message})", failure);
        }
    }

    /// <summary>Unseals and checks a manifest.</summary>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="path">Its name in error messages.</param>
    /// <exception cref="DistTrainerException">As for <see cref="Read"/>.</exception>
    public static CheckpointManifest Decode(ReadOnlySpan<byte> bytes, string path)
    {
        int sealLength = s_sealStart.Length + 2 * SHA256.HashSizeInBytes + s_sealEnd.Length;
        ReadOnlySpan<byte> body = bytes[..Math.Max(0, bytes.Length - sealLength)];
        ReadOnlySpan<byte> seal = [.. s_sealStart, .. Encoding.ASCII.GetBytes(Hash(body)), .. s_sealEnd];
        if (!bytes[body.Length..].SequenceEqual(seal))
            throw Refused(path, "does not end with its own SHA-256: it was cut off or changed");
        byte[] json = [.. body, .. s_bodyEnd];
        try
        {
            RequireKnownFormat(json, path);
            CheckpointManifest manifest = JsonSerializer.Deserialize<CheckpointManifest>(json, s_options)
                ?? throw new JsonException("it is null");
            ManifestChecks.Check(manifest, path);
            return manifest;
        }
        catch (Exception failure) when (failure is JsonException or FormatException or InvalidOperationException)
        {
            throw Refused(
                path, $"is no manifest of format {CheckpointManifest.CurrentFormat} ({failure.Message})", failure);
        }
    }

    /// <summary>An error about a file of a checkpoint.</summary>
    public static DistTrainerException Refused(string path, string what, Exception? inner = null) =>
        new(FailureKind.ModelFile, $"{path}: {what.ReplaceLineEndings(" ")}.", inner);

    /// <summary>
    /// Whether a checkpoint was refused because the disk or network did not give its bytes: that says nothing of them.
    /// </summary>
    public static bool IsUnread(DistTrainerException refusal) =>
        refusal.InnerException is UnauthorizedAccessException or (
            IOException and not (FileNotFoundException or DirectoryNotFoundException or EndOfStreamException));

    private static void RequireKnownFormat(byte[] json, string path)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
        int version = document.RootElement.TryGetProperty("formatVersion", out JsonElement found)
            && found.TryGetInt32(out int number) ? number : 0;
        if (version is < 1 or > CheckpointManifest.CurrentFormat)
            throw Refused(
                path, $"has format {version}; this program reads formats 1 to {CheckpointManifest.CurrentFormat}: use "
                + "the program that wrote it, or a newer one");
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
