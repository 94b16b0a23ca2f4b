using DistTrainer.Cluster;

namespace DistTrainer.Cli;

/// <summary>Tells several observers, in order.</summary>
/// <param name="all">The observers.</param>
internal sealed class Observers(params ITrainingObserver[] all) : ITrainingObserver
{
    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps) => Array.ForEach(all, one => one.OnStarted(stepsPerEpoch, totalSteps));

    /// <inheritdoc/>
    public void OnStep(StepReport report) => Array.ForEach(all, one => one.OnStep(report));

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report) => Array.ForEach(all, one => one.OnEpoch(report));
}
