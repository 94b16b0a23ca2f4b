using Akka.Actor;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>The newest checkpoint that is whole was looked for.</summary>
/// <param name="Generation">The generation that asked.</param>
/// <param name="Folder">Its folder; null: there is none.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Refused">Newer ones, and why they are not whole.</param>
/// <param name="Failure">Why the folder cannot be read; null: it can.</param>
internal sealed record CheckpointFound(
    int Generation, string? Folder, CheckpointManifest? Manifest, IReadOnlyList<RefusedCheckpoint> Refused,
        Exception? Failure);

/// <summary>
/// All go back to the newest checkpoint, or to where the run started: a parameter shard was lost; or the run diverged,
/// and then those that were written for a replica's sake do not count.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="aim">What is entered again, if another generation begins before.</param>
/// <param name="from">The last step that was made, as far as is known; null: nobody is left who knows.</param>
internal sealed class GoingBackPhase(LedRun run, RunAim aim, long? from) : RunPhase(run, aim)
{
    public override void Begin()
    {
        Run.Replicas.Forget();
        Run.Checkpoints.End();
        (int generation, bool regular) = (Generation.Number, Run.Refusals.GoesBack);
        Run.Setup.Background.Run(() => Run.Writing.NewestOnDisk(regular), yields: false).PipeTo(
            Run.Shell.Self,
            success: found => new CheckpointFound(generation, found.Folder, found.Manifest, found.Refused, null),
            failure: cause => new CheckpointFound(generation, null, null, [], cause));
    }

    public override void On(CheckpointFound found)
    {
        foreach (RefusedCheckpoint refused in found.Refused)
            Run.Log.CheckpointRefused(refused);
        if (found.Failure is not null)
        {
            Run.Fail(Run.Known(found.Failure.Cause()));
            return;
        }
        RunState state = found.Manifest is { } manifest ? RunState.Of(manifest) : Run.Start;
        Run.Log.WentBack(state.Step, from, found.Folder);
        Run.Restore(state);
        LowerRate();
        Run.Log.GoesOnFrom(state.Step);
        Run.Become(new JoiningPhase(Run, RunAim.Steps));
        Run.Replicas.Restore(Enumerable.Range(0, Generation.Copies.Count), found.Folder);
    }

    /// <summary>If the run diverged, it goes on with a lower rate.</summary>
    private void LowerRate()
    {
        if (Run.Refusals.WentBack(Run.Rates.At(Run.Step + 1) ?? Run.Setup.Job.Optimizer.LearningRate) is not { } rate)
            return;
        Run.Rates.Set(Run.Step + 1, rate);
        Run.Log.RateLowered(Run.Step, rate, Run.Refusals.State.Lowered);
    }
}
