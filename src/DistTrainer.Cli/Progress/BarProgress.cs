using System.Globalization;
using DistTrainer.Cluster;
using Spectre.Console;

namespace DistTrainer.Cli;

/// <summary>A progress bar on a terminal with epoch, loss, accuracy and speed; epochs and log lines scroll above it.</summary>
/// <param name="terminal">The terminal.</param>
/// <param name="error">For log lines where standard error goes elsewhere; null writes them to the terminal.</param>
internal sealed class BarProgress(IAnsiConsole terminal, TextWriter? error) : IProgressDisplay
{
    private ProgressTask? bar;
    private int epochs;

    /// <inheritdoc/>
    public Task RunAsync(Func<Task> training) => terminal.Progress()
        .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .StartAsync(context =>
        {
            bar = context.AddTask("starting");
            return training();
        });

    /// <inheritdoc/>
    public void Log(string line)
    {
        if (error is null)
            terminal.WriteLine(line);
        else
            error.WriteLine(line);
    }

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
        epochs = (int)((totalSteps + stepsPerEpoch - 1) / stepsPerEpoch);
        bar!.MaxValue = totalSteps;
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
        bar!.Value = report.Step;
        string accuracy = report.Accuracy is { } share ? $"  accuracy {Numbers.Text(share)}" : "";
        bar.Description = string.Create(CultureInfo.InvariantCulture, $"epoch {report.Epoch}/{epochs}  loss {report.Loss:G4}{accuracy}  {report.SamplesPerSecond:N0} samples/s");
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        string validation = report.ValidationLoss is { } loss ? string.Create(CultureInfo.InvariantCulture, $"  validation loss {loss:G4}") : "";
        string accuracy = report.ValidationAccuracy is { } share ? $"  accuracy {Numbers.Text(share)}" : "";
        terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"epoch {report.Epoch}/{epochs}  train loss {report.TrainLoss:G4}{validation}{accuracy}  {report.SamplesPerSecond:N0} samples/s"));
    }

    /// <inheritdoc/>
    public void OnWentBack(long lastStep)
    {
        bar!.Value = lastStep;
        terminal.WriteLine($"went back to step {Numbers.Text(lastStep)}: a parameter shard was lost");
    }
}
