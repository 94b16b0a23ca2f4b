using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Which copy of a parameter shard hands out parameters in a generation, and which follow as replicas. All that are up
/// to date serve equally well, since they have applied the same steps to the same bits.
/// </summary>
internal sealed class ParameterShardRoles
{
    /// <summary>Nobody has one yet.</summary>
    public static ParameterShardRoles None { get; } =
        new([], new Dictionary<int, long>(), 0, 0, BulkSynchronous.Instance);

    /// <summary>Gives roles.</summary>
    /// <param name="copies">All copies, in the order of their ranges.</param>
    /// <param name="openSteps">Each one's open step; 0 where it has no parameters.</param>
    /// <param name="parameterShards">Parameter shards of the run.</param>
    /// <param name="replicas">Replicas of each that take part, at most.</param>
    /// <param name="ends">Which steps follow each other.</param>
    public ParameterShardRoles(
        IReadOnlyList<ParameterShardCopyPlace> copies, IReadOnlyDictionary<int, long> openSteps,
        int parameterShards, int replicas, IConsistency ends)
    {
        long newest = openSteps.Values.DefaultIfEmpty(0).Max();
        var stale = new List<int>();
        var owners = new int?[parameterShards];
        var followers = new List<int>();
        var load = new Dictionary<string, int>();
        ILookup<int, int> fresh = Enumerable.Range(0, copies.Count).Where(IsFresh).ToLookup(copy => copies[copy].Index);
        for (int shard = 0; shard < parameterShards; shard++)
        {
            if (!fresh.Contains(shard))
                continue;
            int owner = fresh[shard].MinBy(copy => load.GetValueOrDefault(NodeOf(copy)));
            load[NodeOf(owner)] = load.GetValueOrDefault(NodeOf(owner)) + 1;
            owners[shard] = owner;
            followers.AddRange(fresh[shard].Where(copy => copy != owner).Take(replicas));
            stale.AddRange(
                Enumerable.Range(0, copies.Count).Where(copy => copies[copy].Index == shard && !IsFresh(copy))
                .Take(Math.Max(0, 1 + replicas - fresh[shard].Count())));
        }
        AreWhole = owners.All(owner => owner is not null);
        int[] chosen = [.. owners.OfType<int>(), .. followers];
        (FirstOpen, LastOpen) = (chosen.Select(copy => openSteps[copy]).DefaultIfEmpty(0)
            .Min(), chosen.Select(copy => openSteps[copy]).DefaultIfEmpty(0).Max());
        (FirstApplied, LastApplied) = (ends.Before(Math.Max(1, FirstOpen)), ends.Before(Math.Max(1, LastOpen)));
        Stale = [.. stale];
        Places = [.. chosen.Select(copy => copies[copy].Place)];
        Replicas = [.. followers.Select(copy => copies[copy].Index)];

        bool IsFresh(int copy) => ends.IsUpToDate(openSteps[copy], newest);
        string NodeOf(int copy) => copies[copy].Place.Node.Name;
    }

    /// <summary>Whether each parameter shard has a copy that is up to date.</summary>
    public bool AreWhole { get; }

    /// <summary>The earliest step that one of those who take part has open.</summary>
    public long FirstOpen { get; }

    /// <summary>The latest one.</summary>
    public long LastOpen { get; }

    /// <summary>The step before the earliest open one.</summary>
    public long FirstApplied { get; }

    /// <summary>The step before the latest open one.</summary>
    public long LastApplied { get; }

    /// <summary>Who takes part: those that hand out, in the order of their ranges, then the replicas.</summary>
    public ActorPlace[] Places { get; }

    /// <summary>Whose replicas those are.</summary>
    public int[] Replicas { get; }

    /// <summary>Copies that are wanted as replicas but are behind, by their place in the list of all.</summary>
    public int[] Stale { get; }
}
