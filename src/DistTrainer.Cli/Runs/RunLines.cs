using System.Text;
using System.Text.Json;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli;

/// <summary>The lines of <c>metrics.jsonl</c>: one object a step report, epoch or checkpoint.</summary>
internal static class RunLines
{
    /// <summary>A step report's line.</summary>
    public static string Of(StepReport report) => Line("step", report.Step, json =>
    {
        json.WriteNumber("epoch", report.Epoch);
        json.WriteFinite("loss", report.Loss);
        json.WriteFinite("accuracy", report.Accuracy);
        json.WriteFinite("learningRate", report.LearningRate);
        json.WriteFinite("gradientNorm", report.GradientNorm);
        json.WriteFinite("samplesPerSecond", report.SamplesPerSecond);
        json.WriteFinite("computeMilliseconds", report.Times.Compute);
        json.WriteFinite("waitMilliseconds", report.Times.Wait);
        json.WriteFinite("gatherMilliseconds", report.Times.Gather);
        json.WriteFinite("applyMilliseconds", report.Times.Apply);
    });

    /// <summary>An epoch's line.</summary>
    public static string Of(EpochReport report) => Line("epoch", report.Step, json =>
    {
        json.WriteNumber("epoch", report.Epoch);
        json.WriteFinite("loss", report.TrainLoss);
        json.WriteFinite("accuracy", report.TrainAccuracy);
        json.WriteFinite("validationLoss", report.ValidationLoss);
        json.WriteFinite("validationAccuracy", report.ValidationAccuracy);
        json.WriteFinite("learningRate", report.LearningRate);
        json.WriteFinite("samplesPerSecond", report.SamplesPerSecond);
        json.WriteFinite("trainSeconds", report.TrainSeconds);
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
    /// <returns>Its last step, and the report that the curves need: a <see cref="StepReport"/>, an <see cref="EpochReport"/> or none. Null for a line that is none of ours.</returns>
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
        catch (Exception failure) when (failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static StepReport ReadStep(JsonElement json, long step) => new(
        step, json.GetProperty("epoch").GetInt32(), 0, 0, Number(json, "loss") ?? double.NaN, Number(json, "accuracy"), Number(json, "learningRate") ?? double.NaN,
        Number(json, "gradientNorm") ?? double.NaN, Number(json, "samplesPerSecond") ?? double.NaN,
        new StepTimes(Time(json, "compute"), Time(json, "wait"), Time(json, "gather"), Time(json, "apply")));

    private static EpochReport ReadEpoch(JsonElement json, long step) => new(
        json.GetProperty("epoch").GetInt32(), step, Number(json, "loss") ?? double.NaN, Number(json, "accuracy"), Number(json, "validationLoss"), Number(json, "validationAccuracy"),
        Number(json, "learningRate") ?? double.NaN, Number(json, "samplesPerSecond") ?? double.NaN, Number(json, "trainSeconds") ?? double.NaN, json.GetProperty("parameterHash").GetString()!);

    // Runs of older versions have none.
    private static double Time(JsonElement json, string name) =>
        json.TryGetProperty(name + "Milliseconds", out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;

    private static double? Number(JsonElement json, string name) =>
        json.GetProperty(name) is { ValueKind: not JsonValueKind.Null } value ? value.GetDouble() : null;

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
