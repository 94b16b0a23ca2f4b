using System.Net;
using DistTrainer.Cluster.Logging;
using DistTrainer.Transport.Security;

namespace DistTrainer.Cluster.Nodes;

/// <summary>What a node does.</summary>
public enum NodeRole
{
    /// <summary>Holds parameter shards; one of the servers also leads the run.</summary>
    Server,

    /// <summary>Computes gradients.</summary>
    Worker,
}

/// <summary>Where a seed node listens.</summary>
/// <param name="Host">Its name or IPv4 address, as the seed node itself announces it.</param>
/// <param name="Port">Its cluster port, 1–65535.</param>
public sealed record SeedNode(string Host, int Port)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Host}:{Port}");
}

/// <summary>
/// How one node is deployed: every key of <c>disttrainer.node</c> in <c>cluster.hocon</c>. None of it changes a trained
/// parameter by a bit.
/// </summary>
public sealed record NodeSettings
{
    /// <summary>The cluster port of a server where none is named.</summary>
    public const int DefaultClusterPort = 4053;

    /// <summary>What the node does; at least one.</summary>
    public IReadOnlyList<NodeRole> Roles { get; init; } = [NodeRole.Server, NodeRole.Worker];

    /// <summary>Its name in logs and in <c>status</c>; null takes its cluster address.</summary>
    public string? Name { get; init; }

    /// <summary>The address that the cluster port is bound to.</summary>
    public string ClusterHost { get; init; } = "127.0.0.1";

    /// <summary>The cluster port, 0–65535; 0 takes a free one; null: see <see cref="PortToBind"/>.</summary>
    public int? ClusterPort { get; init; }

    /// <summary>
    /// The name or address under which other nodes reach this one; null: see <see cref="ReachableHost"/>.
    /// </summary>
    public string? PublicHost { get; init; }

    /// <summary>Nodes to join through; empty starts a cluster.</summary>
    public IReadOnlyList<SeedNode> SeedNodes { get; init; } = [];

    /// <summary>How long to look for a seed node before giving up, ≥ 1 s.</summary>
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The address that the data port is bound to; null takes <see cref="ClusterHost"/>.</summary>
    public string? DataHost { get; init; }

    /// <summary>The data port, 0–65535; 0 takes a free one, which the node announces over the cluster.</summary>
    public int DataPort { get; init; }

    /// <summary>
    /// Whether processes of one machine and one user pass gradients and parameters in shared memory (Linux only).
    /// </summary>
    public bool SharedMemory { get; init; } = true;

    /// <summary>
    /// The folder with this node's certificate, see <see cref="NodeCertificate"/>; null or empty: connections are
    /// neither encrypted nor authenticated.
    /// </summary>
    public string? SecurityFolder { get; init; }

    /// <summary>The port of a server's <see cref="HttpPort"/> where none is named.</summary>
    public const int DefaultHttpPort = 4080;

    /// <summary>What <see cref="HttpPort"/> is where it is switched off.</summary>
    public const int HttpOff = -1;

    /// <summary>
    /// The port for dashboard and metrics, 0–65535; 0 takes a free one; <see cref="HttpOff"/>: none. Null: a server
    /// takes <see cref="DefaultHttpPort"/> or, where that is taken, a free one; a mere worker has none.
    /// </summary>
    public int? HttpPort { get; init; }

    /// <summary>The address that it is bound to.</summary>
    public string HttpHost { get; init; } = "127.0.0.1";

    /// <summary>
    /// What a browser must show to change the run, and to see anything where <see cref="HttpHost"/> is not loopback;
    /// null makes one up.
    /// </summary>
    public string? HttpToken { get; init; }

    /// <summary>
    /// Files of plug-ins to load, see <see cref="DistTrainer.Engine.Plugins.PluginFile"/>: the same ones on every node.
    /// </summary>
    public IReadOnlyList<string> Plugins { get; init; } = [];

    /// <summary>Worker actors of a node with the role worker, ≥ 1.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Threads of one worker, ≥ 1.</summary>
    public int ComputeThreads { get; init; } = 1;

    /// <summary>
    /// Server nodes without which a run does not start, ≥ 1; parameter shards are dealt out to those that are there
    /// then.
    /// </summary>
    public int MinServers { get; init; } = 1;

    /// <summary>Workers without which training does not start or go on, ≥ 1.</summary>
    public int MinWorkers { get; init; } = 1;

    /// <summary>Workers that get data shards at most, ≥ <see cref="MinWorkers"/>; others wait in reserve.</summary>
    public int MaxWorkers { get; init; } = 4096;

    /// <summary>
    /// Parameter-shard actors over all servers; 0 is one a server node, and up to four where the model is large.
    /// </summary>
    public int ParameterShards { get; init; }

    /// <summary>
    /// Copies of each parameter shard on another server, which take over without a step lost when its server dies: 0 or
    /// 1. They need two servers or more.
    /// </summary>
    public int Replicas { get; init; } = 1;

    /// <summary>A job file or the name of a built-in job to start; null waits for one to be submitted.</summary>
    public string? Job { get; init; }

    /// <summary>Whether the node ends with its job.</summary>
    public bool ExitWhenDone { get; init; }

    /// <summary>The folder under which run folders are made.</summary>
    public string Runs { get; init; } = "runs";

    /// <summary>The folder of fetched data sets; null takes the program's own.</summary>
    public string? Cache { get; init; }

    /// <summary>Steps between two progress reports, ≥ 1; null takes the job's.</summary>
    public int? ReportEvery { get; init; }

    /// <summary>Time between two heartbeats, 100 ms – 1 min.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Silence beyond the usual after which a node counts as unreachable, 0.5 s – 10 min.</summary>
    public TimeSpan AcceptablePause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the set of unreachable nodes must stay the same before it is removed, 1 s – 10 min.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The least important log level that is printed.</summary>
    public LogThreshold LogLevel { get; init; } = LogThreshold.Info;

    /// <summary>How a log line looks.</summary>
    public LogFormat LogFormat { get; init; } = LogFormat.Text;

    /// <summary>Settings of Akka.NET itself, as HOCON with everything under <c>akka</c>; empty for none.</summary>
    public string AkkaSettings { get; init; } = "";

    /// <summary>Whether the node has the role server.</summary>
    public bool IsServer => Roles.Contains(NodeRole.Server);

    /// <summary>Whether the node has the role worker.</summary>
    public bool IsWorker => Roles.Contains(NodeRole.Worker);

    /// <summary>
    /// The cluster port to bind: where none is named, <see cref="DefaultClusterPort"/> for a server and any free one
    /// (0) for a mere worker.
    /// </summary>
    public int PortToBind => ClusterPort ?? (IsServer ? DefaultClusterPort : 0);

    /// <summary>
    /// The host of the node's cluster address: <see cref="PublicHost"/>, else <see cref="ClusterHost"/>, else (where
    /// that is every address of the machine) the machine's name.
    /// </summary>
    public string ReachableHost => PublicHost ?? (IsEveryAddress(ClusterHost) ? Dns.GetHostName() : ClusterHost);

    /// <summary>The address to bind the data port to.</summary>
    public string DataHostToBind => DataHost ?? ClusterHost;

    /// <summary>The host to announce with the data port.</summary>
    public string ReachableDataHost => DataHost is null || IsEveryAddress(DataHost) ? ReachableHost : DataHost;

    /// <summary>Whether an address stands for all addresses of the machine.</summary>
    public static bool IsEveryAddress(string host) => IPAddress.TryParse(host, out IPAddress? address)
        && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));
}
