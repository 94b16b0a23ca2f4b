namespace DistTrainer.Cluster.Run.Phases;

/// <summary>No step is begun until a person says so.</summary>
internal sealed class PausedPhase(LedRun run) : RunPhase(run, RunAim.Steps)
{
    public override string Status => "paused";

    public override void Begin() => Run.Log.Paused(Run.Step);

    public override void OnRequest(bool held) => Run.GoOn();
}
