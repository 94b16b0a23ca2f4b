using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli.Runs;

/// <summary>Several observers as one: each is told in turn.</summary>
internal class Observers : ITrainingObserver
{
    private readonly List<ITrainingObserver> _all = [];

    /// <summary>Another one is told, too.</summary>
    public void Add(ITrainingObserver? one)
    {
        if (one is not null)
            _all.Add(one);
    }

    /// <inheritdoc/>
    public void OnControl(IRunControl control)
    {
        foreach (ITrainingObserver one in _all)
            one.OnControl(control);
    }

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
        foreach (ITrainingObserver one in _all)
            one.OnStarted(stepsPerEpoch, totalSteps);
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
        foreach (ITrainingObserver one in _all)
            one.OnStep(report);
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        foreach (ITrainingObserver one in _all)
            one.OnEpoch(report);
    }

    /// <inheritdoc/>
    public void OnHistogram(HistogramReport report)
    {
        foreach (ITrainingObserver one in _all)
            one.OnHistogram(report);
    }

    /// <inheritdoc/>
    public void OnLedger(LedgerEntry entry)
    {
        foreach (ITrainingObserver one in _all)
            one.OnLedger(entry);
    }

    /// <inheritdoc/>
    public void OnWentBack(long lastStep)
    {
        foreach (ITrainingObserver one in _all)
            one.OnWentBack(lastStep);
    }

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointReport report)
    {
        foreach (ITrainingObserver one in _all)
            one.OnCheckpoint(report);
    }
}
