using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using DistTrainer.Engine.Data;

namespace DistTrainer.ParameterServer;

/// <summary>The first line of a ledger: what its entries count.</summary>
/// <param name="Format">Of the file; 1.</param>
/// <param name="TrainingSamples">Samples of one epoch, ≥ 1.</param>
/// <param name="DataHash">Hash of the data; see <see cref="DataParts.Hash"/>.</param>
internal sealed record LedgerHeader(int Format, long TrainingSamples, string DataHash)
{
    /// <summary>The format that this program writes.</summary>
    public const int CurrentFormat = 1;
}

/// <summary>The lines of <c>ledger.jsonl</c>: a header, then one JSON object an entry.</summary>
internal static class LedgerFile
{
    /// <summary>Its name in a run folder.</summary>
    public const string Name = "ledger.jsonl";

    private static readonly JsonSerializerOptions s_options = new(JsonSerializerOptions.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    /// <summary>The first line, without a line break.</summary>
    public static string Line(LedgerHeader header) => JsonSerializer.Serialize(header, s_options);

    /// <summary>An entry's line, without a line break.</summary>
    public static string Line(LedgerEntry entry) => JsonSerializer.Serialize(
        new Entry(entry.Epoch, entry.FirstStep, entry.LastStep, entry.Samples,
            entry.Hash.ToString("x16", CultureInfo.InvariantCulture)), s_options);

    /// <summary>Reads a first line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="mostSamples">What is known of the run's size: <see cref="LedgerCheck"/> takes 4 bytes a sample, and
    /// a damaged line must not decide that.</param>
    /// <exception cref="FormatException">It is none, or says more samples; the message goes on after a place, e.g.
    /// <c>is no ledger's header</c>.</exception>
    public static LedgerHeader ReadHeader(string line, long mostSamples)
    {
        LedgerHeader header = Read<LedgerHeader>(line, "no ledger's header");
        if (header.Format != LedgerHeader.CurrentFormat)
            throw new FormatException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"has format {header.Format}; this program reads format {LedgerHeader.CurrentFormat}"));
        return header.TrainingSamples >= 1 && header.TrainingSamples <= mostSamples
            ? header
            : throw new FormatException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"says {header.TrainingSamples} training samples; allowed are 1 to {mostSamples}"));
    }

    /// <summary>Reads an entry's line.</summary>
    /// <exception cref="FormatException">It is none; the message goes on after a place.</exception>
    public static LedgerEntry ReadEntry(string line)
    {
        Entry entry = Read<Entry>(line, "no entry of a ledger");
        return entry.Hash.Length == 16
            && ulong.TryParse(entry.Hash, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong hash)
            ? new LedgerEntry(entry.Epoch, entry.FirstStep, entry.LastStep, entry.Samples, hash)
            : throw new FormatException("has a hash that is not 16 hex digits");
    }

    private static T Read<T>(string line, string what)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line, s_options) ?? throw new FormatException(
                $"is {what}: it is null");
        }
        catch (JsonException failure)
        {
            throw new FormatException($"is {what}: {failure.Message.ReplaceLineEndings(" ").TrimEnd('.')}", failure);
        }
    }

    private sealed record Entry(
        [property: JsonRequired] int Epoch, [property: JsonRequired] long FirstStep,
            [property: JsonRequired] long LastStep,
        [property: JsonRequired] long Samples, [property: JsonRequired] string Hash);
}
