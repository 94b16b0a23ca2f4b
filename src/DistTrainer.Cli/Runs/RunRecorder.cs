using System.Globalization;
using System.Text.Json;
using DistTrainer.Cluster;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli;

/// <summary>
/// Writes <c>metrics.jsonl</c>, one object a step report or epoch, and <c>ledger.jsonl</c>, one an entry, and keeps what the
/// curves need: the epochs, and before the first has ended the steps.
/// </summary>
internal sealed class RunRecorder : ITrainingObserver, IDisposable
{
    /// <summary>The ledger's file name.</summary>
    public const string LedgerName = "ledger.jsonl";

    private readonly JsonLines metrics;
    private readonly JsonLines ledger;
    private readonly string ledgerFile;
    private readonly List<StepReport> steps = [];
    private readonly List<EpochReport> epochs = [];

    /// <summary>Opens the files, or makes them.</summary>
    /// <param name="metricsPath">The metrics.</param>
    /// <param name="ledgerPath">The ledger.</param>
    /// <param name="lastStep">The last step of which lines stay.</param>
    public RunRecorder(string metricsPath, string ledgerPath, long lastStep)
    {
        (metrics, ledger, ledgerFile) = (new JsonLines(metricsPath, "step"), new JsonLines(ledgerPath, "lastStep"), ledgerPath);
        OnWentBack(lastStep);
        epochs.AddRange(JsonLines.Read(metricsPath).Where(line => line.TryGetProperty("type", out JsonElement type) && type.ValueEquals("epoch")).Select(Epoch));
    }

    /// <summary>Step reports so far, in the first epoch.</summary>
    public IReadOnlyList<StepReport> Steps => steps;

    /// <summary>All epoch reports so far.</summary>
    public IReadOnlyList<EpochReport> Epochs => epochs;

    /// <summary>Why a line could not be written; null while all is well.</summary>
    public DistTrainerException? Failure => metrics.Failure ?? ledger.Failure;

    /// <summary>The number of training samples, which the ledger begins with.</summary>
    public void Begin(int samples)
    {
        if (!JsonLines.Read(ledgerFile).Any())
            ledger.Write(json =>
            {
                json.WriteNumber("lastStep", 0);
                json.WriteNumber("samplesPerEpoch", samples);
            });
    }

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
        if (epochs.Count == 0)
            steps.Add(report);
        metrics.Write(json =>
        {
            json.WriteString("type", "step");
            json.WriteNumber("step", report.Step);
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
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        epochs.Add(report);
        metrics.Write(json =>
        {
            json.WriteString("type", "epoch");
            json.WriteNumber("step", report.Step);
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
    }

    /// <inheritdoc/>
    public void OnLedger(LedgerEntry entry) => ledger.Write(json =>
    {
        json.WriteNumber("epoch", entry.Epoch);
        json.WriteNumber("firstStep", entry.FirstStep);
        json.WriteNumber("lastStep", entry.LastStep);
        json.WriteNumber("samples", entry.Samples);
        json.WriteString("hash", entry.Hash.ToString("x16", CultureInfo.InvariantCulture));
    });

    /// <inheritdoc/>
    public void OnWentBack(long lastStep)
    {
        metrics.GoBack(lastStep);
        ledger.GoBack(lastStep);
        steps.RemoveAll(report => report.Step > lastStep);
        epochs.RemoveAll(report => report.Step > lastStep);
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        metrics.Dispose();
        ledger.Dispose();
    }

    private static EpochReport Epoch(JsonElement line)
    {
        double? Number(string name) => line.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
        return new EpochReport(
            (int)Number("epoch")!.Value, (long)Number("step")!.Value, Number("loss") ?? double.NaN, Number("accuracy"), Number("validationLoss"), Number("validationAccuracy"),
            Number("learningRate") ?? double.NaN, Number("samplesPerSecond") ?? 0, Number("trainSeconds") ?? 0, line.GetProperty("parameterHash").GetString() ?? "");
    }
}
