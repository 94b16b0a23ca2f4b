using DistTrainer.Cluster.Protocol;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Control;

/// <summary>Hears how a run goes; called from the coordinator, one call at a time, so it must return quickly.</summary>
public interface ITrainingObserver
{
    /// <summary>Before anything else, where the run is in this process: how to ask it and tell it.</summary>
    void OnControl(IRunControl control)
    {
    }

    /// <summary>The run starts.</summary>
    void OnStarted(int stepsPerEpoch, long totalSteps);

    /// <summary>Every <see cref="RunSettings.ReportEvery"/> steps and at the end of an epoch.</summary>
    void OnStep(StepReport report);

    /// <summary>At the end of an epoch, after evaluation.</summary>
    void OnEpoch(EpochReport report);

    /// <summary>
    /// How the values of a tensor spread, where <see cref="RunSettings.TensorBoard"/> asks for it. None comes where a
    /// part was lost with a node or a connection.
    /// </summary>
    void OnHistogram(HistogramReport report)
    {
    }

    /// <summary>
    /// Which samples went into the parameters: every step once, in order, at each report and at the end of an epoch.
    /// </summary>
    void OnLedger(LedgerEntry entry)
    {
    }

    /// <summary>
    /// The run went back to <paramref name="lastStep"/>, because a parameter shard was lost: later steps are computed,
    /// and reported, again.
    /// </summary>
    void OnWentBack(long lastStep)
    {
    }

    /// <summary>A checkpoint was written.</summary>
    void OnCheckpoint(CheckpointReport report)
    {
    }
}
