using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Cluster.Run.Phases;

using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// One version of the membership: who takes part, as what, and how far they have come together. A new generation is a
/// new object, so nothing of the one before can be left in it.
/// </summary>
/// <param name="number">Its number, higher than that of every one before.</param>
/// <param name="copies">All copies of the parameter shards that are hosted, in the order of their ranges.</param>
/// <param name="workers">The workers, in the order of their numbers.</param>
/// <param name="parameterShards">Parameter shards of the run.</param>
/// <param name="dataShards">Which data shards each worker has.</param>
internal sealed class Generation(
    int number, ParameterShardCopyPlace[] copies, ActorPlace[] workers, int parameterShards,
        DataShardRange[] dataShards)
{
    private readonly Dictionary<int, long> _openSteps = [];

    /// <summary>Its number.</summary>
    public int Number => number;

    /// <summary>All copies of the parameter shards, in the order of their ranges.</summary>
    public IReadOnlyList<ParameterShardCopyPlace> Copies => copies;

    /// <summary>The workers in the order of their numbers; none once the run ends without them.</summary>
    public ActorPlace[] Workers { get; private set; } = workers;

    /// <summary>Who hands out parameters and who follows, once all copies have joined.</summary>
    public ParameterShardRoles Roles { get; private set; } = ParameterShardRoles.None;

    /// <summary>Those who take part, once they are told: owners in the order of their ranges, then replicas.</summary>
    public ActorPlace[] ParameterShards { get; private set; } = [];

    /// <summary>The parameter shards that hand out parameters.</summary>
    public IEnumerable<ActorPlace> Owners => ParameterShards.Take(parameterShards);

    /// <summary>Workers whose links stand.</summary>
    public Round Assigned { get; } = new(workers.Length);

    /// <summary>How fast its workers are.</summary>
    public WorkerSpeeds Speeds { get; } = new();

    /// <summary>When each worker has reported last.</summary>
    public Dictionary<int, TimeSpan> Heard { get; } = [];

    /// <summary>Why a copy cannot take its parameters; null: none has failed.</summary>
    public ActorFailed? RestoreFailure { get; set; }

    /// <summary>How often its workers were asked to hold.</summary>
    public int Holds { get; set; }

    /// <summary>The latest step that a parameter shard has applied.</summary>
    public long Applied { get; private set; }

    /// <summary>
    /// The last step that can be finished everywhere: one that some have applied, if there are workers for it.
    /// </summary>
    public long LastWhole => Workers.Length > 0 ? Applied : Roles.FirstApplied;

    /// <summary>The latest open step that a copy has named.</summary>
    public long LatestOpen => _openSteps.Values.Max();

    /// <summary>A copy has joined; a second answer changes nothing.</summary>
    /// <param name="copy">Which one.</param>
    /// <param name="openStep">Its open step; 0 where it has no parameters.</param>
    public bool Join(int copy, long openStep) => _openSteps.TryAdd(copy, openStep);

    /// <summary>Whether a copy has joined.</summary>
    public bool HasJoined(int copy) => _openSteps.ContainsKey(copy);

    /// <summary>A copy takes other parameters, and joins again then.</summary>
    public void Rejoin(int copy) => _openSteps.Remove(copy);

    /// <summary>Gives roles, if all copies have joined.</summary>
    /// <param name="replicas">Replicas of each parameter shard that take part, at most.</param>
    /// <param name="ends">Which steps follow each other.</param>
    /// <returns>Whether they have.</returns>
    public bool GiveRoles(int replicas, IConsistency ends)
    {
        if (_openSteps.Count < copies.Length)
            return false;
        Roles = new ParameterShardRoles(copies, _openSteps, parameterShards, replicas, ends);
        return true;
    }

    /// <summary>Those who have a role take part from now on.</summary>
    public void TakePart() => (ParameterShards, Applied) = (Roles.Places, Roles.LastApplied);

    /// <summary>The run ends without workers.</summary>
    public void LeaveWorkers() => Workers = [];

    /// <summary>Whether a copy, by its number among those that take part, is a replica.</summary>
    public bool IsReplica(int shard) => shard >= parameterShards;

    /// <summary>The parameter shard that such a copy is of.</summary>
    public int IndexOf(int shard) => IsReplica(shard) ? Roles.Replicas[shard - parameterShards] : shard;

    /// <summary>A worker's number; −1: it has none.</summary>
    public int NumberOf(IActorRef? worker) => Array.FindIndex(Workers, place => place.Actor.Equals(worker));

    /// <summary>The data shards that a worker owns.</summary>
    public DataShardRange DataShardsOf(int worker) => dataShards[worker];

    /// <summary>
    /// The data shards of a worker and of those of its node that come right before and after it, idle ones left out;
    /// none where there is no other.
    /// </summary>
    public DataShardRange[] NeighboursOf(int worker)
    {
        string node = Workers[worker].Node.Name;
        int first = worker, last = worker;
        while (first > 0 && Workers[first - 1].Node.Name == node)
            first--;
        while (last + 1 < Workers.Length && Workers[last + 1].Node.Name == node)
            last++;
        DataShardRange[] row =
            [.. Enumerable.Range(first, last - first + 1).Select(DataShardsOf).Where(range => range.Count > 0)];
        return row.Length > 1 ? row : [];
    }

    /// <summary>Parameter shards that have not answered, for people.</summary>
    public IEnumerable<string> ShardsBut(Func<int, bool> answered) =>
        ParameterShards.Select((place, shard) => (place, shard)).Where(one => !answered(one.shard)).Select(one =>
            (IsReplica(one.shard) ? "a replica of " : "")
                + $"parameter shard {IndexOf(one.shard)} on {one.place.Node.Name}");

    /// <summary>Copies that have not answered, for people.</summary>
    public IEnumerable<string> CopiesBut(Func<int, bool> answered) =>
        copies.Select((copy, index) => (copy, index)).Where(one => !answered(one.index))
            .Select(one => $"parameter shard {one.copy.Index} on {one.copy.Place.Node.Name}");

    /// <summary>Workers that have not answered, for people.</summary>
    public IEnumerable<string> WorkersBut(Func<int, bool> answered) =>
        Workers.Select((place, worker) => (place, worker)).Where(one => !answered(one.worker))
            .Select(one => $"worker {one.worker} on {one.place.Node.Name}");

    /// <summary>Tells all workers.</summary>
    public void TellWorkers(object message) => TellAll(Workers, message);

    /// <summary>Tells all parameter shards that take part.</summary>
    public void TellParameterShards(object message) => TellAll(ParameterShards, message);

    /// <summary>Tells the parameter shards that hand out parameters.</summary>
    public void TellOwners(object message) => TellAll(Owners, message);

    private static void TellAll(IEnumerable<ActorPlace> places, object message)
    {
        foreach (ActorPlace place in places)
            place.Actor.Tell(message);
    }
}
