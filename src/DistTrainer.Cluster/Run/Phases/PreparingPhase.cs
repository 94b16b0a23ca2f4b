using DistTrainer.Cluster.Protocol;

using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>Parameter shards hear how to apply the steps to the next decision.</summary>
internal sealed class PreparingPhase(LedRun run) : RunPhase(run, RunAim.Steps)
{
    /// <summary>
    /// Reports between two decisions at most: so many does a parameter shard keep for a coordinator that takes over.
    /// </summary>
    private const int MostReports = 256;

    private readonly Stretch _stretch = new(TargetOf(run), run.Generation.ParameterShards.Length);
    private readonly Round _prepared = new(run.Generation.ParameterShards.Length);

    public override void Begin()
    {
        Run.Await("preparing", () => Generation.ShardsBut(_prepared.Has));
        TellPrepare(_stretch.Target, Run.Log.WantsNorms);
    }

    public override void On(RunPrepared prepared)
    {
        if (prepared.Step == _stretch.Target && _prepared.Add(prepared.ParameterShard))
            Run.Become(new FlowingPhase(Run, _stretch));
    }

    public override void On(RunReached reached) => _stretch.Add(reached);

    private static long TargetOf(LedRun run)
    {
        long decision = run.Ends.From(Math.Min(
            Math.Min(run.Plan.NextDecision(run.Step), run.Rates.LastBeforeChange(run.Step)),
            Math.Min(run.Checkpoints.NextStep(run.Step), run.Step + (MostReports * (long)run.Options.ReportEvery))));
        bool holds = run.Asked.Open.WantsHold || run.Generation.Workers.Length == 0;
        return RunCourse.Target(run.Step, run.Generation.LastWhole, decision, holds);
    }
}
