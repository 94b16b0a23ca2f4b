using System.CommandLine;
using DistTrainer.Cluster;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary><c>disttrainer train</c>.</summary>
internal sealed class TrainCommand : Command
{
    private readonly CliConsole console;
    private readonly CliServices services;
    private readonly StopSignals signals;
    private readonly JobOptions job = new();
    private readonly Option<string?> initFrom = new("--init-from") { Description = "Starts from the parameters of this safetensors file or run folder instead of random ones", HelpName = "FILE" };
    private readonly Option<string> logFormat = new("--log-format") { Description = "How the actors' log lines (on standard error) look: text or json", HelpName = "text|json", DefaultValueFactory = _ => "text" };
    private readonly Option<string> logLevel = new("--log-level") { Description = "The least important log level that is printed: debug, info, warning or error", HelpName = "LEVEL", DefaultValueFactory = _ => "info" };
    private readonly Option<bool> quiet = new("--quiet") { Description = "Prints only warnings and the final figures" };

    /// <summary>Makes the command.</summary>
    public TrainCommand(CliConsole console, CliServices services, StopSignals signals)
        : base("train", "Trains a job and leaves a run folder. Without --config a built-in job for the data is taken; without --data that is the 1,797 digits.")
    {
        (this.console, this.services, this.signals) = (console, services, signals);
        job.AddTo(this);
        Add(initFrom);
        Add(logFormat.AcceptOnlyFromAmong("text", "json"));
        Add(logLevel.AcceptOnlyFromAmong("debug", "info", "warning", "error"));
        Add(quiet);
        SetAction((result, _) => RunAsync(result));
    }

    private async Task<int> RunAsync(ParseResult options)
    {
        (JobFile file, string name) = job.Read(options, services.Data);
        DataParts data = JobData.Load(services.Data, file.Job);
        Network network = JobNetwork.Create(file.Job.Model, data.Schema);
        float[]? initial = options.GetValue(initFrom) is { } path ? ModelFile.LoadParameters(RunFolder.ModelOf(path), network.Layout) : null;

        IProgressDisplay display = Display(options.GetValue(quiet));
        using var output = new RunOutput(console, display, file, data, network, name, "runs");
        TrainingResult? result = null;
        using (var log = new LogOutput(Format(options), Threshold(options), display.Log))
        {
            await display.RunAsync(async () => result = await services.Train(
                file.Job, data, file.Run.ToOptions(log.ActorConfiguration, output.Folder), initial, output, signals.Token));
        }

        output.Complete(result!);
        return result!.Reason == EndReason.Stopped && signals.ExitCode != 0 ? signals.ExitCode : ExitCodes.Fine;
    }

    private IProgressDisplay Display(bool isQuiet) => console.Terminal is { } terminal && !isQuiet
        ? new BarProgress(terminal, console.ErrorIsTerminal ? null : console.Error)
        : new PlainProgress(console.Output, console.Error, isQuiet);

    private LogFormat Format(ParseResult options) => options.GetValue(logFormat) == "json" ? LogFormat.Json : LogFormat.Text;

    private LogThreshold Threshold(ParseResult options)
    {
        LogThreshold threshold = Enum.Parse<LogThreshold>(options.GetValue(logLevel)!, ignoreCase: true);
        return options.GetValue(quiet) && threshold < LogThreshold.Warning ? LogThreshold.Warning : threshold;
    }
}
