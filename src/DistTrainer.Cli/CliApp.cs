using System.CommandLine;
using System.CommandLine.Help;
using System.Globalization;
using DistTrainer.Cli.Commands;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary>The command <c>disttrainer</c>, callable in a process of somebody else.</summary>
internal static class CliApp
{
    /// <summary>Runs one command.</summary>
    /// <param name="args">The command line without the program's name; none asks for the help.</param>
    /// <param name="console">Where to write.</param>
    /// <param name="services">What to use.</param>
    /// <param name="signals">How a run is stopped.</param>
    /// <returns>The exit code: 0 fine, 1 internal, 2 configuration, 3 data, 4 model file, 5 diverged, 6 quorum, 7 disk,
    /// 129, 130 and 143 signals.</returns>
    public static async Task<int> RunAsync(string[] args, CliConsole console, CliServices services, StopSignals signals)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        CultureInfo.CurrentUICulture = CultureInfo.InvariantCulture;
        try
        {
            var parser = new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null };
            ParseResult result = Root(args, console, services, signals)
                .Parse(args.Length == 0 ? ["--help"] : args, parser);
            if (result.Errors.Count > 0 && result.Action is not HelpAction)
                throw new DistTrainerException(FailureKind.Configuration, Suggestions.Explain(result));
            if (result.Errors.Count == 0)
                PluginOption.Load(result);
            var invocation = new InvocationConfiguration
            {
                Output = console.Output,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            // A command may wait for a file for ever (a pipe that nobody writes to): a signal ends it nevertheless.
            Task<int> command = Task.Run(() => result.InvokeAsync(invocation));
            return await Task.WhenAny(command, signals.Unheard) == command ? await command : signals.ExitCode;
        }
        catch (Exception failure)
        {
            return Report(failure, console, signals);
        }
    }

    private static RootCommand Root(string[] args, CliConsole console, CliServices services, StopSignals signals)
    {
        RootCommand root = Commands(args, console, services, signals);
        var cluster = new ClusterCommands(console, signals);
        root.Add(Named(
            args, "resume", ResumeCommand.Summary, () => new ResumeCommand(console, services, signals, cluster),
            ResumeCommand.Run()));
        foreach (Command command in cluster.All())
            root.Add(command);
        PluginOption.AddTo(root.Subcommands.Where(command => command is not HealthCommand));
        root.Add(new HelpCommand(console, root));
        return root;
    }

    /// <summary>
    /// A command that has options for a job's or a node's keys: they are made only where the command line may name it,
    /// since all keys take three times as long as the rest of a start.
    /// </summary>
    private static Command Named(
        string[] args, string name, string summary, Func<Command> make, params Argument[] arguments)
    {
        if (args.Any(arg => arg == name || arg.StartsWith('[')))
            return make();
        var command = new Command(name, summary);
        foreach (Argument argument in arguments)
            command.Add(argument);
        return command;
    }

    private static RootCommand Commands(
        string[] args, CliConsole console, CliServices services, StopSignals signals) => new(
        "Trains neural networks: the same parameters bit for bit on any number of workers.\n\nExit codes: 0 fine, 1 "
            + "internal, 2 configuration, 3 data, 4 model file, 5 diverged, 6 quorum, 7 disk, 129 SIGHUP, 130 SIGINT, "
            + "143 SIGTERM.")
    {
        Named(args, "train", TrainCommand.Summary, () => new TrainCommand(console, services, signals)),
        new EvaluateCommand(console, services),
        new PredictCommand(console, services),
        new ServeCommand(console, signals),
        new ExportCommand(console),
        new PlotCommand(console),
        new InspectCommand(console),
        DataCommands.Create(console, services, signals),
        Named(args, "config", ConfigCommands.Summary, () => ConfigCommands.Create(console, services)),
        new EnvCommand(console, services),
        Named(args, "node", NodeCommand.Summary, () => new NodeCommand(console, services, signals)),
        Named(args, "launch", LaunchCommand.Summary, () => new LaunchCommand(console, services, signals)),
        new HealthCommand(console),
        new CertificatesCommand(console),
    };

    private static int Report(Exception failure, CliConsole console, StopSignals signals)
    {
        if (failure is OperationCanceledException && signals.ExitCode != 0)
            return signals.ExitCode;
        (int code, string message) = failure switch
        {
            _ when OpenFiles.Explain(failure) is { } limit => (ExitCodes.Configuration, limit),
            DistTrainerException known => ((int)known.Kind, known.Message),
            IOException or UnauthorizedAccessException => ((int)FailureKind.Disk, failure.Message),
            OutOfMemoryException =>
                (ExitCodes.Internal,
                "The memory does not suffice for this model and these data; use a smaller batch, fewer units or "
                + "data.limit."),
            _ => (ExitCodes.Internal,
                $"This is a fault of disttrainer: {failure.GetType().Name}: {failure.Message} (DISTTRAINER_DEBUG=1 "
                + "shows where)"),
        };
        try
        {
            console.Error.WriteLine($"error: {message.ReplaceLineEndings(" ")}");
            if (Environment.GetEnvironmentVariable("DISTTRAINER_DEBUG") == "1")
                console.Error.Write($"{failure}{Environment.NewLine}");
        }
        catch (IOException)
        {
            // Standard error is gone, with a terminal that was closed; the exit code is left to say it.
        }
        return code;
    }
}
