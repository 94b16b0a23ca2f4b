using Akka.Actor;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Nodes;

/// <summary>A node as its coordinator knows it.</summary>
/// <param name="registered">How it made itself known.</param>
/// <param name="actor">Its actor.</param>
internal sealed class KnownNode(RegisterNode registered, IActorRef actor)
{
    /// <summary>Its name, one of a kind in the cluster.</summary>
    public string Name => registered.Node.Name;

    /// <summary>Where the cluster reaches it.</summary>
    public string Address => registered.Address;

    /// <summary>Whether it can host parameter shards and lead.</summary>
    public bool IsServer => registered.IsServer;

    /// <summary>How many workers it has.</summary>
    public int Workers => registered.Workers;

    /// <summary>The run that it hosted when it made itself known; null: none.</summary>
    public HostedRun? HostedBefore => registered.Run;

    /// <summary>Its actor.</summary>
    public IActorRef Actor => actor;

    /// <summary>Whether the cluster reaches it.</summary>
    public bool IsReachable { get; set; } = true;

    /// <summary>Whether it may leave, and gets no more work.</summary>
    public bool IsReleased { get; set; }

    /// <summary>Why it cannot take part in the run, and how it is to end once that has begun; null: it can.</summary>
    public EndNode? Refusal { get; set; }

    /// <summary>Whether it gets work.</summary>
    public bool IsWorking => !IsReleased && Refusal is null;

    /// <summary>What it was told to host last.</summary>
    public OpenRun? Opened { get; private set; }

    /// <summary>It is to host something: it is known from now on what it was told, as that may be lost.</summary>
    /// <returns>What to tell it.</returns>
    public Letter Host(OpenRun open)
    {
        Opened = open;
        return new Letter(actor, open);
    }
}

/// <summary>The nodes that a coordinator knows, by their names.</summary>
/// <param name="settings">Says how many must be there before a run begins.</param>
internal sealed class KnownNodes(NodeSettings settings)
{
    private readonly Dictionary<string, KnownNode> _byName = [];

    /// <summary>How many.</summary>
    public int Count => _byName.Count;

    /// <summary>All, as they are at the moment.</summary>
    public KnownNode[] All => [.. _byName.Values];

    /// <summary>Those that get work.</summary>
    public KnownNode[] Working => [.. _byName.Values.Where(node => node.IsWorking)];

    /// <summary>The servers among those, in the order of their names.</summary>
    public KnownNode[] Servers =>
        [.. Working.Where(node => node.IsServer).OrderBy(node => node.Name, StringComparer.Ordinal)];

    /// <summary>All but one of a name.</summary>
    public IEnumerable<KnownNode> But(string name) => All.Where(node => node.Name != name);

    /// <summary>The node of a name; null: none.</summary>
    public KnownNode? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>
    /// The node that a person means by its name, the part of it before the slash, or its host and port.
    /// </summary>
    public KnownNode? Meant(string text) => All.FirstOrDefault(node =>
        node.Name == text || node.Name.StartsWith(text + "/", StringComparison.Ordinal)
            || node.Address.EndsWith("@" + text, StringComparison.Ordinal));

    /// <summary>The node at an address: one, or none.</summary>
    public KnownNode[] At(string address) => [.. All.Where(node => node.Address == address)];

    /// <summary>Adds a node.</summary>
    /// <returns>False where one of this name is known: it stays.</returns>
    public bool TryAdd(KnownNode node) => _byName.TryAdd(node.Name, node);

    /// <summary>Forgets a node.</summary>
    public void Remove(KnownNode node) => _byName.Remove(node.Name);

    /// <summary>Who is missing before a run can begin, for people; null where nobody is.</summary>
    public string? Missing()
    {
        int servers = Servers.Length, workers = Working.Sum(node => node.Workers);
        if (servers < settings.MinServers)
            return $"{settings.MinServers - servers} of at least {settings.MinServers} server nodes";
        return workers < settings.MinWorkers
            ? $"{settings.MinWorkers - workers} of at least {settings.MinWorkers} workers" : null;
    }

    /// <summary>All, for people.</summary>
    public NodeStatus[] Status() =>
        [.. All.Select(node => new NodeStatus(node.Name, node.Address, node.IsServer, node.Workers, node.IsReachable))];
}
