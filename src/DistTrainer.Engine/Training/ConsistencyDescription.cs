namespace DistTrainer.Engine.Training;

/// <summary>When those who compute hear of each other's work.</summary>
public enum ConsistencyMode
{
    /// <summary>After every step: bulk-synchronous, one gradient over all data shards.</summary>
    Bulk,

    /// <summary>
    /// After a round of steps: groups of data shards train apart, each from the same parameters, and what comes out is
    /// averaged (local SGD: Stich, 2019).
    /// </summary>
    Local,
}

/// <summary>What a round's mean becomes.</summary>
public enum OuterKind
{
    /// <summary>The parameters.</summary>
    Average,

    /// <summary>
    /// The way from the round's first parameters to the mean is a gradient for SGD with Nesterov momentum (DiLoCo:
    /// Douillard et al., 2023).
    /// </summary>
    Nesterov,
}

/// <summary>What becomes of the optimizer's state at a round's end.</summary>
public enum InnerState
{
    /// <summary>It is averaged like the parameters: every group goes on with the mean.</summary>
    Average,

    /// <summary>
    /// It is zero again, and bias corrections begin anew. Nothing of it is sent, so a round costs the bytes of the
    /// parameters alone.
    /// </summary>
    Reset,
}

/// <summary>
/// How far apart those may be who compute; it changes the result, and so belongs to the job. In local mode a round is a
/// function of what the parameter server has: with the same data the parameters are the same bits for any number of
/// workers.
/// </summary>
public sealed record ConsistencyDescription
{
    /// <summary>How.</summary>
    public ConsistencyMode Mode { get; init; }

    /// <summary>
    /// Groups of data shards that train apart in local mode; ≥ 1. Each has as many data shards, a power of two. A
    /// step's samples are divided among them, so each computes with batch-size / groups of them. More workers than
    /// groups have nothing to do.
    /// </summary>
    public int Groups { get; init; } = 2;

    /// <summary>Steps of a round in local mode, ≥ 1; an epoch's last round may be shorter.</summary>
    public int Steps { get; init; } = 16;

    /// <summary>Steps in bulk mode before the first round (post-local SGD: Lin et al., 2020); ≥ 0.</summary>
    public int WarmUpSteps { get; init; }

    /// <summary>What a round's mean becomes.</summary>
    public OuterKind Outer { get; init; }

    /// <summary>Learning rate of the outer step, with <see cref="OuterKind.Nesterov"/>; in (0, 10].</summary>
    public float OuterRate { get; init; } = 0.7f;

    /// <summary>Momentum of the outer step, with <see cref="OuterKind.Nesterov"/>; in [0, 1).</summary>
    public float OuterMomentum { get; init; } = 0.9f;

    /// <summary>What becomes of the optimizer's state at a round's end.</summary>
    public InnerState InnerState { get; init; }

    /// <summary>Data shards of a group; in bulk mode of any one worker, 1.</summary>
    /// <param name="dataShards">Data shards of the job.</param>
    internal int DataShardsOfGroup(int dataShards) => Mode == ConsistencyMode.Local ? dataShards / Groups : 1;

    /// <summary>What does not fit, by key; null where all does.</summary>
    /// <param name="training">The section that it stands in.</param>
    internal (string Key, string What)? Problem(TrainingDescription training)
    {
        if (Mode != ConsistencyMode.Local)
            return null;
        if (DataShardGroups.Problem(training.DataShards, Groups) is { } problem)
            return ("groups", problem);
        if (Groups > training.BatchSize)
            return ("groups",
                $"= {Groups} leaves some groups without a sample in every step of {training.BatchSize}; use fewer "
                + "groups or a larger training.batch-size");
        if (Steps < 1 || WarmUpSteps < 0)
            return ("steps", $"= {Steps} with {WarmUpSteps} steps before; a round has at least one step, and not less "
                + "than 0 come before the first");
        if (!(OuterRate is > 0 and <= 10) || !(OuterMomentum is >= 0 and < 1))
            return ("outer-rate", $"= {OuterRate} with momentum {OuterMomentum}; allowed: a rate above 0 up to 10, and "
                + "a momentum from 0 to below 1");
        return training.Divergence.Policy == DivergencePolicy.SkipStep
            ? ("mode", "= local leaves no single step out; use training.divergence.policy = stop or go-back")
            : null;
    }
}
