namespace DistTrainer.Transport;

/// <summary>
/// Passes on one warning in ten seconds and counts the others, so that a port scan does not fill the log.
/// </summary>
/// <param name="warn">Where warnings go.</param>
internal sealed class RateLimitedWarning(Action<string> warn)
{
    private const int Milliseconds = 10_000;
    private readonly Lock _gate = new();
    private long _next;
    private int _left;

    /// <summary>Warns, or counts.</summary>
    /// <param name="text">One line.</param>
    public void Write(string text)
    {
        lock (_gate)
        {
            if (Environment.TickCount64 < _next)
            {
                _left++;
                return;
            }
            if (_left > 0)
                text += $" ({_left} more warnings like it since the last one)";
            (_next, _left) = (Environment.TickCount64 + Milliseconds, 0);
        }
        warn(text);
    }
}
