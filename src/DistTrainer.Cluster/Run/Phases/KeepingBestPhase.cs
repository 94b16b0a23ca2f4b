using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>Parameter shards keep the best parameters, or take them back.</summary>
/// <param name="run">The run.</param>
/// <param name="aim">Keeping or restoring.</param>
internal sealed class KeepingBestPhase(LedRun run, RunAim aim) : RunPhase(run, aim)
{
    private readonly Round _kept = new(run.Generation.ParameterShards.Length);

    private bool Restores => Aim == RunAim.RestoreBest;

    public override void Begin()
    {
        Run.Await("best", () => Generation.ShardsBut(_kept.Has));
        Generation.TellParameterShards(new KeepBest(Generation.Number, Restores, Run.NewState()));
    }

    public override void On(BestKept kept)
    {
        if (kept.Restore != Restores || !_kept.Add(kept.ParameterShard))
            return;
        if (Restores)
            // the parameters have changed without a step: a new generation hands them out
            Run.BeginGeneration(RunAim.Finish);
        else
            Run.GoOn();
    }
}
