using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Serialization;

namespace DistTrainer.Cluster;

/// <summary>
/// Stands in the place of Akka's JSON serializer, which makes objects of any type that the sender names. It refuses
/// everything, both ways, and logs the first refusal.
/// </summary>
public sealed class RefusingSerializer : Serializer
{
    private int refusals;

    /// <summary>Made by the actor system.</summary>
    /// <param name="system">Where refusals are logged.</param>
    /// <param name="settings">Those of the JSON serializer; none of them counts.</param>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system) => _ = settings;

    /// <summary>The number of the JSON serializer, which senders name.</summary>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <summary>Refuses.</summary>
    /// <exception cref="SerializationException">Always.</exception>
    public override byte[] ToBinary(object obj) =>
        throw Refuse($"{obj.GetType()} was to be sent to another node and is not an {nameof(IControlMessage)}");

    /// <summary>Refuses.</summary>
    /// <exception cref="SerializationException">Always.</exception>
    public override object FromBinary(byte[] bytes, Type type) =>
        throw Refuse("a message in JSON came from another node; JSON is not read");

    private SerializationException Refuse(string what)
    {
        if (Interlocked.Increment(ref refusals) == 1)
            Logging.GetLogger(system, nameof(RefusingSerializer)).Warning("{0}; it was dropped, and further ones will be without a word", what);
        return new SerializationException(what);
    }
}
