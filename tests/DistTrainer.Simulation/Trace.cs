using System.Globalization;
using System.Text;
using Akka.Actor;

namespace DistTrainer.Simulation;

/// <summary>What happened, for people; also a fingerprint by which two runs of a seed are compared.</summary>
/// <param name="time">The clock.</param>
/// <param name="output">Where lines go; null: only the fingerprint is kept.</param>
internal sealed class Trace(VirtualTime time, TextWriter? output)
{
    private const ulong Prime = 1099511628211;

    /// <summary>A hash over all events, in order (FNV-1a over times and kinds).</summary>
    public ulong Fingerprint { get; private set; } = 14695981039346656037;

    /// <summary>Whether lines are written at all.</summary>
    public bool IsOn => output is not null;

    /// <summary>Something happened.</summary>
    public void Add(string line) => output?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time.Elapsed.TotalMilliseconds,12:F3} ms  {line}"));

    /// <summary>Something happened that belongs to the fingerprint.</summary>
    public void Mark(int kind)
    {
        Fingerprint = (Fingerprint ^ (ulong)kind) * Prime;
        Fingerprint = (Fingerprint ^ (ulong)time.Elapsed.Ticks) * Prime;
    }
}

/// <summary>Writes log lines of the actors into a trace at once, past all mailboxes.</summary>
internal sealed class LogTap(IActorRef guardian, Func<Trace?> trace) : MinimalActorRef
{
    public override ActorPath Path { get; } = guardian.Path / "log-tap";

    public override IActorRefProvider Provider => ((IInternalActorRef)guardian).Provider;

    protected override void TellInternal(object message, IActorRef sender)
    {
        if (message is Akka.Event.LogEvent line && trace() is { } open)
            open.Add($"    {new StringBuilder(line.LogSource.Split('#')[0].Split('/')[^1])}: {line.Message}");
    }
}
