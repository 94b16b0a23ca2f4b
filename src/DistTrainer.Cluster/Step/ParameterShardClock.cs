using Akka.Actor;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Step;

/// <summary>Where a parameter shard's time goes: gathering a step's contributions, then applying it.</summary>
/// <param name="time">The actor system's clock, which a test may drive.</param>
internal sealed class ParameterShardClock(ITimeProvider time)
{
    private TimeSpan _opened;
    private TimeSpan? _firstArrival;
    private TimeSpan _completed;
    private TimeSpan _gather;
    private TimeSpan _apply;
    private int _steps;
    private TimeSpan _lastGather;
    private TimeSpan _lastApply;
    private bool _isRunning;

    /// <summary>How long the step has been open; null while no steps are asked for.</summary>
    public TimeSpan? OpenFor => _isRunning ? time.HighResMonotonicClock - _opened : null;

    /// <summary>Steps are asked for from now on.</summary>
    public void Open()
    {
        _isRunning = true;
        _opened = time.HighResMonotonicClock;
        _firstArrival = null;
    }

    /// <summary>No more steps are asked for.</summary>
    public void Pause() => _isRunning = false;

    /// <summary>A contribution is in.</summary>
    public void Arrived() => _firstArrival ??= time.HighResMonotonicClock;

    /// <summary>All contributions are in.</summary>
    public void Complete()
    {
        _completed = time.HighResMonotonicClock;
        _gather += _lastGather = _completed - (_firstArrival ?? _completed);
    }

    /// <summary>The step is applied and handed out; the next one is open.</summary>
    public void Applied()
    {
        TimeSpan now = time.HighResMonotonicClock;
        _apply += _lastApply = now - _completed;
        _steps++;
        (_opened, _firstArrival) = (now, null);
    }

    /// <summary>The times of the last step that was applied.</summary>
    public (TimeSpan Gather, TimeSpan Apply) LastTimes => (_lastGather, _lastApply);

    /// <summary>The times since the last call, a step.</summary>
    public ParameterShardTimes TakeTimes()
    {
        var times = new ParameterShardTimes(
            _gather.TotalMilliseconds / Math.Max(1, _steps), _apply.TotalMilliseconds / Math.Max(1, _steps));
        (_gather, _apply, _steps) = (default, default, 0);
        return times;
    }
}
