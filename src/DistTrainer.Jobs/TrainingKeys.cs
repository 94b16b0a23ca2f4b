using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Training;
using CheckpointTable = DistTrainer.Jobs.JobTable<DistTrainer.Jobs.CheckpointSettings>;
using CompressionTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Training.CompressionDescription>;
using ConsistencyTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Training.ConsistencyDescription>;
using DivergenceTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Training.DivergenceDescription>;
using RunTable = DistTrainer.Jobs.JobTable<DistTrainer.Jobs.RunSettings>;
using StoppingTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Training.EarlyStoppingDescription>;
using TrainingTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Training.TrainingDescription>;

namespace DistTrainer.Jobs;

/// <summary>The keys of <c>training</c> and <c>run</c>.</summary>
internal static class TrainingKeys
{
    private const int Most = 1_000_000_000;

    private static readonly JobValue<FigureKind> s_figure = JobValues.Name<FigureKind>([
        (FigureKind.Loss, ["loss"]), (FigureKind.Accuracy, ["accuracy"]),
        (FigureKind.BalancedAccuracy, ["balanced-accuracy"]), (FigureKind.LogLoss, ["log-loss"]),
        (FigureKind.AreaUnderCurve, ["auc"]), (FigureKind.F1, ["f1-macro"]),
        (FigureKind.MeanAbsoluteError, ["mean-absolute-error"]),
        (FigureKind.RootMeanSquaredError, ["root-mean-squared-error"]), (FigureKind.R2, ["r2"]),
        (FigureKind.MedianAbsoluteError, ["median-absolute-error"])]);

    private static readonly JobSection<EarlyStoppingDescription> s_stopping = new(
        () => new EarlyStoppingDescription(),
        StoppingTable.Key("patience", "Epochs without a better figure of the validation part to wait; 0 is off",
            JobValues.Whole(0, Most), e => e.Patience, (e, v) => e with { Patience = v }),
        StoppingTable.Key("watch", "The figure of the validation part that is watched",
            s_figure, e => e.Watch, (e, v) => e with { Watch = v }, IsOn, "with patience above 0"),
        StoppingTable.Key("minimum-delta", "How much the watched figure must change to count as better",
            JobValues.Number(0d, double.MaxValue), e => e.MinimumDelta, (e, v) => e with { MinimumDelta = v }, IsOn,
            "with patience above 0"),
        StoppingTable.Key("restore-best", "Whether the parameters of the best epoch are taken back at the end",
            JobValues.Bool, e => e.RestoreBest, (e, v) => e with { RestoreBest = v }, IsOn, "with patience above 0"));

    private static readonly JobSection<DivergenceDescription> s_divergence = new(
        () => new DivergenceDescription(),
        DivergenceTable.Key(
            "policy",
            "Ends the run with an error, goes back to the newest checkpoint and on with a lower rate, or leaves the "
                + "step out",
            JobValues.Name<DivergencePolicy>(
                [(DivergencePolicy.Stop, ["stop"]), (DivergencePolicy.GoBack, ["go-back"]),
                (DivergencePolicy.SkipStep, ["skip-step"])]),
            d => d.Policy, (d, v) => d with { Policy = v }),
        DivergenceTable.Key("rate-factor", "What the full learning rate is multiplied by each time",
            JobValues.Number(1e-6f, 0.999f), d => d.RateFactor, (d, v) => d with { RateFactor = v }, GoesBack,
            "with policy go-back"),
        DivergenceTable.Key(
            "attempts",
            "How often the run goes back, or how many steps in a row it leaves out, before it ends after all",
            JobValues.Whole(1, 1000), d => d.Attempts, (d, v) => d with { Attempts = v }, GoesOn,
            "with policy go-back or skip-step"));

