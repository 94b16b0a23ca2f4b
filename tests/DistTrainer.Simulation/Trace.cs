using System.Globalization;
using System.Text;
using Akka.Actor;

namespace DistTrainer.Simulation;

/// <summary>Something that happened.</summary>
/// <param name="Text">What; where a message or an event of the log belongs to it, whose.</param>
/// <param name="Message">That message; null: none.</param>
internal sealed record TraceEvent(string Text, object? Message = null)
{
    public override string ToString() =>
        Message is null ? Text
            : $"{Text} {Message.ToString()!.Replace("DistTrainer.Cluster.", "", StringComparison.Ordinal)}";
}

/// <summary>What happened, for people; also a fingerprint by which two runs of a seed are compared.</summary>
/// <param name="time">The clock.</param>
/// <param name="hears">Hears all of it, and when; null: only the fingerprint is kept.</param>
internal sealed class Trace(VirtualTime time, Action<TimeSpan, TraceEvent>? hears)
{
    private const ulong Prime = 1099511628211;

    /// <summary>A hash over all events, in order (FNV-1a over times and kinds).</summary>
    public ulong Fingerprint { get; private set; } = 14695981039346656037;

    /// <summary>Writes every event as a line, with its time.</summary>
    public static Action<TimeSpan, TraceEvent> To(TextWriter output) => (elapsed, what) =>
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{elapsed.TotalMilliseconds,12:F3} ms  {what}"));

    /// <summary>Something happened.</summary>
    public void Add(string text, object? message = null) => hears?.Invoke(time.Elapsed, new TraceEvent(text, message));

    /// <summary>Something happened that belongs to the fingerprint.</summary>
    public void Mark(int kind)
    {
        Fingerprint = (Fingerprint ^ (ulong)kind) * Prime;
        Fingerprint = (Fingerprint ^ (ulong)time.Elapsed.Ticks) * Prime;
    }
}

/// <summary>Puts events of the actors' log into a trace at once, past all mailboxes.</summary>
internal sealed class LogTap(IActorRef guardian, Func<Trace?> trace) : MinimalActorRef
{
    public override ActorPath Path { get; } = guardian.Path / "log-tap";

    public override IActorRefProvider Provider => ((IInternalActorRef)guardian).Provider;

    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is Akka.Event.LogEvent line && trace() is { } open)
            open.Add($"    {new StringBuilder(line.LogSource.Split('#')[0].Split('/')[^1])}:", line.Message);
    }
}
