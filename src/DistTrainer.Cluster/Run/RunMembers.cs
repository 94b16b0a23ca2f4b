using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// Who takes part in a run, without actors' doings: nodes come with the parameter shards and workers that they host, and
/// go. Workers keep the order in which their nodes came, so a change moves as few data shards as it can.
/// </summary>
/// <param name="parameterShards">Parameter shards of the run.</param>
/// <param name="minWorkers">Workers without which no step is begun, ≥ 1.</param>
/// <param name="maxWorkers">Workers that are given data shards at most; the others stand by.</param>
/// <param name="replicas">Copies of a parameter shard that are wanted beside it.</param>
internal sealed class RunMembers(int parameterShards, int minWorkers, int maxWorkers, int replicas)
{
    private readonly List<ActorsHosted> _nodes = [];
    private int _rotation;

    /// <summary>The nodes, in the order in which they came.</summary>
    public IReadOnlyList<ActorsHosted> Nodes => _nodes;

    /// <summary>All copies of the parameter shards that are hosted, in the order of their ranges.</summary>
    public ParameterShardCopyPlace[] Copies =>
        [.. _nodes.SelectMany(node => node.ParameterShards, (node, shard) => new ParameterShardCopyPlace(shard.Index, new ActorPlace(shard.Actor, node.Node)))
            .OrderBy(copy => copy.Index)];

    /// <summary>Parameter shards of which fewer copies are hosted than are wanted.</summary>
    public IReadOnlyList<ScarceParameterShard> Scarce
    {
        get
        {
            ILookup<int, string> hosts = Copies.ToLookup(copy => copy.Index, copy => copy.Place.Node.Name);
            return [.. Enumerable.Range(0, parameterShards).Where(index => hosts[index].Count() <= replicas).Select(index => new ScarceParameterShard(index, [.. hosts[index]]))];
        }
    }

    private int Hosted => Copies.DistinctBy(copy => copy.Index).Count();

    /// <summary>The workers in the order of their numbers.</summary>
    public ActorPlace[] Workers =>
        [.. Rotated([.. _nodes.SelectMany(node => node.Workers, (node, worker) => new ActorPlace(worker, node.Node)).Take(maxWorkers)])];

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

    /// <summary>A node has come, or says again what it hosts.</summary>
    /// <returns>Whether that is news.</returns>
    public bool Add(ActorsHosted node)
    {
        int known = _nodes.FindIndex(known => known.Node.Name == node.Node.Name);
        if (known >= 0 && _nodes[known].ParameterShards.Length >= node.ParameterShards.Length)
            return false;
        if (known >= 0)
            _nodes[known] = node;
        else
            _nodes.Add(node);
        return true;
    }

    private IEnumerable<ActorPlace> Rotated(ActorPlace[] workers) =>
        Enumerable.Range(0, workers.Length).Select(worker => workers[(worker + _rotation) % workers.Length]);

    /// <summary>A node is gone.</summary>
    /// <returns>What it hosted; null where it was not in the run.</returns>
    public ActorsHosted? Remove(string name)
    {
        ActorsHosted? gone = _nodes.Find(node => node.Node.Name == name);
        if (gone is not null)
            _nodes.Remove(gone);
        return gone;
    }
}
