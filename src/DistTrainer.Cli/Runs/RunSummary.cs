using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistTrainer.Cluster;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>The content of <c>run.json</c>.</summary>
internal static class RunSummary
{
    private static readonly JsonWriterOptions Options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>As JSON.</summary>
    /// <param name="job">What was trained.</param>
    /// <param name="data">On what.</param>
    /// <param name="result">What came of it.</param>
    public static string Write(JobDescription job, DataParts data, TrainingResult result)
    {
        TestFigures validation = TestFigures.Of(result.Validation, data.Validation, data.Schema.Task);
        TestFigures test = TestFigures.Of(result.Test, data.Test, data.Schema.Task);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteNumber("seed", job.Training.Seed);
            json.WriteString("version", Machine.Version);
            json.WriteString("machine", Machine.Text);
            json.WriteString("dataHash", data.Hash);
            json.WriteString("reason", result.Reason.ToString());
            json.WriteNumber("epochs", result.Epochs);
            json.WriteNumber("steps", result.Steps);
            json.WriteString("parameterHash", result.ParameterHash);
            json.WriteStartObject("metrics");
            json.WriteFinite("trainLoss", result.TrainLoss);
            json.WriteFinite("validationLoss", validation.Loss);
            json.WriteFinite("testLoss", test.Loss);
            if (data.Schema.Task == TaskKind.Regression)
                json.WriteFinite("testR2", test.R2);
            else
                json.WriteFinite("testAccuracy", test.Accuracy);
            json.WriteFinite("samplesPerSecond", result.SamplesPerSecond);
            json.WriteNumber("peakMemoryBytes", PeakMemory());
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    /// <summary>Whether a summary says that nothing is left to be trained; a run that was stopped can go on.</summary>
    /// <param name="path">The file; without it nothing is said.</param>
    public static bool IsComplete(string path)
    {
        if (!File.Exists(path))
            return false;
        using JsonDocument summary = JsonDocument.Parse(File.ReadAllBytes(path));
        return !(summary.RootElement.TryGetProperty("reason", out JsonElement reason) && reason.ValueEquals(nameof(EndReason.Stopped)));
    }

    private static long PeakMemory()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
