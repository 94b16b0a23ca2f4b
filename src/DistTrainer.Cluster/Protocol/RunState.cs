using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cluster.Protocol;

/// <summary>
/// Where a run stands after a step, beside the parameters and the optimizer's slots: what its next decisions depend on.
/// A checkpoint has it in its manifest; parameter shards remember the newest, for a coordinator that takes over.
/// </summary>
/// <param name="Step">The last step that is in; 0 is before the first.</param>
/// <param name="EpochSums">Training figures of the epoch that is not over; nothing at an epoch's end.</param>
/// <param name="Rates">The full learning rates that were set while running; none: the job's.</param>
/// <param name="Plateau">Where reduce-on-plateau stands.</param>
/// <param name="Stopping">Where early stopping stands.</param>
/// <param name="ValidationLoss">Mean validation loss of exactly these parameters; null where it was not
/// computed.</param>
/// <param name="TrainLoss">Mean training loss of the last epoch that ended; null before the first.</param>
/// <param name="Divergence">What was done about gradients that were not finite.</param>
/// <param name="Requests">What people have asked for; a checkpoint does not keep it.</param>
/// <param name="Version">Rises whenever the run tells its state: of two states the higher one holds. 0 in a
/// checkpoint.</param>
internal sealed record RunState(
    long Step, LossSums EpochSums, RateSet[] Rates, PlateauState Plateau, StoppingState Stopping,
        double? ValidationLoss, double? TrainLoss,
    DivergenceState Divergence, RunRequests Requests, long Version)
    : IControlMessage
{
    internal const string LastEpochLoss = "last-epoch-loss";

    /// <summary>Where every run begins.</summary>
    public static RunState Start { get; } = new(
        0, default, [], new PlateauState(1, double.PositiveInfinity, 0),
            new StoppingState(0, double.PositiveInfinity, 0), null, null,
        default, RunRequests.None, 0);

    /// <summary>What a checkpoint says.</summary>
    public static RunState Of(CheckpointManifest manifest)
    {
        double Sum(string name) => manifest.Position.Sums.GetValueOrDefault(name);
        return new RunState(
            manifest.Step,
            new LossSums(
                (long)Sum("samples"), Sum("loss"), (long)Sum("correct"), Sum("squared-error"),
                manifest.Position.Sums.TryGetValue("weight", out double weight) ? weight : Sum("samples")),
            manifest.Rate.Base is { } rate ? [new RateSet(1, rate)] : [],
            new PlateauState(manifest.Rate.PlateauFactor, manifest.Rate.PlateauBest, manifest.Rate.PlateauBadEpochs),
            new StoppingState(
                manifest.EarlyStopping.BestEpoch, manifest.EarlyStopping.BestLoss, manifest.EarlyStopping.BadEpochs),
            manifest.ValidationLoss, manifest.Position.Sums.TryGetValue(LastEpochLoss, out double loss) ? loss : null,
            manifest.Divergence is { } done
                ? new DivergenceState(done.Lowered, done.FirstRate, done.LeftOutStep, done.LeftOut)
                : default, RunRequests.None, 0);
    }
}

/// <summary>A full learning rate that a person, or a policy, has set while the run went on.</summary>
/// <param name="FirstStep">The first step with it.</param>
/// <param name="Rate">The rate that the schedule starts from.</param>
internal readonly record struct RateSet(long FirstStep, double Rate);

/// <summary>State of reduce-on-plateau; see <see cref="PlateauTracker"/>.</summary>
/// <param name="Factor">What the full rate is multiplied by.</param>
/// <param name="Best">Lowest loss that counted as an improvement.</param>
/// <param name="BadEpochs">Epochs without improvement since.</param>
internal readonly record struct PlateauState(double Factor, double Best, int BadEpochs);

/// <summary>What a run has done about gradients that were not finite; see <c>training.divergence</c>.</summary>
/// <param name="Lowered">How often the learning rate was lowered.</param>
/// <param name="FirstRate">The full rate before it was lowered for the first time; null: never.</param>
/// <param name="AdmittedStep">The last step that is left out by all; 0: none.</param>
/// <param name="LeftOut">Steps in a row, with that one, that were left out.</param>
internal readonly record struct DivergenceState(int Lowered, double? FirstRate, long AdmittedStep, int LeftOut);

/// <summary>State of early stopping; see <see cref="EarlyStoppingTracker"/>.</summary>
/// <param name="BestEpoch">The best epoch; 0 before the first.</param>
/// <param name="BestLoss">Its validation loss.</param>
/// <param name="BadEpochs">Epochs without improvement since.</param>
internal readonly record struct StoppingState(int BestEpoch, double BestLoss, int BadEpochs);
