using DistTrainer.Cluster.Logging;
using DistTrainer.Jobs;
using Table = DistTrainer.Jobs.JobTable<DistTrainer.Cluster.Nodes.NodeSettings>;

namespace DistTrainer.Cluster.Nodes;

/// <summary>A setting of a node as a person meets it.</summary>
/// <param name="Info">Its key in <c>cluster.hocon</c>, meaning, range and default.</param>
internal sealed record NodeKnob(JobKeyInfo Info)
{
    /// <summary>The option of the command line, e.g. <c>--cluster-port</c>.</summary>
    public string Flag => $"--{NodeKeys.NameOf(Info)}";

    /// <summary>The environment variable, e.g. <c>DISTTRAINER_CLUSTER_PORT</c>.</summary>
    public string Variable => NodeKeys.VariablePrefix + NodeKeys.NameOf(Info).ToUpperInvariant().Replace('-', '_');

    /// <summary>Whether it is true or false, so that the option may stand alone.</summary>
    public bool IsSwitch => Info.Allowed == JobValues.Bool.Allowed;
}

/// <summary>
/// The table of all settings of a node. <c>cluster.hocon</c>, the options of the command line and the environment
/// variables all follow from it.
/// </summary>
internal static class NodeKeys
{
    /// <summary>What the names of all environment variables begin with.</summary>
    public const string VariablePrefix = "DISTTRAINER_";

    private const string Section = "disttrainer.node";
    private static readonly JobValue<int> s_port = JobValues.Whole(0, 65_535);

    /// <summary>All settings, in the order of the file.</summary>
    public static IReadOnlyList<NodeKnob> Knobs =>
        field ??= [.. All.Where(key => key.Path.StartsWith(Section + ".", StringComparison.Ordinal))
        .Select(key => new NodeKnob(key))];

    /// <summary>The whole file.</summary>
    internal static JobSection<NodeSettings> Root { get; } = new(
        () => new NodeSettings(),
        Table.Key("disttrainer", "DistTrainer's own settings",
            Group(Table.Key("node", "One node", Node, f => f, (_, v) => v)), f => f, (_, v) => v),
        Table.Key(
            "akka",
            "Settings of Akka.NET itself, under the keys above; its addresses, roles, seed nodes, failure detector "
                + "and serializers are decided above",
            new AkkaSectionValue(), n => n.AkkaSettings, (n, v) => n with { AkkaSettings = v }))
    { Everything = () => All };

    // A property without a field: the sections above are made before any field below them would be.
    private static JobSection<NodeSettings> Node =>
        Group([.. Cluster(), Security(), Plugins(), Http(), .. Work(), .. Faults(), .. Output()]);

    private static JobSection<NodeSettings> Group(params JobKey<NodeSettings>[] keys) =>
        new(() => new NodeSettings(), keys) { Everything = () => All };

    private static IReadOnlyList<JobKeyInfo> All => field ??= [.. Root.Describe("")];

    /// <summary>A key's name from the node's section on, e.g. <c>security-folder</c>.</summary>
    internal static string NameOf(JobKeyInfo key) => key.Path[(Section.Length + 1)..].Replace('.', '-');

