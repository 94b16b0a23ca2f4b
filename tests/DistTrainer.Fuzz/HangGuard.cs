using System.Globalization;

namespace DistTrainer.Fuzz;

/// <summary>Ends the program with an input that is never done with: a thread cannot be stopped from outside.</summary>
internal sealed class HangGuard : IDisposable
{
    private const int LongestSeconds = 20;
    private readonly string _reader;
    private readonly string _failures;
    private readonly Timer _timer;
    private Current _current = new(-1, new Seed("", []));
    private Current? _seen;
    private int _seconds;

    /// <summary>Begins to watch.</summary>
    public HangGuard(string reader, string failures)
    {
        (_reader, _failures) = (reader, failures);
        _timer = new Timer(_ => Look(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>An input's turn has come.</summary>
    public void Begin(long n, Seed input) => Volatile.Write(ref _current, new Current(n, input));

    /// <summary>Watches no longer.</summary>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        Current current = Volatile.Read(ref _current);
        _seconds = ReferenceEquals(current, _seen) ? _seconds + 1 : 0;
        _seen = current;
        if (_seconds < LongestSeconds || current.Number < 0)
            return;
        string path = FailureFile.Write(_failures, _reader, current.Number, current.Input);
        Console.WriteLine(
            $"{_reader}: input {current.Number.ToString(CultureInfo.InvariantCulture)} hangs, replay with --reader "
            + $"{_reader} --replay {path}");
        Environment.Exit(1);
    }

    private sealed record Current(long Number, Seed Input);
}
