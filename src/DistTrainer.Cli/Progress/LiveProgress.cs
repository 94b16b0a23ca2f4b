using System.Globalization;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Progress;

/// <summary>
/// The live view on a terminal. Epochs, warnings and errors stay above it; other log lines pass through its last rows.
/// </summary>
/// <param name="printer">Owns the terminal.</param>
/// <param name="name">The run's name.</param>
/// <param name="watch">The run's course.</param>
internal sealed class LiveProgress(Printer printer, string name, RunWatch watch) : IProgressDisplay
{
    private IRunControl? _control;
    private int _epochs;

    /// <inheritdoc/>
    public Task RunAsync(Func<Task> training) => new LiveLoop(printer, name, watch, () => _control).RunAsync(training);

    /// <inheritdoc/>
    public void Log(string line)
    {
        watch.Log(line);
        if (!printer.Console.ErrorIsTerminal || line.Contains(" WRN ", StringComparison.Ordinal)
            || line.Contains(" ERR ", StringComparison.Ordinal))
            printer.Write(line, isError: true);
    }

    /// <inheritdoc/>
    public void OnControl(IRunControl control) => _control = control;

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps) =>
        _epochs = (int)((totalSteps + stepsPerEpoch - 1) / stepsPerEpoch);

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        string validation = report.ValidationLoss is { } loss
            ? string.Create(CultureInfo.InvariantCulture, $"  validation loss {loss:G4}") : "";
        string accuracy = report.ValidationAccuracy is { } share ? $"  accuracy {Numbers.Text(share)}" : "";
        printer.Write(
            string.Create(CultureInfo.InvariantCulture,
            $"epoch {report.Epoch}/{_epochs}  train loss {report.TrainLoss:G4}{validation}{accuracy}  "
            + $"{report.SamplesPerSecond:N0} samples/s"), isError: false);
    }

    /// <inheritdoc/>
    public void OnWentBack(long lastStep) =>
        printer.Write($"went back to step {Numbers.Text(lastStep)}: a parameter shard was lost", isError: false);
}
