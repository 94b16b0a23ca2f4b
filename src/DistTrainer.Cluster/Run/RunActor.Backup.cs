using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run;

// Backup workers: whoever is idle, or else the fastest, computes the slowest worker's data shards too. Both hand in the same
// bits, so it does not matter who comes first.
internal sealed partial class RunActor
{
    private (IActorRef Slow, IActorRef Helper)? _backup;

    /// <summary>A worker's number in this generation; −1: it has none.</summary>
    private int NumberOf(IActorRef? worker) => Array.FindIndex(_workers, place => place.Actor.Equals(worker));

    /// <summary>Who evaluates: all but the slow worker.</summary>
    private int[] Evaluators
    {
        get
        {
            int slow = NumberOf(_backup?.Slow);
            return [.. Enumerable.Range(0, _workers.Length).Where(worker => worker != slow || _workers.Length == 1)];
        }
    }

    /// <summary>The data shards that a worker computes beside its own.</summary>
    private DataShardRange BackupOf(int worker)
    {
        if (_backup is not { } backup || !_workers[worker].Actor.Equals(backup.Helper))
            return default;
        int slow = NumberOf(backup.Slow);
        if (slow < 0)
            return default;
        (int first, int count) = DataShardsOf(slow);
        return new DataShardRange(first, count);
    }

    /// <summary>Whether somebody stands in for this worker, or for one that is about as slow.</summary>
    private bool IsBackedUp(int slow)
    {
        if (_backup is not { } backup || NumberOf(backup.Helper) < 0)
            return false;
        int before = NumberOf(backup.Slow);
        return before >= 0 && (before == slow || 2 * _figures.TimesOf(before).Compute > _figures.TimesOf(slow).Compute);
    }

    /// <summary>A worker is slow: in a new generation another stands in for it.</summary>
    private void BackUp(int slow, long step)
    {
        if (!_options.BackupWorkers || _workers.Length < 2 || IsBackedUp(slow))
            return;
        int helper = Enumerable.Range(0, _workers.Length).Where(worker => worker != slow)
            .MinBy(worker => (DataShardsOf(worker).Count > 0 ? 1 : 0, _figures.TimesOf(worker).Compute));
        _backup = (_workers[slow].Actor, _workers[helper].Actor);
        _log.Event(LogLevel.WarningLevel, "backup-assigned worker={Worker} node={Node} for={Slow} slowNode={SlowNode} epoch={Epoch} step={Step}",
            helper, _workers[helper].Node.Name, slow, _workers[slow].Node.Name, _setup.EpochOf(step), step);
        OnMembers();
    }
}
