using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run;

// Replicas of parameter shards: a copy on another node that applies the same steps, and hands out parameters when the node of
// the first one dies, with no step lost. A copy that was hosted anew is brought up to date between two steps, from a
// checkpoint of just that step.
internal sealed partial class RunActor
{
    private readonly HashSet<string> _unfit = [];
    private ParameterShardCopyPlace[] _copies = [];
    private ParameterShardRoles _roles = new([], new Dictionary<int, long>(), 0, 0);
    private (long Step, string Folder) _newestCheckpoint = (-1, "");
    private (long Step, string Folder)? _syncFrom;
    private ActorFailed? _restoreFailure;

    /// <summary>The parameter shards that hand out parameters.</summary>
    private IEnumerable<ActorPlace> Owners => _parameterShards.Take(_setup.Ranges.Count);

    /// <summary>Whether copies are behind that can be brought up to date.</summary>
    private bool MaySync => _checkpoints.IsOn && _workers.Length > 0 && _roles.Stale.Any(IsFit);

    private bool IsFit(int copy) => !_unfit.Contains(_copies[copy].Place.Node.Name);

    private bool IsReplica(int number) => number >= _setup.Ranges.Count;

    /// <summary>Between two steps: brings copies up to date that are behind.</summary>
    /// <returns>Whether the run waits for that.</returns>
    private bool SyncsReplicas()
    {
        if (!MaySync || _step == 0)
            return false;
        if (_newestCheckpoint.Step == _step)
        {
            (_syncFrom, _phase) = (_newestCheckpoint, Phase.Running);
            BeginGeneration();
            return true;
        }
        if (_checkpoints.Target is not null)
        {
            Become(() => Always());
            _afterCheckpoint = GoOn;
            return true;
        }
        if (_checkpoints.HasBegun(_step))
            return false; // it could not be written; the next decision tries again
        Enter(Phase.Checkpointing);
        return true;
    }

    /// <summary>All have joined: those that are behind take their slices of the checkpoint of this step.</summary>
    private bool RestoresReplicas()
    {
        if (_syncFrom is not { } checkpoint)
            return false;
        _syncFrom = null;
        int[] behind = [.. _roles.Stale.Where(IsFit)];
        if (behind.Length == 0 || _roles.FirstOpen != checkpoint.Step + 1 || _roles.LastOpen != checkpoint.Step + 1)
            return false;
        RestoreCopies(behind, checkpoint.Folder);
        return true;
    }

    private void RestoreCopies(IEnumerable<int> copies, string? folder)
    {
        Await("restoring", () => CopiesBut(_openSteps.ContainsKey));
        RunState state = NewState();
        foreach (int copy in copies)
        {
            _openSteps.Remove(copy);
            _copies[copy].Place.Actor.Tell(new RestoreParameters(_generation, folder, state));
        }
    }

    private void OnRestoreFailed(RestoreFailed failed)
    {
        ParameterShardCopyPlace copy = _copies[failed.Number];
        _restoreFailure = new ActorFailed(copy.Place.Node.Name, copy.Place.Actor.Path.Name, failed.Kind, $"parameter shard {copy.Index} on {copy.Place.Node.Name} cannot take its parameters: {failed.Message}");
        _unfit.Add(copy.Place.Node.Name);
        _log.Event(LogLevel.WarningLevel, "replica-refused node={Node} parameterShard={ParameterShard} epoch={Epoch} step={Step} reason=\"{Reason}\"",
            copy.Place.Node.Name, copy.Index, _setup.EpochOf(_step + 1), _step, failed.Message);
        if (_openSteps.TryAdd(failed.Number, 0))
            OnJoined();
    }
}
