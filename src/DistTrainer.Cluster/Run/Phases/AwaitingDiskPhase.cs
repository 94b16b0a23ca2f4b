namespace DistTrainer.Cluster.Run.Phases;

/// <summary>A checkpoint that is being written is waited for.</summary>
/// <param name="run">The run.</param>
/// <param name="aim">What is entered again in the next generation.</param>
/// <param name="then">What follows.</param>
internal sealed class AwaitingDiskPhase(LedRun run, RunAim aim, Action then) : RunPhase(run, aim)
{
    public override void OnCheckpointEnded() => then();
}
