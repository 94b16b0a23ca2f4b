using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>
/// What a run is at, and all that it knows for that: the only encoding of where it is. A message that means nothing in
/// a phase is dropped; those of another generation have been before. The course of a run:
/// <code>
/// gathering → joining → (going back →) assigning → preparing → flowing → evaluating → keeping the best → preparing …
///                                                      ↑           └→ copying ─┘         … → evaluating → completed
///                                                      └─ paused
/// </code>
/// Whoever comes, goes or dies: gathering or joining follows, and then what the run was about to do, its
/// <see cref="Aim"/>.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="aim">What is entered again in the next generation.</param>
internal abstract class RunPhase(LedRun run, RunAim aim)
{
    /// <summary>What is entered again in the next generation.</summary>
    public RunAim Aim { get; protected set; } = aim;

    /// <summary>What people are told that the run does.</summary>
    public virtual string Status => Aim switch
    {
        RunAim.Steps => "joining",
        RunAim.Validate or RunAim.Finish => "evaluating",
        RunAim.Decide or RunAim.Checkpoint => "writing a checkpoint",
        _ => "keeping the best",
    };

    /// <summary>The run.</summary>
    protected LedRun Run => run;

    /// <summary>The generation.</summary>
    protected Generation Generation => run.Generation;

    /// <summary>The phase that pursues an aim.</summary>
    /// <param name="run">The run.</param>
    /// <param name="aim">Any but <see cref="RunAim.Decide"/>, which is no phase.</param>
    public static RunPhase Of(LedRun run, RunAim aim) => aim switch
    {
        RunAim.Steps => new PreparingPhase(run),
        RunAim.Validate => new EvaluatingPhase(run, aim, DataPart.Validation),
        RunAim.Finish => new EvaluatingPhase(run, aim, DataPart.Validation, DataPart.Test),
        RunAim.Checkpoint => new CopyingPhase(run),
        RunAim.KeepBest or RunAim.RestoreBest => new KeepingBestPhase(run, aim),
        _ => throw new ArgumentOutOfRangeException(nameof(aim), aim, null),
    };

    /// <summary>The phase begins: asks whom it needs.</summary>
    public virtual void Begin()
    {
    }

    /// <summary>A checkpoint that was being written is whole, or given up.</summary>
    public virtual void OnCheckpointEnded()
    {
    }

    /// <summary>People have asked for something that they had not asked for before.</summary>
    /// <param name="held">Whether steps had to stop for what was asked before.</param>
    public virtual void OnRequest(bool held)
    {
        if (!run.Members.AreEnough && run.EndsWithoutWorkers)
            run.Renew();
    }

    /// <summary>What the learning rate of the steps up to the next decision is.</summary>
    protected RateChange Rate => new(run.Plan.PlateauFactor, run.Rates.At(run.Step + 1));

    /// <summary>Tells parameter shards what the steps up to a decision are applied with.</summary>
    /// <param name="target">The last of them.</param>
    /// <param name="withStatistics">Whether the last one collects norms of each tensor.</param>
    protected void TellPrepare(long target, bool withStatistics) => Generation.TellParameterShards(new PrepareRun(
        Generation.Number, target, Rate, withStatistics,
        run.NewState(), run.Figures.LastStep, run.Refusals.State.AdmittedStep));

    public virtual void On(ParameterServerJoined joined)
    {
    }

    public virtual void On(RestoreFailed failed)
    {
    }

    public virtual void On(GenerationRefused refused)
    {
    }

    public virtual void On(DataShardsAssigned assigned)
    {
    }

    public virtual void On(Linked linked)
    {
    }

    public virtual void On(RunPrepared prepared)
    {
    }

    public virtual void On(RunReached reached)
    {
    }

    public virtual void On(Holding holding)
    {
    }

    public virtual void On(WaitingFor waiting)
    {
    }

    public virtual void On(Evaluated[] evaluated)
    {
    }

    public virtual void On(PartCompared compared)
    {
    }

    public virtual void On(ParametersBroadcast broadcast)
    {
    }

    public virtual void On(BestKept kept)
    {
    }

    public virtual void On(CheckpointCopied copied)
    {
    }

    public virtual void On(CheckpointFound found)
    {
    }
}

/// <summary>This node's links to the parameter shards stand, or could not be made.</summary>
internal sealed record Linked(int Generation, Exception? Failure);
