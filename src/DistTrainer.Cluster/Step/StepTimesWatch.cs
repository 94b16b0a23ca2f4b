using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// When a worker reports its times before it is due: at the first steps of a generation, and at the first and second of
/// several steps in a row that took more than twice the time of its last regular report. Two slow reports make a slow
/// worker (a run's figures), so it is known within three steps, however rare reports are.
/// </summary>
internal sealed class StepTimesWatch
{
    /// <summary>A worker is slow only if it takes this much longer a step, in milliseconds.</summary>
    public const double SlowAtLeast = 5;

    private const int FirstSteps = 3;
    private int _steps;
    private int _slow;
    private double _compute;
    private double _regular;

    private bool IsSlow => _steps > FirstSteps && _slow >= 1;

    /// <summary>A generation begins.</summary>
    public void Clear() => (_steps, _slow, _regular) = (0, 0, 0);

    /// <summary>A step is through.</summary>
    /// <param name="compute">Its compute time, in milliseconds.</param>
    /// <returns>Whether to report at once.</returns>
    public bool Next(double compute)
    {
        _steps++;
        _compute = compute;
        _slow = compute > Math.Max(2 * _regular, _regular + SlowAtLeast) ? _slow + 1 : 0;
        return _steps <= FirstSteps || _slow is 1 or 2;
    }

    /// <summary>
    /// What to report: the times since the last report, or those of the last step where it has become slow.
    /// </summary>
    /// <param name="times">Times since the last report, a step.</param>
    public WorkerTimes Take(WorkerTimes times)
    {
        if (IsSlow)
            return times with { Compute = _compute };
        _regular = times.Compute;
        return times;
    }
}
