using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Who takes part in a run, without actors' doings: nodes come with the parameter shards and workers that they host,
/// and go. Workers keep the order in which their nodes came, so a change moves as few data shards as it can.
/// </summary>
/// <param name="parameterShards">Parameter shards of the run.</param>
/// <param name="minWorkers">Workers without which no step is begun, ≥ 1.</param>
/// <param name="maxWorkers">Workers that are given data shards at most; the others stand by.</param>
/// <param name="replicas">Copies of a parameter shard that are wanted beside it.</param>
internal sealed class Membership(int parameterShards, int minWorkers, int maxWorkers, int replicas)
{
    /// <summary>So long a node that was lost is not taken in again: it may have said before that it is there.</summary>
    public static readonly TimeSpan Quarantine = TimeSpan.FromSeconds(1);

    private readonly List<ActorsHosted> _nodes = [];
    private readonly HashSet<string> _banned = [];
    private readonly Dictionary<string, TimeSpan> _lost = [];
    private readonly Dictionary<string, TimeSpan> _heard = [];
    private readonly HashSet<(string Node, string Actor)> _tookPart = [];
    private int _rotation;

    /// <summary>The nodes, in the order in which they came.</summary>
    public IReadOnlyList<ActorsHosted> Nodes => _nodes;

    /// <summary>All copies of the parameter shards that are hosted, in the order of their ranges.</summary>
    public ParameterShardCopyPlace[] Copies =>
        [.. _nodes.SelectMany(node => node.ParameterShards,
            (node, shard) => new ParameterShardCopyPlace(shard.Index, new ActorPlace(shard.Actor, node.Node)))
            .OrderBy(copy => copy.Index)];

    /// <summary>Parameter shards of which fewer copies are hosted than are wanted.</summary>
    public IReadOnlyList<ScarceParameterShard> Scarce
    {
        get
        {
            ILookup<int, string> hosts = Copies.ToLookup(copy => copy.Index, copy => copy.Place.Node.Name);
            return [.. Enumerable.Range(0, parameterShards).Where(index => hosts[index].Count() <= replicas)
                .Select(index => new ScarceParameterShard(index, [.. hosts[index]]))];
        }
    }

    /// <summary>Names of nodes that were lost and have not come again.</summary>
    public IReadOnlyList<string> Lost => [.. _lost.Keys.Except(_nodes.Select(node => node.Node.Name))];

    private int Hosted => Copies.DistinctBy(copy => copy.Index).Count();

    /// <summary>The workers in the order of their numbers.</summary>
    public ActorPlace[] Workers =>
        [.. Rotated(
            [.. _nodes.SelectMany(node => node.Workers, (node, worker) => new ActorPlace(worker, node.Node))
            .Take(maxWorkers)])];

    /// <summary>From now on each worker's data shards belong to the worker before it.</summary>
    public void Rotate() => _rotation++;

    /// <summary>Whether all parameter shards are hosted.</summary>
    public bool HasParameterShards => Hosted == parameterShards;

    /// <summary>Whether a step can be made: all parameter shards are hosted, and workers are enough.</summary>
    public bool AreEnough => HasParameterShards && Workers.Length >= minWorkers;

    /// <summary>What is missing, for people.</summary>
    public string Missing => !HasParameterShards
        ? $"{parameterShards - Hosted} of {parameterShards} parameter shards"
        : $"{Math.Max(0, minWorkers - Workers.Length)} of at least {minWorkers} workers";

    /// <summary>Whether a step has been made, so that some have taken part.</summary>
    public bool HasBegun => _tookPart.Count > 0;

    /// <summary>The node of a name; null where it is not in the run.</summary>
    public ActorsHosted? Find(string name) => _nodes.Find(node => node.Node.Name == name);

    /// <summary>A node has come, or says again what it hosts.</summary>
    /// <param name="node">The node.</param>
    /// <param name="now">The time of a clock that nobody sets.</param>
    /// <returns>Whether that is news, and it is taken in.</returns>
    public bool Add(ActorsHosted node, TimeSpan now)
    {
        string name = node.Node.Name;
        _heard[name] = now;
        if (_banned.Contains(name) || (_lost.TryGetValue(name, out TimeSpan lost) && now - lost < Quarantine))
            return false;
        int known = _nodes.FindIndex(other => other.Node.Name == name);
        if (known >= 0 && _nodes[known].ParameterShards.Length >= node.ParameterShards.Length)
            return false;
        if (known >= 0)
            _nodes[known] = node;
        else
            _nodes.Add(node);
        return true;
    }

    /// <summary>A node is gone.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="now">As for <see cref="Add"/>.</param>
    /// <returns>What it hosted; null where it was not in the run.</returns>
    public ActorsHosted? Remove(string name, TimeSpan now)
    {
        ActorsHosted? gone = Find(name);
        if (gone is null)
            return null;
        _nodes.Remove(gone);
        _lost[name] = now;
        return gone;
    }

    /// <summary>Nodes in the run that have said nothing for longer than this.</summary>
    public IReadOnlyList<(string Node, TimeSpan Silence)> Silent(TimeSpan patience, TimeSpan now) =>
        [.. _nodes.Select(node => (node.Node.Name, now - _heard[node.Node.Name])).Where(node => node.Item2 > patience)];

    /// <summary>A node stays out, whatever it says.</summary>
    public void Ban(string node) => _banned.Add(node);

    /// <summary>A node may come again.</summary>
    public void Unban(string node) => _banned.Remove(node);

    /// <summary>Whether a node stays out.</summary>
    public bool IsBanned(string node) => _banned.Contains(node);

    /// <summary>Actors take part from now on: their failure is the run's.</summary>
    public void TakePart(IEnumerable<ActorPlace> actors) =>
        _tookPart.UnionWith(actors.Select(place => (place.Node.Name, place.Actor.Path.Name)));

    /// <summary>Whether an actor has taken part.</summary>
    public bool TookPart(string node, string actor) => _tookPart.Contains((node, actor));

    /// <summary>Whether no actor of a node has taken part.</summary>
    public bool IsNewcomer(string node) => _tookPart.All(actor => actor.Node != node);

    private IEnumerable<ActorPlace> Rotated(ActorPlace[] workers) =>
        Enumerable.Range(0, workers.Length).Select(worker => workers[(worker + _rotation) % workers.Length]);
}
