using System.Diagnostics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Runs;

/// <summary>What <c>run.json</c> says of a run that has ended.</summary>
/// <param name="Reason">Why it ended.</param>
/// <param name="Epochs">Whole epochs trained.</param>
/// <param name="Steps">Steps trained.</param>
/// <param name="ParameterHash">Hash of the final parameters.</param>
internal sealed record EndedRun(EndReason Reason, int Epochs, long Steps, string ParameterHash)
{
    /// <summary>Whether a job asks for no more.</summary>
    public bool IsAllOf(TrainingDescription training) =>
        Reason == EndReason.EarlyStopping || Epochs >= training.Epochs
            || (training.MaxSteps > 0 && Steps >= training.MaxSteps);
}

/// <summary>The content of <c>run.json</c>.</summary>
internal static class RunSummary
{
    /// <summary>The file's name.</summary>
    public const string Name = "run.json";

    private static readonly JsonWriterOptions s_options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>As JSON.</summary>
    /// <param name="file">What was trained.</param>
    /// <param name="data">On what.</param>
    /// <param name="result">What came of it.</param>
    public static string Write(JobFile file, DataParts data, TrainingResult result)
    {
        JobDescription job = file.Job;
        var model = new TrainedModel(
            file, data.Schema, JobNetwork.Create(job.Model, data.Schema), result.Parameters, result.ParameterHash);
        TestFigures validation = TestFigures.Of(result.Validation, data.Validation, data.Schema.Task);
        TestFigures test = TestFigures.Of(result.Test, data.Test, data.Schema.Task);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options))
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
            WriteQuality(json, "validation", model, data.Validation);
            WriteQuality(json, "test", model, data.Test);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }

    /// <summary>Reads what ended a run.</summary>
    /// <param name="folder">The run folder.</param>
    /// <returns>Null where the run has not ended.</returns>
    /// <exception cref="DistTrainerException">The file is damaged (<see cref="FailureKind.ModelFile"/>).</exception>
    public static EndedRun? Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!AtomicFile.IsThere(path))
            return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement json = document.RootElement;
            return new EndedRun(
                Enum.Parse<EndReason>(json.GetProperty("reason").GetString() ?? ""), json.GetProperty("epochs")
                    .GetInt32(), json.GetProperty("steps").GetInt64(), json.GetProperty("parameterHash").GetString()!);
        }
        catch (Exception failure) when (
            failure is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or ArgumentException)
        {
            throw new DistTrainerException(
                FailureKind.ModelFile,
                $"{path}: is no record of a run ({failure.Message.ReplaceLineEndings(" ").TrimEnd('.')}).", failure);
        }
    }

    private static void WriteQuality(Utf8JsonWriter json, string part, TrainedModel model, ISampleSource data)
    {
        if (data.Count == 0)
            return;
        json.WriteStartObject(part);
        model.Quality(data).Write(json);
        json.WriteEndObject();
    }

    private static long PeakMemory()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
