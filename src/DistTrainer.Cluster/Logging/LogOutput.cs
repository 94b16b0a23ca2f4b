using System.Collections.Concurrent;
using System.Globalization;
using Akka.Event;
using AkkaLogEvent = Akka.Event.LogEvent;

namespace DistTrainer.Cluster.Logging;

/// <summary>The least important level that is printed.</summary>
public enum LogThreshold
{
    /// <summary>Everything, also the layers' norms once an epoch.</summary>
    Debug,

    /// <summary>The course of a run.</summary>
    Info,

    /// <summary>Only what somebody should look at.</summary>
    Warning,

    /// <summary>Only failures.</summary>
    Error,
}

/// <summary>
/// Where actors' log lines go. Akka makes its logger by the name of its class in the configuration, so the place to
/// write to is kept here under a number that the configuration names.
/// </summary>
internal sealed class LogOutput : IDisposable
{
    private static readonly ConcurrentDictionary<int, LogOutput> s_open = new();
    private static int s_last;

    // Classes of Akka that warn of the ordinary: a coordinator that is not found yet (nodes say when they have
    // registered), a connection that the other end closes while the node ends.
    private static readonly string[] s_warned = ["ClusterSingletonProxy", "TcpClientHandler"];

    private readonly RepeatedWarnings _repeated = new(() => Environment.TickCount64);
    private readonly int _number = Interlocked.Increment(ref s_last);
    private readonly LogThreshold _threshold;
    private readonly Action<string> _write;

    /// <summary>Opens a place to write to.</summary>
    /// <param name="format">How a line looks.</param>
    /// <param name="threshold">The least important level that is printed.</param>
    /// <param name="write">Takes one line without its end; called from one thread at a time.</param>
    public LogOutput(LogFormat format, LogThreshold threshold, Action<string> write)
    {
        (Format, _threshold, _write) = (format, threshold, write);
        s_open[_number] = this;
    }

    /// <summary>How a line looks.</summary>
    public LogFormat Format { get; }

    /// <summary>HOCON that makes an actor system print here and nowhere else.</summary>
    public string ActorConfiguration => string.Create(CultureInfo.InvariantCulture, $$"""
        akka.loglevel = {{_threshold.ToString().ToUpperInvariant()}}
        akka.stdout-loglevel = OFF
        akka.stdout-logger-class = "DistTrainer.Cluster.Logging.SilentLogger, DistTrainer.Cluster"
        akka.loggers = ["DistTrainer.Cluster.Logging.LineLogger, DistTrainer.Cluster"]
        akka.logger-startup-timeout = 30s
        disttrainer.log-output = {{_number}}

        """);

    /// <summary>The open place of that number; null where it is closed.</summary>
    internal static LogOutput? Find(int number) => s_open.GetValueOrDefault(number);

    /// <summary>
    /// Writes an event, if it is of interest: what Akka says of itself is from warnings up only, or where everything is
    /// asked for.
    /// </summary>
    internal void Write(AkkaLogEvent entry)
    {
        int leftOut = 0;
        if (_threshold == LogThreshold.Debug || entry.Message is LogEvent
            || (entry.LogLevel() >= LogLevel.WarningLevel && !s_warned.Contains(entry.LogClass.Name)
                && _repeated.IsTold(entry, out leftOut)))
            Write(LogLine.Of(entry, Format, leftOut));
    }

    /// <summary>Writes one line.</summary>
    private void Write(string line)
    {
        lock (_write)
            _write(line);
    }

    /// <summary>Closes the place: lines that come later are dropped.</summary>
    public void Dispose()
    {
        if (!s_open.TryRemove(_number, out _))
            return;
        foreach ((string kind, int leftOut) in _repeated.Untold())
            Write(LogLine.Of(
                new Warning("log", typeof(LogOutput),
                $"left out {leftOut.ToString(CultureInfo.InvariantCulture)} more like: {kind}"), Format));
    }
}
