using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// Traces of a step across nodes, for listeners of <see cref="ActivitySource"/> such as OpenTelemetry's exporters:
/// every step that is reported is one trace with a span for each worker's computing and each parameter shard's
/// gathering and applying. All nodes make up the same trace for a step from the run and the step's number, so nothing
/// is sent along. Nothing is done where nobody listens.
/// </summary>
public static class StepTrace
{
    /// <summary>The source's name.</summary>
    public const string Name = "DistTrainer";

    private static readonly ActivitySource s_source = new(
        Name, typeof(StepTrace).Assembly.GetName().Version?.ToString(3));

    /// <summary>Whether a step is traced: somebody listens, and the step is one that is reported.</summary>
    internal static bool Wants(TrainingSetup setup, long step) =>
        setup.IsReported(step) && s_source.HasListeners();

    /// <summary>A span that ends so long ago.</summary>
    /// <param name="setup">The run.</param>
    /// <param name="step">The step.</param>
    /// <param name="name">What was done.</param>
    /// <param name="actor">Who did it: a tag's name and its number.</param>
    /// <param name="duration">How long it took.</param>
    /// <param name="ago">How long ago it ended.</param>
    internal static void Span(
        TrainingSetup setup, long step, string name, (string Kind, int Number) actor, TimeSpan duration,
        TimeSpan ago = default)
    {
        DateTimeOffset end = DateTimeOffset.UtcNow - ago;
        using Activity? span = s_source.StartActivity(name, ActivityKind.Internal, ContextOf(setup.Options.RunId, step),
            [new("disttrainer.run", setup.Options.RunId), new("disttrainer.step", step),
            new($"disttrainer.{actor.Kind}", actor.Number)], links: null, startTime: end - duration);
        span?.SetEndTime(end.UtcDateTime);
    }

    /// <summary>The trace of a step: the same on every node.</summary>
    internal static ActivityContext ContextOf(string run, long step)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        byte[] text = Encoding.UTF8.GetBytes(run);
        byte[] key = new byte[text.Length + sizeof(long)];
        text.CopyTo(key, 0);
        BinaryPrimitives.WriteInt64LittleEndian(key.AsSpan(text.Length), step);
        SHA256.HashData(key, hash);
        return new ActivityContext(
            ActivityTraceId.CreateFromBytes(hash[..16]), ActivitySpanId.CreateFromBytes(hash[16..24]),
            ActivityTraceFlags.Recorded, isRemote: true);
    }
}
