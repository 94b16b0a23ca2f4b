using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// What a coordinator decides, without the actor: how far to run before the next decision, and after an epoch whether
/// its parameters are the best, whether to lower the learning rate, and whether to go on.
/// </summary>
internal sealed class RunPlan(JobDescription job, int stepsPerEpoch, long totalSteps, bool hasValidation)
{
    private readonly EarlyStoppingTracker _stopping = new(job.Training.EarlyStopping);
    private readonly PlateauTracker? _plateau = job.Schedule.CreateTracker();

    /// <summary>Where reduce-on-plateau stands.</summary>
    public PlateauState Plateau => _plateau is { } plateau
        ? new PlateauState(plateau.Factor, plateau.Best, plateau.BadEpochs) : RunState.Start.Plateau;

    /// <summary>Where early stopping stands.</summary>
    public StoppingState Stopping => new(_stopping.BestEpoch, _stopping.BestLoss, _stopping.BadEpochs);

    /// <summary>Goes on from where a run stood.</summary>
    public void Restore(RunState state)
    {
        _plateau?.Restore(state.Plateau.Factor, state.Plateau.Best, state.Plateau.BadEpochs);
        _stopping.Restore(state.Stopping.BestEpoch, state.Stopping.BestLoss, state.Stopping.BadEpochs);
        IsStoppedEarly = _stopping.ShouldStop;
    }

    /// <summary>What reduce-on-plateau makes of the learning rate.</summary>
    public double PlateauFactor => _plateau?.Factor ?? 1;

    /// <summary>Whether the best epoch's parameters are kept and taken back at the end.</summary>
    public bool KeepsBest { get; } =
        job.Training.EarlyStopping is { Patience: > 0, RestoreBest: true } && hasValidation;

    /// <summary>The epoch with the lowest validation loss; 0 before the first.</summary>
    public int BestEpoch => _stopping.BestEpoch;

    /// <summary>Whether early stopping ended the run.</summary>
    public bool IsStoppedEarly { get; private set; }

    /// <summary>The step of the next decision: the end of the epoch, or of the run.</summary>
    /// <param name="step">Steps done.</param>
    public long NextDecision(long step) => Math.Min(totalSteps, ((step / stepsPerEpoch) + 1) * stepsPerEpoch);

    /// <summary>Whether all steps are done, or early stopping says so.</summary>
    public bool IsFinished(long step) => step >= totalSteps || IsStoppedEarly;

    /// <summary>Hears of an epoch.</summary>
    /// <param name="epoch">Counted from 1.</param>
    /// <param name="validationLoss">Mean validation loss.</param>
    /// <param name="figures">The validation part's other figures.</param>
    /// <returns>Whether the epoch is the best so far.</returns>
    public bool OnEpoch(int epoch, double validationLoss, PartFigures figures)
    {
        FigureKind watched = job.Training.EarlyStopping.Watch;
        bool isBest = _stopping.Report(
            epoch, watched == FigureKind.Loss ? validationLoss : figures[watched] ?? double.NaN);
        IsStoppedEarly = _stopping.ShouldStop;
        _plateau?.Report(validationLoss);
        return isBest;
    }
}
