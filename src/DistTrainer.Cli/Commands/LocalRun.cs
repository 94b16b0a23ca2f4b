using System.CommandLine;
using DistTrainer.Cluster;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>A run in this process, as <c>train</c> and <c>resume</c> have it: its options, progress, log and run folder.</summary>
internal sealed class LocalRun(CliConsole console, CliServices services, StopSignals signals)
{
    private readonly Option<string> logFormat = new("--log-format") { Description = "How the actors' log lines (on standard error) look: text or json", HelpName = "text|json", DefaultValueFactory = _ => "text" };
    private readonly Option<string> logLevel = new("--log-level") { Description = "The least important log level that is printed: debug, info, warning or error", HelpName = "LEVEL", DefaultValueFactory = _ => "info" };
    private readonly Option<bool> quiet = new("--quiet") { Description = "Prints only warnings and the final figures" };

    /// <summary>Adds its options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(logFormat.AcceptOnlyFromAmong("text", "json"));
        command.Add(logLevel.AcceptOnlyFromAmong("debug", "info", "warning", "error"));
        command.Add(quiet);
    }

    /// <summary>Trains to the end.</summary>
    /// <param name="options">The parsed command line.</param>
    /// <param name="file">The job.</param>
    /// <param name="name">Its name.</param>
    /// <param name="data">Its data.</param>
    /// <param name="initial">Parameters to start from; null: by the job's seed.</param>
    /// <param name="checkpoint">A checkpoint's folder to go on from, and where its run left off; null starts at step 1.</param>
    /// <returns>The process' exit code.</returns>
    public async Task<int> RunAsync(ParseResult options, JobFile file, string name, DataParts data, float[]? initial, (string Folder, RunContinuation From)? checkpoint)
    {
        Network network = JobNetwork.Create(file.Job.Model, data.Schema);
        IProgressDisplay display = Display(options.GetValue(quiet));
        using var output = new RunOutput(console, display, file, data, network, name, "runs", checkpoint?.From);
        TrainingResult? result = null;
        using (var log = new LogOutput(Format(options), Threshold(options), display.Log))
        {
            RunOptions run = file.Run.ToOptions(log.ActorConfiguration, output.Folder) with { ResumeFrom = checkpoint?.Folder };
            await display.RunAsync(async () => result = await services.Train(file.Job, data, run, initial, output, signals.Token));
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
