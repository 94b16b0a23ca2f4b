using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Schedules;

namespace DistTrainer.Cluster.Step;

/// <summary>The learning rate of each step: the job's schedule, and what the run has told last.</summary>
/// <param name="setup">What the node's actors share.</param>
internal sealed class StepRates(TrainingSetup setup)
{
    private LearningRateSchedule _schedule = new(setup.Job.Optimizer.LearningRate, setup.Job.Schedule);

    /// <summary>What the run has told last.</summary>
    public RateChange Change { get; private set; } = new(1, null);

    /// <summary>The run says what has become of the job's rate; one that it names holds from then on.</summary>
    public void Take(RateChange change)
    {
        if (change.Base is { } rate && change.Base != Change.Base)
            _schedule = new LearningRateSchedule((float)rate, setup.Job.Schedule);
        Change = change;
    }

    /// <summary>The rate of a step.</summary>
    /// <param name="step">Counted from 1.</param>
    public double Of(long step) =>
        _schedule.Rate(step, setup.StepsPerEpoch, setup.TotalSteps, Change.PlateauFactor);
}