    private static readonly JobSection<ConsistencyDescription> s_consistency = new(
        () => new ConsistencyDescription(),
        ConsistencyTable.Key(
            "mode",
            "Whether all parameters are handed out after every step, or groups of data shards train apart for a round "
                + "of steps and are averaged then (local SGD), which sends less",
            JobValues.Name<ConsistencyMode>([(ConsistencyMode.Bulk, ["bulk"]), (ConsistencyMode.Local, ["local"])]),
            c => c.Mode, (c, v) => c with { Mode = v }),
        ConsistencyTable.Key(
            "groups", "Groups of data shards that train apart; a worker has whole groups, so more workers are idle",
            JobValues.Whole(1, 65_536), c => c.Groups, (c, v) => c with { Groups = v }, IsLocal, "with mode local"),
        ConsistencyTable.Key("steps", "Steps of a round; the last one of an epoch may be shorter",
            JobValues.Whole(1, Most), c => c.Steps, (c, v) => c with { Steps = v }, IsLocal, "with mode local"),
        ConsistencyTable.Key("warm-up-steps", "Steps in bulk mode before the first round",
            JobValues.Whole(0, Most), c => c.WarmUpSteps, (c, v) => c with { WarmUpSteps = v }, IsLocal,
            "with mode local"),
        ConsistencyTable.Key(
            "inner-state",
            "Whether the optimizer's state is averaged at a round's end, or begins at zero and is not sent",
            JobValues.Name<InnerState>([(InnerState.Average, ["average"]), (InnerState.Reset, ["reset"])]),
            c => c.InnerState, (c, v) => c with { InnerState = v }, IsLocal, "with mode local"),
        ConsistencyTable.Key(
            "outer",
            "Whether a round's mean is taken as it is, or as a step's direction with Nesterov momentum (DiLoCo)",
            JobValues.Name<OuterKind>([(OuterKind.Average, ["average"]), (OuterKind.Nesterov, ["nesterov"])]),
            c => c.Outer, (c, v) => c with { Outer = v }, IsLocal, "with mode local"),
        ConsistencyTable.Key("outer-rate", "Learning rate of that step",
            JobValues.Number(1e-6f, 10f), c => c.OuterRate, (c, v) => c with { OuterRate = v }, HasOuterStep,
            "with mode local and outer nesterov"),
        ConsistencyTable.Key("outer-momentum", "Its momentum",
            JobValues.Number(0f, 0.9999f), c => c.OuterMomentum, (c, v) => c with { OuterMomentum = v }, HasOuterStep,
            "with mode local and outer nesterov"));

    private static readonly JobSection<CompressionDescription> s_compression = new(
        () => new CompressionDescription(),
        CompressionTable.Key(
            "kind",
            "Whether gradients are handed in, and parameters handed out, as they are, or rounded to bfloat16, which is "
                + "half the bytes",
            JobValues.Name<CompressionKind>(
                [(CompressionKind.None, ["none"]), (CompressionKind.Bfloat16, ["bfloat16"])]),
            c => c.Kind, (c, v) => c with { Kind = v }),
        CompressionTable.Key(
            "groups",
            "Groups of data shards whose gradient sums are rounded; as many as there are nodes send least",
            JobValues.Whole(1, 65_536), c => c.Groups, (c, v) => c with { Groups = v },
            c => c.Kind != CompressionKind.None, "with kind bfloat16"));

    /// <summary>The section <c>training</c>.</summary>
    public static JobSection<TrainingDescription> Training { get; } = new(
        () => new TrainingDescription(),
        TrainingTable.Key("epochs", "Passes over the training samples",
            JobValues.Whole(1, Most), t => t.Epochs, (t, v) => t with { Epochs = v }),
        TrainingTable.Key("max-steps", "Stops after this many steps; 0 is no limit",
            JobValues.Whole(0, Most), t => t.MaxSteps, (t, v) => t with { MaxSteps = v }),
        TrainingTable.Key("batch-size", "Samples of one step over all workers",
            JobValues.Whole(1, 10_000_000), t => t.BatchSize, (t, v) => t with { BatchSize = v }),
        TrainingTable.Key(
            "data-shards",
            "Logical parts of each step's samples, divided among the workers; part of the job, because it decides "
                + "rounding",
            JobValues.Whole(1, 65_536), t => t.DataShards, (t, v) => t with { DataShards = v }),
        TrainingTable.Key("seed", "Seed of initialization, shuffling and dropout",
            JobValues.Whole(0UL, ulong.MaxValue), t => t.Seed, (t, v) => t with { Seed = v }),
        TrainingTable.Key("shuffle", "Whether each epoch has its own order of samples",
            JobValues.Bool, t => t.Shuffle, (t, v) => t with { Shuffle = v }),
        TrainingTable.Key("early-stopping", "Stops when the validation loss no longer improves",
            s_stopping, t => t.EarlyStopping, (t, v) => t with { EarlyStopping = v }),
        TrainingTable.Key(
            "figures", "Whether the validation part's figures beyond loss and accuracy are computed after each epoch",
            JobValues.Bool, t => t.Figures, (t, v) => t with { Figures = v }),
        TrainingTable.Key("divergence", "What happens when a gradient is not finite",
            s_divergence, t => t.Divergence, (t, v) => t with { Divergence = v }),
        TrainingTable.Key("consistency", "When those who compute hear of each other's work",
            s_consistency, t => t.Consistency, (t, v) => t with { Consistency = v }),
        TrainingTable.Key("compression", "How what workers and parameter shards hand each other is made smaller",
            s_compression, t => t.Compression, (t, v) => t with { Compression = v }));

