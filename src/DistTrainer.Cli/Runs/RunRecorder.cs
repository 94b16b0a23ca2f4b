using System.Text;
using System.Text.Json;
using DistTrainer.Cluster;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>Writes <c>metrics.jsonl</c>, one object a step report or epoch, and keeps the reports for the curves.</summary>
/// <param name="path">The file.</param>
internal sealed class RunRecorder(string path) : ITrainingObserver, IDisposable
{
    private readonly FileStream stream = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
    private readonly List<StepReport> steps = [];
    private readonly List<EpochReport> epochs = [];

    /// <summary>All step reports so far.</summary>
    public IReadOnlyList<StepReport> Steps => steps;

    /// <summary>All epoch reports so far.</summary>
    public IReadOnlyList<EpochReport> Epochs => epochs;

    /// <summary>Why a line could not be written; null while all is well.</summary>
    public DistTrainerException? Failure { get; private set; }

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
        steps.Add(report);
        Write(json =>
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
        Write(json =>
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

    /// <summary>Closes the file.</summary>
    public void Dispose() => stream.Dispose();

    // A full disk must not reach the coordinator as an exception: it is kept, and reported when training is over.
    private void Write(Action<Utf8JsonWriter> content)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        try
        {
            stream.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
        }
        catch (IOException failure)
        {
            Failure ??= new DistTrainerException(FailureKind.Disk, $"{path}: cannot be written ({failure.Message}); free some space or name another folder.", failure);
        }
    }
}
