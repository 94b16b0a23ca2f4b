namespace DistTrainer.Cluster.Run;

/// <summary>What a run is about to do, or does: it is entered again whenever a new generation has begun.</summary>
internal enum RunAim
{
    /// <summary>Steps up to the next decision.</summary>
    Steps,

    /// <summary>The validation part, at the end of an epoch.</summary>
    Validate,

    /// <summary>
    /// What comes next is decided, once an epoch's end is, or has to wait for a checkpoint that is being written.
    /// </summary>
    Decide,

    /// <summary>Parameter shards copy themselves for a checkpoint.</summary>
    Checkpoint,

    /// <summary>Parameter shards keep the best parameters.</summary>
    KeepBest,

    /// <summary>Parameter shards take the best parameters back.</summary>
    RestoreBest,

    /// <summary>Validation and test part, with the final parameters.</summary>
    Finish,
}

/// <summary>What comes next, between two steps.</summary>
internal enum RunNext
{
    /// <summary>Steps.</summary>
    Steps,

    /// <summary>Nothing, until a person says so.</summary>
    Pause,

    /// <summary>A checkpoint.</summary>
    Checkpoint,

    /// <summary>Replicas that are behind take this step's checkpoint, in a new generation.</summary>
    SyncReplicas,

    /// <summary>A checkpoint that is being written is waited for, then it is decided again.</summary>
    AwaitDisk,

    /// <summary>The best parameters are taken back.</summary>
    RestoreBest,

    /// <summary>The last evaluation.</summary>
    Finish,
}

/// <summary>What follows when all copies of the parameter shards have joined a generation.</summary>
internal enum AfterJoin
{
    /// <summary>Workers get their data shards.</summary>
    Assign,

    /// <summary>All go back to a checkpoint, or to the start.</summary>
    GoBack,

    /// <summary>The run ends: a parameter shard is lost and cannot be restored.</summary>
    Fail,
}

/// <summary>Where a run stands between two steps: all that decides what comes next.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Applied">The latest step that a parameter shard has applied; it may be one more.</param>
/// <param name="IsFinished">Whether all steps are done, or early stopping says so.</param>
/// <param name="Stops">Whether somebody has asked for the end.</param>
/// <param name="Pauses">Whether somebody has asked for a pause.</param>
/// <param name="RestoresBest">Whether an earlier epoch's parameters are kept and are to be taken back at the
/// end.</param>
/// <param name="HasStaleReplicas">Whether replicas are behind that a checkpoint could bring up to date.</param>
/// <param name="NewestCheckpoint">The step of the newest checkpoint that this coordinator wrote; −1: none.</param>
/// <param name="IsWriting">Whether a checkpoint is being written.</param>
/// <param name="HasBegunCheckpoint">Whether one of this step was begun.</param>
/// <param name="IsCheckpointDue">Whether one is due here.</param>
/// <param name="WantsLastCheckpoint">Whether the run's end here would lose something.</param>
internal readonly record struct RunPosition(
    long Step, long Applied = 0, bool IsFinished = false, bool Stops = false, bool Pauses = false,
        bool RestoresBest = false,
    bool HasStaleReplicas = false, long NewestCheckpoint = -1, bool IsWriting = false, bool HasBegunCheckpoint = false,
    bool IsCheckpointDue = false, bool WantsLastCheckpoint = false);

/// <summary>What the copies of the parameter shards know when all have joined: all that decides what follows.</summary>
/// <param name="Step">Steps done, as this coordinator knows.</param>
/// <param name="AreWhole">Whether each parameter shard has a copy that is up to date.</param>
/// <param name="LastOpen">The latest step that one of those who take part has open.</param>
/// <param name="KnowsState">Whether it is known where the run stands: this coordinator led it before, or a parameter
/// shard told.</param>
/// <param name="GoesBack">Whether the run is on its way back because a gradient was not finite.</param>
/// <param name="HasRestoreFailure">Whether a copy could not take its parameters.</param>
internal readonly record struct JoinedPosition(
    long Step, bool AreWhole, long LastOpen, bool KnowsState = true, bool GoesBack = false,
        bool HasRestoreFailure = false)
{
    /// <summary>
    /// All may be hosted anew: then they know nothing of the steps that are decided, or of a run that is taken over.
    /// </summary>
    public bool IsLost => !AreWhole || LastOpen <= Step || !KnowsState;
}

/// <summary>Decides what comes next in a run. Pure: the same position always gives the same answer.</summary>
internal static class RunCourse
{
    /// <summary>What comes next between two steps.</summary>
    public static RunNext Next(in RunPosition at)
    {
        bool ends = at.Stops || at.IsFinished;
        if (!ends && at.HasStaleReplicas && at.Step > 0)
        {
            if (at.NewestCheckpoint == at.Step)
                return RunNext.SyncReplicas;
            if (at.IsWriting)
                return RunNext.AwaitDisk;
            if (!at.HasBegunCheckpoint) // one that could not be written: the next decision tries again
                return RunNext.Checkpoint;
        }
        if (!at.IsFinished && (at.Stops ? at.WantsLastCheckpoint && at.Applied <= at.Step : at.IsCheckpointDue))
            return RunNext.Checkpoint;
        if (!ends)
            return at.Pauses ? RunNext.Pause : RunNext.Steps;
        // also where a stop comes with the end
        return at.RestoresBest && at.IsFinished ? RunNext.RestoreBest : RunNext.Finish;
    }

    /// <summary>What follows when all copies have joined.</summary>
    public static AfterJoin AfterJoin(in JoinedPosition at) =>
        !at.AreWhole && at.HasRestoreFailure ? Run.AfterJoin.Fail
        : at.GoesBack || at.IsLost ? Run.AfterJoin.GoBack : Run.AfterJoin.Assign;

    /// <summary>The last step to make before the next decision.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="lastWhole">The last step that can be finished everywhere: steps that some have applied are, before
    /// anything else.</param>
    /// <param name="decision">The step of the next decision, if nothing is asked for.</param>
    /// <param name="holds">Whether steps must stop at once, for a request or because there are no workers.</param>
    public static long Target(long step, long lastWhole, long decision, bool holds) =>
        holds ? Math.Max(step, lastWhole) : decision;

    /// <summary>What a generation does that has begun.</summary>
    /// <param name="aim">What was interrupted.</param>
    /// <param name="areEnough">Whether there are workers enough; else the run ends with the step that all parameter
    /// shards have.</param>
    public static RunAim AfterAssigned(RunAim aim, bool areEnough) =>
        areEnough || aim == RunAim.Finish ? aim : RunAim.Steps;

    /// <summary>What follows when all steps up to a decision are in.</summary>
    /// <param name="step">The last of them.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    /// <param name="hasSamples">Whether the epoch has any since it was last evaluated.</param>
    public static RunAim AfterSteps(long step, int stepsPerEpoch, bool hasSamples) =>
        step % stepsPerEpoch == 0 && hasSamples ? RunAim.Validate : RunAim.Decide;

    /// <summary>What a coordinator that takes over does, where the one before told a state.</summary>
    public static RunAim AfterTakeOver(bool isStoppedEarly, bool keepsBest) =>
        !isStoppedEarly ? RunAim.Steps : keepsBest ? RunAim.RestoreBest : RunAim.Finish;
}