    /// <summary>The section <c>run</c>.</summary>
    public static JobSection<RunSettings> Run { get; } = new(
        () => new RunSettings(),
        RunTable.Key("workers", "Worker actors, each with a compute thread of its own",
            JobValues.Whole(1, 4096), r => r.Workers, (r, v) => r with { Workers = v },
            defaultText: "the number of cores"),
        RunTable.Key("parameter-shards", "Parameter-shard actors",
            JobValues.Whole(1, 4096), r => r.ParameterShards, (r, v) => r with { ParameterShards = v },
            defaultText: "the number of cores"),
        RunTable.Key("compute-threads", "Threads of one worker",
            JobValues.Whole(1, 1024), r => r.ComputeThreads, (r, v) => r with { ComputeThreads = v }),
        RunTable.Key(
            "backup-workers",
            "Whether an idle worker computes the slowest worker's data shards as well; the first identical bits count",
            JobValues.Bool, r => r.BackupWorkers, (r, v) => r with { BackupWorkers = v }),
        RunTable.Key("report-every", "Steps between two progress reports",
            JobValues.Whole(1, Most), r => r.ReportEvery, (r, v) => r with { ReportEvery = v }),
        RunTable.Key("tensorboard", "Whether the run folder gets an event file for TensorBoard",
            JobValues.Bool, r => r.TensorBoard, (r, v) => r with { TensorBoard = v }),
        RunTable.Key(
            "histograms-every",
            "Steps between two histograms of each tensor's parameters and gradients in it, which come with the last "
                + "step as well; 0: one each epoch",
            JobValues.Whole(0, Most), r => r.HistogramsEvery, (r, v) => r with { HistogramsEvery = v },
            r => r.TensorBoard, "with tensorboard = true"),
        RunTable.Key("output", "The run folder, new or empty",
            JobValues.OptionalText, r => r.Output, (r, v) => r with { Output = v },
            defaultText: "runs/<date>-<job name>"));

    /// <summary>The section <c>checkpoint</c>.</summary>
    public static JobSection<CheckpointSettings> Checkpoint { get; } = new(
        () => new CheckpointSettings(),
        CheckpointTable.Key("every-steps", "Steps between two checkpoints; 0: steps do not count",
            JobValues.Whole(0, Most), c => c.EverySteps, (c, v) => c with { EverySteps = v }),
        CheckpointTable.Key(
            "every-time",
            "Time between two checkpoints; 0s: time does not count; with every-steps = 0 as well, none are written",
            JobValues.Duration(TimeSpan.Zero, TimeSpan.FromDays(10)), c => c.EveryTime,
            (c, v) => c with { EveryTime = v }),
        CheckpointTable.Key("keep", "How many of the last checkpoints stay",
            JobValues.Whole(1, 100_000), c => c.Keep, (c, v) => c with { Keep = v }),
        CheckpointTable.Key(
            "keep-best",
            "How many of those with the lowest validation loss stay as well; only those of an epoch's last step have "
                + "one",
            JobValues.Whole(0, 100_000), c => c.KeepBest, (c, v) => c with { KeepBest = v }));

    private static bool GoesBack(DivergenceDescription divergence) => divergence.Policy == DivergencePolicy.GoBack;

    private static bool GoesOn(DivergenceDescription divergence) => divergence.Policy != DivergencePolicy.Stop;

    private static bool IsLocal(ConsistencyDescription consistency) => consistency.Mode == ConsistencyMode.Local;

    private static bool HasOuterStep(ConsistencyDescription consistency) =>
        IsLocal(consistency) && consistency.Outer == OuterKind.Nesterov;

    private static bool IsOn(EarlyStoppingDescription stopping) => stopping.Patience > 0;
}
