using System.CommandLine;
using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer node</c>.</summary>
internal sealed class NodeCommand : Command
{
    /// <summary>What the help says of it.</summary>
    public const string Summary =
        "Runs one node of a cluster until it is told to end. The first server starts a cluster; the others name "
        + "one of its servers with --seed-node.";

    /// <summary>What the line begins with that says where a node listens.</summary>
    public const string Listening = "node listening";

    /// <summary>The option that <see cref="LaunchCommand"/> gives its nodes.</summary>
    public const string Launched = "--launched";

    /// <summary>The option for those of them that are to join the first one.</summary>
    public const string Joins = "--joins";

    private readonly CliConsole _console;
    private readonly CliServices _services;
    private readonly StopSignals _signals;
    private readonly NodeOptions _settingsOptions = new();
    private readonly Option<string?> _initFrom = new("--init-from")
    {
        Description =
            "With --job: starts from the parameters of this safetensors file or run folder, which every server node "
            + "must be able to read",
        HelpName = "FILE",
    };
    private readonly Option<bool> _launched = new(Launched)
    {
        Description =
            "Leaves the terminal, and ends with the process that started it, which standard input tells; `launch` "
            + "gives it",
        Hidden = true,
    };

    private readonly Option<bool> _joins = new(Joins)
    {
        Description = "With --launched: standard input names the seed node, as soon as that listens",
        Hidden = true,
    };

    /// <summary>Makes the command.</summary>
    public NodeCommand(CliConsole console, CliServices services, StopSignals signals)
        : base("node", Summary)
    {
        (_console, _services, _signals) = (console, services, signals);
        _settingsOptions.AddTo(this);
        Add(_initFrom);
        Add(_launched);
        Add(_joins);
        SetAction(
            (result, _) => Printer.RunAsync(console, hasView: false, printer => RunAsync(result, printer.Console)));
    }

    private async Task<int> RunAsync(ParseResult options, CliConsole lines)
    {
        Task<SeedNode>? seed = options.GetValue(_launched) ? LaunchedNode.Begin(options.GetValue(_joins)) : null;
        NodeSettings settings = _settingsOptions.Read(options, seedFollows: seed is not null);
        if (seed is not null)
            settings = settings with { SeedNodes = [] }; // a variable may name those of another cluster
        PluginFile.Load(settings.Plugins); // the job below may name what they bring
        if (settings.Cache is { } cache)
            Environment.SetEnvironmentVariable("DISTTRAINER_CACHE", cache);
        RunDescription? run = settings.Job is { } job ? RunSubmission.Of(job, options.GetValue(_initFrom)) : null;
        var watch = new RunWatch();
        var node = new NodeServices(lines, _services.Data, settings.Runs, watch);
        using var log = new LogOutput(settings.LogFormat, settings.LogLevel, line =>
        {
            lines.Error.WriteLine(line);
            watch.Log(line);
        });
        using var telemetry = Telemetry.Start();
        await using DashboardServer? dashboard = await DashboardServer.StartAsync(
            HttpSettings.Of(settings), watch, () => node.Control);
        NodeEnd end = await ClusterNode.RunAsync(
            settings, node, run, log.ActorConfiguration,
            (cluster, data) =>
            {
                lines.Output.WriteLine(
                    $"{Listening} cluster={cluster} data={data} roles={string.Join(
                        ',', settings.Roles).ToLowerInvariant()}");
                if (dashboard is not null)
                    lines.Output.WriteLine(
                        settings.IsServer ? $"{DashboardServer.Announcement} {dashboard.Address}"
                        : $"metrics {dashboard.Metrics}");
            },
            _signals.Listen(), seed);
        if (end.ExitCode != 0)
            lines.Error.WriteLine($"error: {end.Reason}");
        return end.ExitCode == 0 && _signals.ExitCode != 0 ? _signals.ExitCode : end.ExitCode;
    }
}
