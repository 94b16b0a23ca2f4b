using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Remembers all reports of a run.</summary>
internal sealed class Recorder : ITrainingObserver
{
    public List<StepReport> Steps { get; } = [];

    public List<EpochReport> Epochs { get; } = [];

    public Action<StepReport> AfterStep { get; init; } = _ => { };

    public void OnStarted(int stepsPerEpoch, long totalSteps) =>
        Assert.Equal(stepsPerEpoch * (totalSteps / stepsPerEpoch), totalSteps);

    public void OnStep(StepReport report)
    {
        Steps.Add(report);
        AfterStep(report);
    }

    public void OnEpoch(EpochReport report) => Epochs.Add(report);
}
