using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Step;

/// <summary>Where a worker's time goes: computing, or waiting.</summary>
/// <param name="time">A simulation has a time of its own.</param>
internal sealed class WorkerClock(TimeProvider time)
{
    private static readonly TimeSpan s_longestSilence = TimeSpan.FromSeconds(1);
    private long _computed;
    private long _computedBefore;
    private double _steps;
    private double _stepsBefore;
    private long _reported = time.GetTimestamp();

    /// <summary>A moment, for <see cref="Computed"/>.</summary>
    public long Now => time.GetTimestamp();

    /// <summary>It was computed since a moment.</summary>
    public void Computed(long since) => _computed += Now - since;

    /// <summary>A step or a round begins.</summary>
    public void Begin() => (_computedBefore, _stepsBefore) = (_computed, _steps);

    /// <summary>So many steps of all data shards are begun.</summary>
    public void Advance(double steps) => _steps += steps;

    /// <summary>
    /// Compute time of the step that is begun or was finished last, in milliseconds; of a round a step.
    /// </summary>
    public double StepMilliseconds =>
        time.GetElapsedTime(_computedBefore, _computed).TotalMilliseconds / Math.Max(1, _steps - _stepsBefore);

    /// <summary>Whether the last report was made so long ago that the run should hear how it goes.</summary>
    public bool IsReportOverdue => time.GetElapsedTime(_reported) >= s_longestSilence;

    /// <summary>Where the time went since the last call, a step.</summary>
    public WorkerTimes Take()
    {
        long now = Now;
        double steps = Math.Max(1e-9, _steps), all = time.GetElapsedTime(_reported, now).TotalMilliseconds;
        double compute = time.GetElapsedTime(0, _computed).TotalMilliseconds;
        (_reported, _computed, _computedBefore, _steps, _stepsBefore) = (now, 0, 0, 0, 0);
        return new WorkerTimes(compute / steps, Math.Max(0, all - compute) / steps);
    }
}
