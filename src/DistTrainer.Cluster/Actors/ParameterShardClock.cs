using System.Diagnostics;

namespace DistTrainer.Cluster;

/// <summary>Where a parameter shard's time goes: gathering a step's contributions, then applying it.</summary>
internal sealed class ParameterShardClock
{
    private long _opened;
    private long _firstArrival;
    private long _completed;
    private TimeSpan _gather;
    private TimeSpan _apply;
    private int _steps;
    private bool _isRunning;

    /// <summary>How long the step has been open; null while no steps are asked for.</summary>
    public TimeSpan? OpenFor => _isRunning ? Stopwatch.GetElapsedTime(_opened) : null;

    /// <summary>Steps are asked for from now on.</summary>
    public void Open()
    {
        _isRunning = true;
        _opened = Stopwatch.GetTimestamp();
        _firstArrival = 0;
    }

    /// <summary>No more steps are asked for.</summary>
    public void Pause() => _isRunning = false;

    /// <summary>A contribution is in.</summary>
    public void Arrived()
    {
        if (_firstArrival == 0)
            _firstArrival = Stopwatch.GetTimestamp();
    }

    /// <summary>All contributions are in.</summary>
    public void Complete()
    {
        _completed = Stopwatch.GetTimestamp();
        _gather += Stopwatch.GetElapsedTime(_firstArrival, _completed);
    }

    /// <summary>The step is applied and handed out; the next one is open.</summary>
    public void Applied()
    {
        long now = Stopwatch.GetTimestamp();
        _apply += Stopwatch.GetElapsedTime(_completed, now);
        _steps++;
        (_opened, _firstArrival) = (now, 0);
    }

    /// <summary>The times since the last call, a step.</summary>
    public ParameterShardTimes TakeTimes()
    {
        var times = new ParameterShardTimes(_gather.TotalMilliseconds / Math.Max(1, _steps), _apply.TotalMilliseconds / Math.Max(1, _steps));
        (_gather, _apply, _steps) = (default, default, 0);
        return times;
    }
}
