using System.CommandLine;
using System.Globalization;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cli.Commands;

/// <summary>The commands that talk to a running cluster.</summary>
internal sealed class ClusterCommands(CliConsole console, StopSignals signals)
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(15);

    /// <summary>The cluster address that is asked where none is named.</summary>
    public static string DefaultAddress =>
        string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{NodeSettings.DefaultClusterPort}");

    /// <summary>All of them.</summary>
    public IEnumerable<Command> All() =>
        [Submit(), Status(), Simple("pause", "Begins no further step until the run is resumed.",
        new PauseCommand(true)),
        Simple("stop", "Ends the run after its open step; its model is written.", new StopCommand()), Drain(), Set()];

    private static Option<string> Address() => new("--cluster")
    {
        Description = "The cluster address of any node",
        HelpName = "HOST:PORT",
        DefaultValueFactory = _ => DefaultAddress,
    };

    /// <summary>The certificate to show.</summary>
    public static Option<string?> Security() => new("--security-folder")
    {
        Description =
            "The folder with a certificate of the cluster's authority, where its security is on. Default: "
            + "$DISTTRAINER_SECURITY_FOLDER, or none",
        HelpName = "FOLDER",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("DISTTRAINER_SECURITY_FOLDER"),
    };

    private Command Submit()
    {
        var job = new Argument<string>("job")
        {
            Description = $"A job file, or a built-in job: {string.Join(", ", BuiltInJobs.Names)}",
        };
        var initFrom = new Option<string?>("--init-from")
        {
            Description =
                "Starts from the parameters of this safetensors file or run folder, which every server node must be "
                + "able to read",
            HelpName = "FILE",
        };
        Option<string> cluster = Address();
        Option<string?> security = Security();
        var command = new Command("submit", "Hands a job to a running cluster.") { job, initFrom, cluster, security };
        command.SetAction(
            (options, _) =>
            AskAsync(
                options.GetValue(cluster)!, options.GetValue(security),
                new SubmitRun(RunSubmission.Of(options.GetValue(job)!, options.GetValue(initFrom)))));
        return command;
    }

    private Command Status()
    {
        Option<string> cluster = Address();
        Option<string?> security = Security();
        var watch = new Option<bool>("--watch")
        {
            Description =
                "Goes on showing it until Ctrl+C: a live view on a terminal, else the lines again every second",
        };
        var command =
            new Command("status",
            "Prints how the run is going, and every node and worker.") { cluster, security, watch };
        command.SetAction(async (options, _) =>
        {
            await using var client = new ClusterClient(
                options.GetValue(cluster)!, s_timeout, options.GetValue(security));
            if (options.GetValue(watch))
                return await Printer.RunAsync(
                    console, hasView: true, printer => WatchAsync(printer, client, options.GetValue(cluster)!));
            Print(await client.StatusAsync(), console);
            return ExitCodes.Fine;
        });
        return command;
    }

    private async Task<int> WatchAsync(Printer printer, ClusterClient client, string address)
    {
        Task stop = signals.WaitAsync();
        if (await Task.WhenAny(stop, client.StatusAsync()) is Task<ClusterStatus> first)
            await first;
        if (printer.Console.Terminal is not null)
        {
            await new LiveLoop(printer, address, new RunWatch(), () => client).RunAsync(() => stop);
            return ExitCodes.Fine;
        }
        while (!stop.IsCompleted)
        {
            Task<ClusterStatus> asking = client.StatusAsync();
            if (await Task.WhenAny(stop, asking) == asking)
                Print(await asking, printer.Console);
            await Task.WhenAny(stop, Task.Delay(1000));
        }
        return ExitCodes.Fine;
    }

    private static void Print(ClusterStatus status, CliConsole console)
    {
        foreach (string line in StatusText.Of(status))
            console.Output.WriteLine(line);
    }

    private Command Drain()
    {
        var node = new Argument<string>("node")
        {
            Description = "The worker node's name or cluster address, as `disttrainer status` prints them",
        };
        Option<string> cluster = Address();
        Option<string?> security = Security();
        var command =
            new Command("drain", "Takes the work from a worker node, whose process then ends.") { node,
            cluster, security };
        command.SetAction(
            (options, _) =>
            AskAsync(
                options.GetValue(cluster)!, options.GetValue(security), new DrainCommand(options.GetValue(node)!)));
        return command;
    }

    private Command Set()
    {
        var key = new Argument<string>("key") { Description = "What to set" };
        key.AcceptOnlyFromAmong("learning-rate");
        var value = new Argument<double>("value")
        {
            Description = "The base learning rate that the schedule works on, > 0",
        };
        Option<string> cluster = Address();
        Option<string?> security = Security();
        var command =
            new Command("set",
            "Changes a running job after its open step. The result then depends on when it was changed; the log says "
            + "at which step.") { key, value, cluster, security };
        command.SetAction((options, _) =>
        {
            double rate = options.GetValue(value);
            return double.IsFinite(rate) && rate > 0 && rate <= float.MaxValue
                ? AskAsync(options.GetValue(cluster)!, options.GetValue(security), new LearningRateCommand(rate))
                : throw new DistTrainerException(
                    FailureKind.Configuration, $"learning-rate = {Numbers.Text(rate)}; allowed: a number > 0.");
        });
        return command;
    }

    private Command Simple(string name, string meaning, IClusterCommand request)
    {
        Option<string> cluster = Address();
        Option<string?> security = Security();
        var command = new Command(name, meaning) { cluster, security };
        command.SetAction((options, _) => AskAsync(options.GetValue(cluster)!, options.GetValue(security), request));
        return command;
    }

    /// <summary>Asks a cluster to do something.</summary>
    /// <param name="address">The cluster address of any node.</param>
    /// <param name="security">The folder with this node's certificate; null: none.</param>
    /// <param name="request">What.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="DistTrainerException">It refuses, or does not answer.</exception>
    public async Task<int> AskAsync(string address, string? security, IClusterCommand request)
    {
        await using var client = new ClusterClient(address, s_timeout, security);
        CommandAnswer answer = await client.TellAsync(request);
        if (answer.Failure is { } failure)
            throw new DistTrainerException(failure, answer.Text);
        console.Output.WriteLine(answer.Text);
        return ExitCodes.Fine;
    }
}
