using Akka.Actor;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Replicas of parameter shards: a copy on another node that applies the same steps, and hands out parameters when the
/// node of the first one dies, with no step lost. A copy that was hosted anew is brought up to date between two steps,
/// from a checkpoint of just that step.
/// </summary>
/// <param name="run">The run.</param>
internal sealed class ReplicaSync(LedRun run)
{
    private readonly HashSet<string> _unfit = [];
    private (long Step, string Folder)? _from;

    /// <summary>Whether copies are behind that can be brought up to date.</summary>
    public bool MaySync =>
        run.Checkpoints.IsOn && run.Generation.Workers.Length > 0 && run.Generation.Roles.Stale.Any(IsFit);

    /// <summary>
    /// Between two steps: copies that are behind take the checkpoint of this step, in a new generation.
    /// </summary>
    public void Begin()
    {
        _from = run.Writing.Newest;
        run.BeginGeneration(RunAim.Steps);
    }

    /// <summary>All go back: nobody is to be brought up to date.</summary>
    public void Forget() => _from = null;

    /// <summary>All have joined: those that are behind take their slices of the checkpoint of this step.</summary>
    /// <returns>Whether they do, and join again then.</returns>
    public bool Restores()
    {
        if (_from is not { } checkpoint)
            return false;
        _from = null;
        ParameterShardRoles roles = run.Generation.Roles;
        int[] behind = [.. roles.Stale.Where(IsFit)];
        if (behind.Length == 0 || roles.FirstApplied != checkpoint.Step || roles.LastApplied != checkpoint.Step)
            return false;
        Restore(behind, checkpoint.Folder);
        return true;
    }

    /// <summary>Copies take the parameters of a checkpoint.</summary>
    /// <param name="copies">Which, by their place in the list of all.</param>
    /// <param name="folder">Its folder; null: those that the run started with.</param>
    public void Restore(IEnumerable<int> copies, string? folder)
    {
        Generation generation = run.Generation;
        run.Await("restoring", () => generation.CopiesBut(generation.HasJoined));
        RunState state = run.NewState();
        foreach (int copy in copies)
        {
            generation.Rejoin(copy);
            generation.Copies[copy].Place.Actor.Tell(new RestoreParameters(generation.Number, folder, state));
        }
    }

    /// <summary>A copy could not take its parameters: its node gets none again.</summary>
    /// <returns>Whether that is news.</returns>
    public bool OnRestoreFailed(RestoreFailed failed)
    {
        ParameterShardCopyPlace copy = run.Generation.Copies[failed.Number];
        string node = copy.Place.Node.Name;
        run.Generation.RestoreFailure = new ActorFailed(
            node, copy.Place.Actor.Path.Name, failed.Kind,
            $"parameter shard {copy.Index} on {node} cannot take its parameters: {failed.Message}");
        _unfit.Add(node);
        run.Log.ReplicaRefused(copy, run.Step, failed.Message);
        return run.Generation.Join(failed.Number, 0);
    }

    private bool IsFit(int copy) => !_unfit.Contains(run.Generation.Copies[copy].Place.Node.Name);
}
