using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Watch;

/// <summary>Remembers how the run is asked and told.</summary>
internal sealed class LatestControl : ITrainingObserver
{
    /// <summary>The newest; null before there is one.</summary>
    public IRunControl? Latest { get; private set; }

    /// <inheritdoc/>
    public void OnControl(IRunControl control) => Latest = control;

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
    }
}
