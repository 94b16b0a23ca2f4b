using System.Collections.Immutable;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Serialization;

namespace DistTrainer.Cluster.Tests.Serialization;

public enum SampleKind
{
    First,
    Second,
}

public sealed record SamplePart(int Number, string Text, double[] Values);

public readonly record struct SamplePlace(int First, int Count);

public sealed record SampleMessage(
    int Generation, long Step, string Name, SampleKind Kind, int? Maybe, IActorRef Actor,
        IReadOnlyList<IActorRef> Actors,
    ImmutableList<SamplePart> Parts, SamplePlace[] Places, IReadOnlyList<string> Names, TimeSpan Time, string? Nothing)
        : IControlMessage
{
    public static SampleMessage Of(IActorRef actor) => new(
        3, 1L << 40, "größe", SampleKind.Second, null, actor, new[] { actor, actor },
        [new SamplePart(1, "a", [1.5, double.NaN]), new SamplePart(2, "", [])],
            [new SamplePlace(0, 4), new SamplePlace(4, 4)], new[] { "x", "y" },
        TimeSpan.FromSeconds(1.5), null);
}

/// <summary>Without an actor, so its bytes are the same everywhere.</summary>
public sealed record GoldenMessage(int Generation, long Step, SampleKind Kind, int? Maybe, string[] Names,
    SamplePart Part) : IControlMessage;

/// <summary>Of which one can hold another.</summary>
public sealed record NestedMessage(NestedMessage? Inner, int Number) : IControlMessage;

/// <summary>As somebody might write by mistake: a collection expression makes a list of the compiler's own.</summary>
public sealed record ListMessage(IReadOnlyList<int> Numbers) : IControlMessage;

/// <summary>Not sealed, so a value of it may be of any type below it.</summary>
public record OpenRecord(int Value);

/// <summary>Writes and reads the messages of this assembly.</summary>
internal sealed class SampleSerializer(ExtendedActorSystem system)
    : HyperionSerializer(system, ControlTypes.Of(typeof(SampleSerializer).Assembly));
