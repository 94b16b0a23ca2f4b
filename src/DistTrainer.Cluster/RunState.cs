using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

/// <summary>
/// Where a run stands after a step, beside the parameters and the optimizer's slots: what its next decisions depend on.
/// A checkpoint has it in its manifest; parameter shards remember the newest, for a coordinator that takes over.
/// </summary>
/// <param name="Step">The last step that is in; 0 is before the first.</param>
/// <param name="EpochSums">Training figures of the epoch that is not over; nothing at an epoch's end.</param>
/// <param name="Rates">The full learning rates that were set while running; none: the job's.</param>
/// <param name="Plateau">Where reduce-on-plateau stands.</param>
/// <param name="Stopping">Where early stopping stands.</param>
/// <param name="ValidationLoss">Mean validation loss of exactly these parameters; null where it was not computed.</param>
/// <param name="TrainLoss">Mean training loss of the last epoch that ended; null before the first.</param>
/// <param name="Divergence">What was done about gradients that were not finite.</param>
/// <param name="Requests">What people have asked for; a checkpoint does not keep it.</param>
/// <param name="Version">Rises whenever the run tells its state: of two states the higher one holds. 0 in a checkpoint.</param>
public sealed record RunState(
    long Step, LossSums EpochSums, RateSet[] Rates, PlateauState Plateau, StoppingState Stopping, double? ValidationLoss, double? TrainLoss,
    DivergenceState Divergence, RunRequests Requests, long Version)
    : IControlMessage
{
    private const string LastEpochLoss = "last-epoch-loss";

    /// <summary>Where every run begins.</summary>
    public static RunState Start { get; } = new(
        0, default, [], new PlateauState(1, double.PositiveInfinity, 0), new StoppingState(0, double.PositiveInfinity, 0), null, null,
        default, RunRequests.None, 0);

    /// <summary>What a checkpoint says.</summary>
    public static RunState Of(CheckpointManifest manifest)
    {
        double Sum(string name) => manifest.Position.Sums.GetValueOrDefault(name);
        return new RunState(
            manifest.Step,
            new LossSums((long)Sum("samples"), Sum("loss"), (long)Sum("correct"), Sum("squared-error")),
            manifest.Rate.Base is { } rate ? [new RateSet(1, rate)] : [],
            new PlateauState(manifest.Rate.PlateauFactor, manifest.Rate.PlateauBest, manifest.Rate.PlateauBadEpochs),
            new StoppingState(manifest.EarlyStopping.BestEpoch, manifest.EarlyStopping.BestLoss, manifest.EarlyStopping.BadEpochs),
            manifest.ValidationLoss, manifest.Position.Sums.TryGetValue(LastEpochLoss, out double loss) ? loss : null,
            manifest.Divergence is { } done ? new DivergenceState(done.Lowered, done.FirstRate, done.LeftOutStep, done.LeftOut) : default, RunRequests.None, 0);
    }

    /// <summary>The manifest of a checkpoint, but for its files.</summary>
    /// <param name="setup">The run on this node.</param>
    /// <param name="run">Name of the run.</param>
    /// <param name="generation">Membership version.</param>
    internal CheckpointManifest ToManifest(TrainingSetup setup, string run, int generation)
    {
        (JobDescription job, RunOptions options) = (setup.Job, setup.Options);
        int epoch = Step == 0 ? 0 : setup.EpochOf(Step);
        long first = Math.Max(0, epoch - 1) * (long)setup.StepsPerEpoch;
        var sums = new Dictionary<string, double>
        {
            ["samples"] = EpochSums.Count,
            ["loss"] = EpochSums.LossSum,
            ["correct"] = EpochSums.Correct,
            ["squared-error"] = EpochSums.SquaredErrorSum,
        };
        if (TrainLoss is { } loss)
            sums[LastEpochLoss] = loss;
        return new CheckpointManifest
        {
            Run = run,
            Step = Step,
            Generation = generation,
            Position = new CheckpointPosition(
                epoch, Math.Min((Step - first) * Math.Min(job.Training.BatchSize, setup.Data.Train.Count), setup.Data.Train.Count), setup.StepsPerEpoch, (int)(Step / setup.StepsPerEpoch), sums),
            Seeds = new CheckpointSeeds(job.Training.Seed, job.Data.SplitSeed),
            Rate = new CheckpointRate(Rates.LastOrDefault(set => set.FirstStep <= Step + 1) is { FirstStep: > 0 } set ? set.Rate : null, Plateau.Factor, Plateau.Best, Plateau.BadEpochs),
            EarlyStopping = new CheckpointStopping(Stopping.BestEpoch, Stopping.BestLoss, Stopping.BadEpochs),
            ValidationLoss = ValidationLoss,
            Divergence = Divergence == default ? null
                : new CheckpointDivergence(Divergence.Lowered, Divergence.FirstRate, Divergence.AdmittedStep, Divergence.LeftOut),
            HasBest = Stopping.BestEpoch > 0 && job.Training.EarlyStopping is { Patience: > 0, RestoreBest: true },
            Job = new JobFile(job, new RunSettings
            {
                Workers = options.Workers,
                ParameterShards = options.ParameterShards,
                ComputeThreads = options.ComputeThreads,
                ReportEvery = options.ReportEvery,
                TensorBoard = options.HistogramsEvery is not null,
                HistogramsEvery = options.HistogramsEvery ?? new RunSettings().HistogramsEvery,
                BackupWorkers = options.BackupWorkers,
                Checkpoint = options.Checkpoint,
            }).Write(),
            DataHash = setup.Data.Hash,
            Optimizer = new CheckpointOptimizer(job.Optimizer.Kind, Optimizer.Create(job.Optimizer).SlotNames),
            Layout = CheckpointManifest.Describe(setup.Network.Layout),
        };
    }
}

/// <summary>State of reduce-on-plateau; see <see cref="PlateauTracker"/>.</summary>
/// <param name="Factor">What the full rate is multiplied by.</param>
/// <param name="Best">Lowest loss that counted as an improvement.</param>
/// <param name="BadEpochs">Epochs without improvement since.</param>
public readonly record struct PlateauState(double Factor, double Best, int BadEpochs);

/// <summary>What a run has done about gradients that were not finite; see <c>training.divergence</c>.</summary>
/// <param name="Lowered">How often the learning rate was lowered.</param>
/// <param name="FirstRate">The full rate before it was lowered for the first time; null: never.</param>
/// <param name="AdmittedStep">The last step that is left out by all; 0: none.</param>
/// <param name="LeftOut">Steps in a row, with that one, that were left out.</param>
public readonly record struct DivergenceState(int Lowered, double? FirstRate, long AdmittedStep, int LeftOut);

/// <summary>State of early stopping; see <see cref="EarlyStoppingTracker"/>.</summary>
/// <param name="BestEpoch">The best epoch; 0 before the first.</param>
/// <param name="BestLoss">Its validation loss.</param>
/// <param name="BadEpochs">Epochs without improvement since.</param>
public readonly record struct StoppingState(int BestEpoch, double BestLoss, int BadEpochs);
