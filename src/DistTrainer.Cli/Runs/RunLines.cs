using System.Text;
using System.Text.Json;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Runs;

/// <summary>The lines of <c>metrics.jsonl</c>: one object a step report, epoch or checkpoint.</summary>
internal static class RunLines
{
    /// <summary>A step report's line.</summary>
    public static string Of(StepReport report) => Line("step", report.Step, json =>
    {
        json.WriteNumber("epoch", report.Epoch);
        Write(json, ReportFigures.OfStep, report);
    });

    /// <summary>An epoch's line.</summary>
    public static string Of(EpochReport report) => Line("epoch", report.Step, json =>
    {
        json.WriteNumber("epoch", report.Epoch);
        Write(json, ReportFigures.OfEpoch, report);
        json.WriteString("parameterHash", report.ParameterHash);
    });

    /// <summary>A checkpoint's line.</summary>
    public static string Of(CheckpointReport report) => Line("checkpoint", report.Step, json =>
    {
        json.WriteNumber("bytes", report.Bytes);
        json.WriteFinite("pauseMilliseconds", report.Pause.TotalMilliseconds);
        json.WriteFinite("seconds", report.Seconds);
    });

    /// <summary>Reads a line back.</summary>
    /// <returns>Its last step, and the report that the curves need: a <see cref="StepReport"/>, an
    /// <see cref="EpochReport"/> or none. Null for a line that is none of ours.</returns>
    public static (long Step, object? Report)? Read(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement json = document.RootElement;
            long step = json.GetProperty("step").GetInt64();
            return (step, json.GetProperty("type").GetString() switch
            {
                "step" => ReadStep(json, step),
                "epoch" => ReadEpoch(json, step),
                _ => null,
            });
        }
        catch (Exception failure) when (
            failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static StepReport ReadStep(JsonElement json, long step)
    {
        int epoch = json.GetProperty("epoch").GetInt32();
        return Read(json, ReportFigures.OfStep, new StepReport(step, epoch, 0, 0, 0, null, 0, 0, 0, default));
    }

    private static EpochReport ReadEpoch(JsonElement json, long step)
    {
        int epoch = json.GetProperty("epoch").GetInt32();
        string hash = json.GetProperty("parameterHash").GetString()!;
        return Read(json, ReportFigures.OfEpoch, new EpochReport(epoch, step, 0, null, null, null, 0, 0, 0, hash));
    }

    private static TReport Read<TReport>(JsonElement json, IEnumerable<Figure<TReport>> figures, TReport report) =>
        figures.Aggregate(report, (read, figure) => figure.With(read, Number(json, figure.Key)));

    // Lines of older versions lack what has come since.
    private static double? Number(JsonElement json, string key) =>
        json.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? value.GetDouble()
            : null;

    private static void Write<TReport>(Utf8JsonWriter json, IEnumerable<Figure<TReport>> figures, TReport report)
    {
        foreach (Figure<TReport> figure in figures)
        {
            if (!figure.IsOptional || figure.Of(report) is not null)
                json.WriteFinite(figure.Key, figure.Of(report));
        }
    }

    private static string Line(string type, long step, Action<Utf8JsonWriter> content)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteNumber("step", step);
            content(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(line.GetBuffer(), 0, (int)line.Length);
    }
}
