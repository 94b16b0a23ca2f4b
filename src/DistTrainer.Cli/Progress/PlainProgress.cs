using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Progress;

/// <summary>Parseable lines of <c>name=value</c> on standard output; log lines go to standard error.</summary>
/// <param name="output">For progress.</param>
/// <param name="error">For log lines.</param>
/// <param name="isQuiet">Whether there is no progress to be shown.</param>
/// <param name="watch">Hears log lines, too; null: there is none.</param>
internal sealed class PlainProgress(TextWriter output, TextWriter error, bool isQuiet, RunWatch? watch = null)
    : IProgressDisplay
{
    /// <inheritdoc/>
    public Task RunAsync(Func<Task> training) => training();

    /// <inheritdoc/>
    public void Log(string line)
    {
        error.WriteLine(line);
        watch?.Log(line);
    }

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps) =>
        Write($"started steps-per-epoch={Numbers.Text(stepsPerEpoch)} total-steps={Numbers.Text(totalSteps)}");

    /// <inheritdoc/>
    public void OnStep(StepReport report) => Write(
        $"step={Numbers.Text(report.Step)} epoch={Numbers.Text(report.Epoch)}{Fields(ReportFigures.OfStep, report)}");

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report) => Write(
        $"epoch={Numbers.Text(report.Epoch)} done step={Numbers.Text(report.Step)}"
        + Fields(ReportFigures.OfEpoch, report));

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointReport report) => Write(
        $"checkpoint step={Numbers.Text(report.Step)} bytes={Numbers.Text(report.Bytes)} "
            + $"pause-ms={Numbers.Text(report.Pause.TotalMilliseconds)} seconds={Numbers.Text(report.Seconds)}");

    /// <inheritdoc/>
    public void OnWentBack(long lastStep) => Write($"went-back step={Numbers.Text(lastStep)}");

    private static string Fields<TReport>(IEnumerable<Figure<TReport>> figures, TReport report) =>
        string.Concat(figures.In(FigurePlaces.Progress).Select(figure => figure.Of(report) is { } value
            ? $" {figure.Label}={(figure.IsWhole ? Numbers.Text((long)value) : Numbers.Text(value))}"
            : ""));

    private void Write(string line)
    {
        if (!isQuiet)
            output.WriteLine(line);
    }
}
