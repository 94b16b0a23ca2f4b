using System.Collections.Concurrent;
using System.Globalization;
using Akka.Event;
using AkkaLogEvent = Akka.Event.LogEvent;

namespace DistTrainer.Cluster;

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
public sealed class LogOutput : IDisposable
{
    private static readonly ConcurrentDictionary<int, LogOutput> Open = new();
    private static int last;

    // Classes of Akka that warn of the ordinary: a coordinator that is not found yet (nodes say when they have registered),
    // a connection that the other end closes while the node ends.
    private static readonly string[] Warned = ["ClusterSingletonProxy", "TcpClientHandler"];

    // Classes of Akka that strangers at the cluster port can make warn, as often as they like.
    private static readonly string[] Limited = ["TcpServerHandler", "EndpointReader", "ProtocolStateActor", "EndpointWriter", "ReliableDeliverySupervisor", "ClusterSingletonManager"];
    private const int LimitMilliseconds = 10_000;

    private readonly ConcurrentDictionary<string, long> due = new();
    private readonly int number = Interlocked.Increment(ref last);
    private readonly LogThreshold threshold;
    private readonly Action<string> write;

    /// <summary>Opens a place to write to.</summary>
    /// <param name="format">How a line looks.</param>
    /// <param name="threshold">The least important level that is printed.</param>
    /// <param name="write">Takes one line without its end; called from one thread at a time.</param>
    public LogOutput(LogFormat format, LogThreshold threshold, Action<string> write)
    {
        (Format, this.threshold, this.write) = (format, threshold, write);
        Open[number] = this;
    }

    /// <summary>How a line looks.</summary>
    public LogFormat Format { get; }

    /// <summary>HOCON that makes an actor system print here and nowhere else.</summary>
    public string ActorConfiguration => string.Create(CultureInfo.InvariantCulture, $$"""
        akka.loglevel = {{threshold.ToString().ToUpperInvariant()}}
        akka.stdout-loglevel = OFF
        akka.stdout-logger-class = "DistTrainer.Cluster.SilentLogger, DistTrainer.Cluster"
        akka.loggers = ["DistTrainer.Cluster.LineLogger, DistTrainer.Cluster"]
        akka.logger-startup-timeout = 30s
        disttrainer.log-output = {{number}}

        """);

    /// <summary>The open place of that number; null where it is closed.</summary>
    internal static LogOutput? Find(int number) => Open.GetValueOrDefault(number);

    /// <summary>Whether a line is of interest: what Akka says of itself is from warnings up only, or where everything is asked for.</summary>
    internal bool Wants(AkkaLogEvent entry) =>
        threshold == LogThreshold.Debug || entry.Message is LogEvent || (entry.LogLevel() >= LogLevel.WarningLevel && !Warned.Contains(entry.LogClass.Name) && IsDue(entry.LogClass.Name));

    private bool IsDue(string source)
    {
        long now = Environment.TickCount64;
        if (!Limited.Contains(source) || now >= due.GetValueOrDefault(source, long.MinValue))
        {
            due[source] = now + LimitMilliseconds;
            return true;
        }
        return false;
    }

    /// <summary>Writes one line.</summary>
    internal void Write(string line)
    {
        lock (write)
            write(line);
    }

    /// <summary>Closes the place: lines that come later are dropped.</summary>
    public void Dispose() => Open.TryRemove(number, out _);
}
