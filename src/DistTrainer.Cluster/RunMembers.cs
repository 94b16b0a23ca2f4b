using DistTrainer.Engine;

namespace DistTrainer.Cluster;

/// <summary>
/// Who takes part in a run, without actors' doings: nodes come with the parameter shards and workers that they host, and
/// go. Workers keep the order in which their nodes came, so a change moves as few data shards as it can.
/// </summary>
/// <param name="parameterShards">Parameter shards of the run.</param>
/// <param name="minWorkers">Workers without which no step is begun, ≥ 1.</param>
/// <param name="maxWorkers">Workers that are given data shards at most; the others stand by.</param>
internal sealed class RunMembers(int parameterShards, int minWorkers, int maxWorkers)
{
    private readonly List<ActorsHosted> _nodes = [];

    /// <summary>The nodes, in the order in which they came.</summary>
    public IReadOnlyList<ActorsHosted> Nodes => _nodes;

    /// <summary>The parameter shards in the order of their ranges; those that nobody hosts are missing. Of several on different nodes, the one whose node came first.</summary>
    public ActorPlace[] ParameterShards =>
        [.. _nodes.SelectMany(node => node.ParameterShards, (node, shard) => (shard.Index, Place: new ActorPlace(shard.Actor, node.Node)))
            .OrderBy(shard => shard.Index).DistinctBy(shard => shard.Index).Select(shard => shard.Place)];

    /// <summary>Numbers of the parameter shards that nobody hosts.</summary>
    public int[] MissingParameterShards =>
        [.. Enumerable.Range(0, parameterShards).Except(_nodes.SelectMany(node => node.ParameterShards, (_, shard) => shard.Index))];

    /// <summary>The workers in the order of their numbers.</summary>
    public ActorPlace[] Workers =>
        [.. _nodes.SelectMany(node => node.Workers, (node, worker) => new ActorPlace(worker, node.Node)).Take(maxWorkers)];

    /// <summary>Whether all parameter shards are hosted.</summary>
    public bool HasParameterShards => ParameterShards.Length == parameterShards;

    /// <summary>Whether a step can be made: all parameter shards are hosted, and workers are enough.</summary>
    public bool AreEnough => HasParameterShards && Workers.Length >= minWorkers;

    /// <summary>What is missing, for people.</summary>
    public string Missing => ParameterShards.Length < parameterShards
        ? $"{parameterShards - ParameterShards.Length} of {parameterShards} parameter shards"
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
