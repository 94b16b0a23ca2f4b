using System.CommandLine;
using System.Globalization;
using DistTrainer.Cli.Watch;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer launch</c>: a cluster of processes on this machine.</summary>
internal sealed class LaunchCommand : Command
{
    /// <summary>What the help says of it.</summary>
    public const string Summary =
        "Trains on a cluster of processes on this machine: the same parameters as `train`, bit for bit. Each "
        + "process's lines are printed with its name before them.";

    private readonly CliConsole _console;
    private readonly CliServices _services;
    private readonly StopSignals _signals;
    // Nodes have workers and parameter shards of their own: --workers-per-node.
    private readonly JobOptions _job = new(JobOptions.AllBut("--workers", "--parameter-shards"));
    private readonly Option<int> _nodes = new("--nodes")
    {
        Description = "Processes to start: a whole number, 1–64",
        HelpName = "N",
        DefaultValueFactory = _ => 2,
    };
    private readonly Option<int?> _servers = new("--servers")
    {
        Description = "How many of them hold parameter shards beside their workers: a whole number, 1–N. Default: all",
        HelpName = "N",
    };
    private readonly Option<int> _workersANode = new("--workers-per-node")
    {
        Description = "Workers of each process: a whole number, 1–64",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };
    private readonly Option<string?> _initFrom = new("--init-from")
    {
        Description = "Starts from the parameters of this safetensors file or run folder instead of random ones",
        HelpName = "FILE",
    };
    private readonly Option<string> _logFormat = new("--log-format")
    {
        Description = "How the actors' log lines look: text or json",
        HelpName = "text|json",
        DefaultValueFactory = _ => "text",
    };
    private readonly Option<string> _logLevel = new("--log-level")
    {
        Description = "The least important log level that is printed: debug, info, warning or error",
        HelpName = "LEVEL",
        DefaultValueFactory = _ => "info",
    };

    private readonly Option<string?> _httpPort = new("--http-port")
    {
        Description =
            "The port of the first process's dashboard and /metrics on this machine: a whole number from 0 to 65535, "
            + "or off. Default: 4080, or a free one where that is taken",
        HelpName = "PORT|off",
    };

    /// <summary>Makes the command.</summary>
    public LaunchCommand(CliConsole console, CliServices services, StopSignals signals)
        : base("launch", Summary)
    {
        (_console, _services, _signals) = (console, services, signals);
        _job.AddTo(this);
        foreach (Option option in (Option[])[_nodes, _servers, _workersANode, _initFrom, _httpPort,
            _logFormat.AcceptOnlyFromAmong("text", "json"),
            _logLevel.AcceptOnlyFromAmong("debug", "info", "warning", "error")])
            Add(option);
        SetAction((result, _) => Printer.RunAsync(console, hasView: true, printer => RunAsync(result, printer)));
    }

    private async Task<int> RunAsync(ParseResult options, Printer printer)
    {
        int count = Within(options.GetValue(_nodes), 1, 64, "--nodes");
        int serverCount = Within(options.GetValue(_servers) ?? count, 1, count, "--servers");
        int workers = Within(options.GetValue(_workersANode), 1, 64, "--workers-per-node");
        (JobFile file, string name, _) = _job.Read(options, _services.Data, manyRead: true);
        string folder = Directory.CreateTempSubdirectory("disttrainer-launch-").FullName;
        try
        {
            string path = Path.Combine(folder, $"{name}.conf");
            File.WriteAllText(path, file.Write());
            string[] first =
            [
                "node", NodeCommand.Launched, "--role", "server,worker", "--name", "node-1", "--cluster-port", "0",
                    "--job", path, "--exit-when-done",
                .. options.GetValue(_httpPort) is { } port ? (string[])["--http-port", port] : [],
                "--min-servers", Text(serverCount), "--min-workers", Text(count * workers),
                    .. Common(options, file, workers),
                .. options.GetValue(_initFrom) is { } from ? (string[])["--init-from", from] : [],
            ];
            var display = new LaunchDisplay(printer, name);
            using var processes = new NodeProcesses(display.Print, _signals.Listen());
            processes.Start("node-1", first);
            for (int node = 2; node <= count; node++)
            {
                string roles = node <= serverCount ? "server,worker" : "worker";
                processes.Start($"node-{Text(node)}",
                [
                    "node", NodeCommand.Launched, NodeCommand.Joins, "--role", roles, "--name", $"node-{Text(node)}",
                    "--cluster-port", "0", "--http-port", "off",
                    .. Common(options, file, workers),
                ]);
            }
            string seed = await processes.ConnectAsync();
            printer.Write(
                $"to watch and steer it: disttrainer status --cluster {seed}; likewise pause, resume, set, stop",
                isError: true);
            int code = await display.RunAsync(
                seed, () => processes.WaitAsync(line => printer.Write(line, isError: true)));
            return _signals.ExitCode != 0 && code is ExitCodes.Fine or ExitCodes.Terminated ? _signals.ExitCode : code;
        }
        catch (DistTrainerException) when (_signals.ExitCode != 0)
        {
            // It was told to end before the first process listened.
            return _signals.ExitCode;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static int Within(int value, int least, int most, string option) => value >= least && value <= most
        ? value
        : throw new DistTrainerException(
            FailureKind.Configuration,
            $"{option}: {Text(value)} is out of range; allowed: {Text(least)} to {Text(most)}.");

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private string[] Common(ParseResult options, JobFile file, int workers) =>
    [
        "--workers", Text(workers), "--compute-threads", Text(file.Run.ComputeThreads),
        "--log-level", options.GetValue(_logLevel)!, "--log-format", options.GetValue(_logFormat)!,
        .. PluginOption.Files(options) is { Length: > 0 } plugins
            ? (string[])["--plugins", string.Join(',', plugins)] : [],
    ];
}
