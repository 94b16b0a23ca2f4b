using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>How a parameter shard is to apply steps: as the run has told it last.</summary>
internal sealed class StepOrders(TrainingSetup setup)
{
    private static readonly PrepareRun s_none = new(0, 0, new RateChange(1, null), false, RunState.Start, 0, 0);
    private StepRates _rates = new(setup);
    private PrepareRun _last = s_none;

    /// <summary>The last step that the run has heard the sums of.</summary>
    public long KnownStep => _last.KnownStep;

    /// <summary>The step that is left out: its contributions are taken though they are not finite; 0: none.</summary>
    public long AdmittedStep => _last.AdmittedStep;

    /// <summary>The run says how to go on.</summary>
    public void Take(PrepareRun run)
    {
        _rates.Take(run.Rate);
        _last = run;
    }

    /// <summary>The run goes back: nothing is ordered, and the learning rate is the job's.</summary>
    public void Clear()
    {
        _rates = new StepRates(setup);
        _last = s_none;
    }

    /// <summary>Whether the run decides something after a step.</summary>
    public bool IsLast(long step) => step == _last.Step;

    /// <summary>How to apply a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="weight">See <see cref="StepContext.Weight"/>.</param>
    /// <param name="norm">Norm of the whole gradient, where the job needs it.</param>
    public StepContext Of(long step, double weight, double? norm) =>
        new(step, _rates.Of(step), weight)
        {
            GradientNorm = norm,
            WantNorm = IsLast(step) || setup.IsReported(step),
            WantStatistics = IsLast(step) && _last.WithStatistics,
            WantHistograms = setup.WantsHistograms(step),
        };
}
