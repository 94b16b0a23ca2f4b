using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Schedules;

/// <summary>
/// The learning rate as a pure function of the step: with r the full rate, γ gamma, and e the 0-based epoch of the step
/// (what PyTorch's schedulers give when they are stepped once an epoch):
/// <code>
/// warm-up             r · t / n                                    for t ≤ n, before any of the following
/// constant            r
/// step                r · γ^⌊e / size⌋
/// multi-step          r · γ^(milestones ≤ e)
/// exponential         r · γ^e
/// cosine              m + (r − m) · (1 + cos(π k / K)) / 2         k = t − 1 − n, K = total − n, m the minimum
/// reduce-on-plateau   max(r · factor, m)                           factor from <see cref="PlateauTracker"/>
/// </code>
/// The cosine begins after the warm-up; epochs count from the start of the run. A minimum above r counts as r.
/// Computed in double without library functions, so the same on every platform.
/// </summary>
internal sealed class LearningRateSchedule
{
    private readonly int _warmUp;
    private readonly double _full;
    private readonly Func<SchedulePoint, double> _rate;

    /// <summary>Takes the full rate and the schedule.</summary>
    /// <param name="fullRate">Learning rate at full height, &gt; 0.</param>
    /// <param name="schedule">How it changes.</param>
    /// <exception cref="DistTrainerException">An option is out of its range
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public LearningRateSchedule(float fullRate, ScheduleDescription schedule)
    {
        UpdateChecks.Check("schedule.warm-up-steps", schedule.WarmUpSteps, UpdateChecks.Steps);
        _warmUp = schedule.WarmUpSteps;
        _full = ScalarMath.AsWritten(fullRate);
        _rate = schedule.Part.Create(schedule.Settings);
    }

    /// <summary>The rate of one step.</summary>
    /// <param name="step">The step t, counted from 1.</param>
    /// <param name="stepsPerEpoch">Steps of one epoch, ≥ 1.</param>
    /// <param name="totalSteps">Steps of the whole run; only cosine uses it, and stays at the minimum beyond.</param>
    /// <param name="plateauFactor">From <see cref="PlateauTracker.Factor"/>; only reduce-on-plateau uses it.</param>
    public double Rate(long step, int stepsPerEpoch, long totalSteps, double plateauFactor = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stepsPerEpoch, 1);
        if (step <= _warmUp)
            return _full * step / _warmUp;
        return _rate(
            new SchedulePoint(
                _full, (step - 1) / stepsPerEpoch, step - 1 - _warmUp, totalSteps - _warmUp, plateauFactor));
    }
}