    private static IEnumerable<JobKey<NodeSettings>> Cluster() =>
    [
        Table.Key(
            "role",
            "What the node does: a server holds parameter shards and may lead the run, a worker computes gradients",
            NodeValues.Commas(JobValues.Name([(NodeRole.Server, ["server"]), (NodeRole.Worker, ["worker"])]), 2),
            n => n.Roles, (n, v) => n with { Roles = v }),
        Table.Key("name", "The node's name in logs and in status",
            NodeValues.OptionalName, n => n.Name, (n, v) => n with { Name = v }, defaultText: "its cluster address"),
        Table.Key(
            "cluster-host",
            "The address that the cluster port is bound to; 0.0.0.0 is every address of the machine. Whoever reaches "
                + "the port can take part in the training, unless security is on",
            NodeValues.Host, n => n.ClusterHost, (n, v) => n with { ClusterHost = v }),
        Table.Key("cluster-port", "The port for control messages; 0 takes a free one",
            JobValues.OptionalWhole(0, 65_535), n => n.ClusterPort, (n, v) => n with { ClusterPort = v },
            defaultText: "4053 with the role server, else 0"),
        Table.Key("public-host", "The name or address under which the other nodes reach this one",
            NodeValues.OptionalHost, n => n.PublicHost, (n, v) => n with { PublicHost = v },
            defaultText: "cluster-host, or the machine's name where that is 0.0.0.0"),
        Table.Key(
            "seed-node",
            "Nodes through which this one joins the cluster, by their public-host; a seed node that names itself "
                + "first starts the cluster, and so does a server without any",
            NodeValues.Commas(NodeValues.SeedNode, 16), n => n.SeedNodes, (n, v) => n with { SeedNodes = v }),
        Table.Key("join-timeout", "How long the node looks for a seed node before it gives up",
            JobValues.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)), n => n.JoinTimeout,
            (n, v) => n with { JoinTimeout = v }),
        Table.Key("data-host", "The address that the data port is bound to",
            NodeValues.OptionalHost, n => n.DataHost, (n, v) => n with { DataHost = v }, defaultText: "cluster-host"),
        Table.Key(
            "data-port",
            "The port for gradients and parameters; 0 takes a free one. The node announces it over the cluster",
            s_port, n => n.DataPort, (n, v) => n with { DataPort = v }),
        Table.Key(
            "shared-memory",
            "Whether processes of one machine and one user pass gradients and parameters in shared memory (Linux); "
                + "others always use connections",
            JobValues.Bool, n => n.SharedMemory, (n, v) => n with { SharedMemory = v }),
    ];

    private static JobKey<NodeSettings> Security() =>
        Table.Key("security", "Who may take part. The same on every node",
            Group(
                Table.Key(
                    "folder",
                    "The folder with this node's certificate (ca.pem, node.pem, node-key.pem), as `disttrainer "
                        + "certificates` makes it: mutual TLS on the cluster port and the data port, and only holders "
                            + "of "
                        + "a certificate of the same ca.pem may take part. Processes of one machine and one user still "
                        + "meet without TLS if shared-memory is true",
                    JobValues.OptionalText, n => n.SecurityFolder, (n, v) => n with { SecurityFolder = v },
                    defaultText: "none; neither encrypted nor authenticated")),
            f => f, (_, v) => v);

    private static JobKey<NodeSettings> Plugins() =>
        Table.Key(
            "plugins",
            "Files of plug-ins to load: assemblies that bring layers, activations, losses, optimizers and data "
                + "sources for jobs to name. They run with all rights of the node; nothing else is ever loaded. The "
                + "same files on every node",
            NodeValues.Commas(JobValues.Text, 100), n => n.Plugins, (n, v) => n with { Plugins = v });

    private static JobKey<NodeSettings> Http() =>
        Table.Key("http", "Dashboard and metrics over HTTP",
            Group(
                Table.Key(
                    "port",
                    "The port: / is the dashboard of the run (a server's), /metrics is for Prometheus; 0 takes a free "
                        + "one",
                    NodeValues.HttpPort, n => n.HttpPort, (n, v) => n with { HttpPort = v },
                    defaultText: "4080 on a server, or a free one where that is taken; off on a mere worker"),
                Table.Key(
                    "host",
                    "The address that it is bound to; 0.0.0.0 is every address of the machine, and who comes from "
                        + "elsewhere must show the token to see anything but /metrics",
                    NodeValues.Host, n => n.HttpHost, (n, v) => n with { HttpHost = v }),
                Table.Key(
                    "token",
                    "What whoever pauses, drains or stops by the dashboard must show; and whoever looks at it, where "
                        + "the "
                        + "address is not loopback. /metrics is open",
                    JobValues.OptionalText, n => n.HttpToken, (n, v) => n with { HttpToken = v },
                    defaultText: "made up at each start, and printed with the address")),
            f => f, (_, v) => v);

    private static IEnumerable<JobKey<NodeSettings>> Work() =>
    [
        Table.Key("workers", "Worker actors of a node with the role worker, each with a compute thread of its own",
            JobValues.Whole(1, 4096), n => n.Workers, (n, v) => n with { Workers = v }),
        Table.Key("compute-threads", "Threads of one worker",
            JobValues.Whole(1, 1024), n => n.ComputeThreads, (n, v) => n with { ComputeThreads = v }),
        Table.Key(
            "min-servers",
            "Server nodes without which a run does not start; parameter shards are dealt out to those that are there "
                + "then (a server's setting)",
            JobValues.Whole(1, 64), n => n.MinServers, (n, v) => n with { MinServers = v }),
        Table.Key("min-workers", "Workers of the whole cluster without which training waits (a server's setting)",
            JobValues.Whole(1, 4096), n => n.MinWorkers, (n, v) => n with { MinWorkers = v }),
        Table.Key(
            "max-workers",
            "Workers of the whole cluster that get data shards at most; others wait in reserve (a server's setting)",
            JobValues.Whole(1, 4096), n => n.MaxWorkers, (n, v) => n with { MaxWorkers = v }),
        Table.Key(
            "parameter-shards",
            "Parameter-shard actors, spread over the servers; 0 is one a server, and up to four where the model is "
                + "large (a server's setting)",
            JobValues.Whole(0, 4096), n => n.ParameterShards, (n, v) => n with { ParameterShards = v }),
        Table.Key(
            "replicas",
            "Copies of each parameter shard on another server, which take over without a step lost when its server "
                + "dies; with one server there are none (a server's setting)",
            JobValues.Whole(0, 1), n => n.Replicas, (n, v) => n with { Replicas = v }),
        Table.Key(
            "job",
            "The job to start once the cluster stands: a job file, or the name of a built-in job (a server's setting)",
            JobValues.OptionalText, n => n.Job, (n, v) => n with { Job = v },
            defaultText: "none; the cluster waits for one"),
        Table.Key("exit-when-done", "Whether all nodes end when the job has ended (a server's setting)",
            JobValues.Bool, n => n.ExitWhenDone, (n, v) => n with { ExitWhenDone = v }),
        Table.Key("runs", "The folder under which run folders are made",
            JobValues.Text, n => n.Runs, (n, v) => n with { Runs = v }),
        Table.Key("cache", "The folder of fetched data sets",
            JobValues.OptionalText, n => n.Cache, (n, v) => n with { Cache = v },
            defaultText: "disttrainer in the user's cache folder"),
    ];

    private static IEnumerable<JobKey<NodeSettings>> Faults() =>
    [
        Table.Key("heartbeat-interval", "Time between two heartbeats to another node",
            JobValues.Duration(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)), n => n.HeartbeatInterval,
            (n, v) => n with { HeartbeatInterval = v }),
        Table.Key(
            "acceptable-pause",
            "Silence beyond the usual after which a node counts as unreachable; at least heartbeat-interval",
            JobValues.Duration(TimeSpan.FromMilliseconds(500), TimeSpan.FromMinutes(10)), n => n.AcceptablePause,
            (n, v) => n with { AcceptablePause = v }),
        Table.Key(
            "stable-after",
            "How long the unreachable nodes must be the same ones before they are removed; the side of a cut without "
                + "a majority of the servers ends itself then. The same on every node",
            JobValues.Duration(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)), n => n.StableAfter,
            (n, v) => n with { StableAfter = v }),
    ];

    private static IEnumerable<JobKey<NodeSettings>> Output() =>
    [
        Table.Key("report-every", "Steps between two progress reports (a server's setting)",
            JobValues.OptionalWhole(1, 1_000_000_000), n => n.ReportEvery, (n, v) => n with { ReportEvery = v },
            defaultText: "the job's run.report-every"),
        Table.Key("log-level", "The least important log level that is printed",
            JobValues.Name(
                [(LogThreshold.Debug, ["debug"]), (LogThreshold.Info, ["info"]), (LogThreshold.Warning, ["warning"]),
                (LogThreshold.Error, ["error"])]),
            n => n.LogLevel, (n, v) => n with { LogLevel = v }),
        Table.Key("log-format", "How a log line looks",
            JobValues.Name([(LogFormat.Text, ["text"]), (LogFormat.Json, ["json"])]), n => n.LogFormat,
            (n, v) => n with { LogFormat = v }),
    ];
}
