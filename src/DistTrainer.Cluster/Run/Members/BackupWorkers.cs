using Akka.Actor;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Backup workers, without the actor: whoever is idle, or else the fastest, computes the slowest worker's data shards
/// too. Both hand in the same bits, so it does not matter who comes first.
/// </summary>
internal sealed class BackupWorkers
{
    private (IActorRef Slow, IActorRef Helper)? _backup;

    /// <summary>Who evaluates: all but the slow worker.</summary>
    public int[] Evaluators(Generation generation)
    {
        int slow = generation.NumberOf(_backup?.Slow);
        int workers = generation.Workers.Length;
        return [.. Enumerable.Range(0, workers).Where(worker => worker != slow || workers == 1)];
    }

    /// <summary>The data shards that a worker computes beside its own.</summary>
    public DataShardRange Of(int worker, Generation generation)
    {
        if (_backup is not { } backup || !generation.Workers[worker].Actor.Equals(backup.Helper))
            return default;
        int slow = generation.NumberOf(backup.Slow);
        return slow < 0 ? default : generation.DataShardsOf(slow);
    }

    /// <summary>
    /// Whether somebody computes another one's data shards: then each worker's contribution must come by itself, for
    /// the slow one's would else hold up its neighbours'.
    /// </summary>
    public bool AreIn(Generation generation) => generation.NumberOf(_backup?.Helper) >= 0;

    /// <summary>A worker is slow: from the next generation on another stands in for it.</summary>
    /// <returns>Who does; null where nobody can, or somebody does for it or for one that is about as slow.</returns>
    public int? Assign(int slow, Generation generation)
    {
        if (generation.Workers.Length < 2 || IsBackedUp(slow, generation))
            return null;
        int helper = Enumerable.Range(0, generation.Workers.Length).Where(worker => worker != slow).MinBy(worker =>
            (generation.DataShardsOf(worker).Count > 0 ? 1 : 0, generation.Speeds.TimesOf(worker).Compute));
        _backup = (generation.Workers[slow].Actor, generation.Workers[helper].Actor);
        return helper;
    }

    private bool IsBackedUp(int slow, Generation generation)
    {
        if (_backup is not { } backup || generation.NumberOf(backup.Helper) < 0)
            return false;
        int before = generation.NumberOf(backup.Slow);
        WorkerSpeeds speeds = generation.Speeds;
        return before >= 0 && (before == slow || 2 * speeds.TimesOf(before).Compute > speeds.TimesOf(slow).Compute);
    }
}
