using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Phases;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Run.Reports;

/// <summary>
/// What workers and parameter shards report of a run, what is said of it, and what is answered to who asks.
/// </summary>
/// <param name="run">The run.</param>
internal sealed class RunReports(LedRun run)
{
    private readonly OpenHistograms _histograms = new(run.Setup.Layout);

    /// <summary>Time to see whose answers are awaited.</summary>
    internal sealed record CheckWait;

    /// <summary>The generation has settled: its workers' speeds can be looked at.</summary>
    internal sealed record CheckSpeeds;

    /// <summary>Figures of some steps. Of any generation: a report that is known changes nothing.</summary>
    /// <returns>Whether time for a checkpoint has come.</returns>
    public bool On(ReportSteps report)
    {
        foreach ((StepReport whole, LedgerEntry entry) in run.Figures.Add(report, run.Generation.Speeds.Slowest))
            run.Log.Steps(whole, entry);
        return run.Phase is FlowingPhase && run.Checkpoints.IsTime(run.Shell.Now) && !run.Asked.Open.Checkpoints;
    }

    /// <summary>How the values of one tensor's part spread.</summary>
    public void On(ReportHistogram report)
    {
        if (_histograms.Add(report) is { } whole)
            run.Log.Histogram(whole);
    }

    /// <summary>
    /// Where a worker's time went; one that is slow is named, and another stands in for it where that is wanted.
    /// </summary>
    public void On(ReportWorker report)
    {
        Generation generation = run.Generation;
        if (report.Worker >= generation.Workers.Length)
            return; // the run ends without workers
        generation.Speeds.Add(report);
        generation.Heard[report.Worker] = run.Shell.Now;
        DealBySpeed();
        if (run.Generation != generation)
            return;
        if (generation.Speeds.SlowerThanOthers(report.Worker) is not { } others)
            return;
        string NodeOf(int worker) => generation.Workers[worker].Node.Name;
        // Workers of one process share its cores: which of them is slow is the system's whim, and nobody can help it.
        bool onSeveralNodes = generation.Workers.Any(worker => worker.Node.Name != generation.Workers[0].Node.Name);
        if (onSeveralNodes && generation.Speeds.Name(report.Worker))
            run.Log.WorkerSlow(report, NodeOf(report.Worker), others);
        if (!run.Options.BackupWorkers || run.Backups.Assign(report.Worker, generation) is not { } helper)
            return;
        run.Log.BackupAssigned(helper, NodeOf(helper), report.Worker, NodeOf(report.Worker), report.Step);
        run.Renew();
    }

    /// <summary>
    /// Data shards are dealt anew where that makes steps much faster, and nothing else is under way.
    /// </summary>
    public void DealBySpeed()
    {
        if (run.Phase is not FlowingPhase || run.Asked.Open.WantsHold || run.Backups.AreIn(run.Generation)
            || run.Deal.Gain(run.Generation, run.Shell.Now) is not { } gain)
            return;
        run.Renew();
        run.Log.DealtBySpeed(run.Generation, run.Figures.LastStep, gain);
    }

    /// <summary>A contribution that is not finite: others compute it again, or what the job says follows.</summary>
    public void On(RefuseContribution refused)
    {
        run.Log.Refused(refused, run.Generation.Workers[refused.Worker].Node.Name);
        switch (run.Refusals.OnRefused(refused.Step, mayRecompute: run.Setup.Parameters.AreTwo))
        {
            case RefusalAnswer.ComputeElsewhere:
                run.Members.Rotate();
                run.Renew();
                break;
            case RefusalAnswer.GoBack:
            // all parameter shards wait for each other's part of the norm, so none has applied the step
            case RefusalAnswer.LeaveOut:
                run.Renew();
                break;
            default:
                run.Fail(new DistTrainerException(
                    FailureKind.Diverged,
                    $"step {refused.Step} (epoch {run.Setup.EpochOf(refused.Step)}): the gradient of worker "
                        + $"{refused.Worker}, "
                    + $"data shards {refused.Node.Start} to {refused.Node.End - 1}, is not finite; it was refused "
                        + "before the sum"
                    + $"{run.Refusals.Tried}. Lower optimizer.learning-rate, clip the gradient (clipping.norm), or "
                        + "normalize the data."));
                break;
        }
    }

    /// <summary>
    /// Says whose answers are awaited, where that is due; where one may have been lost, all are asked again.
    /// </summary>
    public void SayAwaited()
    {
        if (run.Phase is FlowingPhase || !run.Members.HasParameterShards
            || run.Waits.Check(run.Shell.Now) is not { } awaited)
            return;
        run.Log.WaitingFor(awaited.Who, run.Waits.What, run.Step, awaited.Since);
        if (awaited.IsLost)
            run.Nodes.AskAgain();
    }

    /// <summary>How the run is going.</summary>
    /// <returns>All but the name for people, which the coordinator knows.</returns>
    public RunStatus Status()
    {
        Generation generation = run.Generation;
        string state = run.Phase is PausedPhase
            || run.Members.AreEnough ? run.Phase.Status : $"waiting for {run.Members.Missing}";
        WorkerStatus[] workers = [.. generation.Workers.Select((place, worker) => new WorkerStatus(
            worker, place.Node.Name, generation.DataShardsOf(worker), generation.Speeds.TimesOf(worker)))];
        ParameterShardStatus[] shards =
            [.. generation.ParameterShards.Select((place, shard) => new ParameterShardStatus(
            generation.IndexOf(shard), place.Node.Name, generation.IsReplica(shard)))];
        StepReport? last = run.Figures.Last;
        long step = last?.Step ?? run.Step;
        return new RunStatus(
            run.Options.RunId, "", state, generation.Number, run.Setup.EpochOf(step + 1), step, run.Setup.TotalSteps,
                last, workers, shards);
    }
}
