using System.CommandLine;
using System.Globalization;
using DistTrainer.Cli.Progress;
using DistTrainer.Cli.Runs;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary>A run in this process: display, log, run folder, training.</summary>
internal sealed class LocalRun(CliConsole console, CliServices services, StopSignals signals)
{
    private readonly Option<string> _logFormat = new("--log-format")
    {
        Description = "How the actors' log lines (on standard error) look: text or json",
        HelpName = "text|json",
        DefaultValueFactory = _ => "text",
    };
    private readonly Option<string> _logLevel = new("--log-level")
    {
        Description = "The least important log level that is printed: debug, info, warning or error",
        HelpName = "LEVEL",
        DefaultValueFactory = _ => "info",
    };
    private readonly Option<bool> _quiet = new("--quiet")
    {
        Description = "Prints only warnings and the final figures",
    };

    private readonly Option<int?> _httpPort = new("--http-port")
    {
        Description =
            "Serves a dashboard of the run on this machine at this port, and /metrics for Prometheus: a whole number "
            + "from 0 to 65535; 0 takes a free one. Default: none",
        HelpName = "PORT",
    };
    private readonly HashSet<string> _told = [];

    /// <summary>Adds the options that say how it is shown.</summary>
    public void AddTo(Command command)
    {
        command.Add(_logFormat.AcceptOnlyFromAmong("text", "json"));
        command.Add(_logLevel.AcceptOnlyFromAmong("debug", "info", "warning", "error"));
        command.Add(_quiet);
        _httpPort.Validators.Add(result =>
        {
            string text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "0";
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port > 65_535)
                result.AddError($"--http-port: {Printable.Short(text, 40)} is no port; allowed: 0 to 65535.");
        });
        command.Add(_httpPort);
    }

    /// <summary>Trains to the end or until a signal.</summary>
    /// <param name="options">The parsed command line.</param>
    /// <param name="file">The job.</param>
    /// <param name="data">Its data.</param>
    /// <param name="layout">Its network's tensors.</param>
    /// <param name="name">The run's name.</param>
    /// <param name="initial">Parameters to start from; null: by the job's seed, or the checkpoint's.</param>
    /// <param name="from">The checkpoint to go on from, and its run; null begins anew.</param>
    /// <returns>The exit code.</returns>
    public Task<int> RunAsync(
        ParseResult options, JobFile file, DataParts data, ParameterLayout layout, string name, float[]? initial,
            (string Checkpoint, RunContinuation Run)? from) =>
        Printer.RunAsync(
            console, hasView: !options.GetValue(_quiet), printer =>
            RunAsync(printer, options, file, data, layout, name, initial, from));

    private async Task<int> RunAsync(
        Printer printer, ParseResult options, JobFile file, DataParts data, ParameterLayout layout, string name,
            float[]? initial, (string Checkpoint, RunContinuation Run)? from)
    {
        CancellationToken stop = signals.Listen();
        var watch = new RunWatch();
        var control = new LatestControl();
        IProgressDisplay display = Display(printer, options.GetValue(_quiet), name, watch);
        using var telemetry = Telemetry.Start();
        await using DashboardServer? dashboard = await DashboardServer.StartAsync(
            options.GetValue(_httpPort) is { } port ? HttpSettings.Local(port) : null, watch, () => control.Latest);
        if (dashboard is not null)
            printer.Console.Output.WriteLine($"{DashboardServer.Announcement} {dashboard.Address}");
        using var output = new RunOutput(
            printer.Console, display, file, data, layout, name, "runs", from?.Run, watch, told: _told);
        output.Add(control);
        TrainingResult? result = null;
        using (var log = new LogOutput(Format(options), Threshold(options), display.Log))
        {
            var run = new RunOptions(file.Run)
            {
                Output = output.Folder,
                ResumeFrom = from?.Checkpoint,
                ActorConfiguration = log.ActorConfiguration,
            };
            await display.RunAsync(
                async () => result = await services.Train(file.Job, data, run, initial, output, stop));
        }

        output.Complete(result!);
        return result!.Reason == EndReason.Stopped && signals.ExitCode != 0 ? signals.ExitCode : ExitCodes.Fine;
    }

    private static IProgressDisplay Display(Printer printer, bool isQuiet, string name, RunWatch watch) =>
        printer.Console.Terminal is not null
        ? new LiveProgress(printer, name, watch)
        : new PlainProgress(printer.Console.Output, printer.Console.Error, isQuiet, watch);

    private LogFormat Format(ParseResult options) =>
        options.GetValue(_logFormat) == "json" ? LogFormat.Json : LogFormat.Text;

    private LogThreshold Threshold(ParseResult options)
    {
        LogThreshold threshold = Enum.Parse<LogThreshold>(options.GetValue(_logLevel)!, ignoreCase: true);
        return options.GetValue(_quiet) && threshold < LogThreshold.Warning ? LogThreshold.Warning : threshold;
    }
}
