using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Serialization;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Serialization;

/// <summary>
/// Stands in the place of those of Akka's serializers that nodes do not need: JSON, which makes objects of any type
/// that the sender names, remote deployment, and others. It refuses everything, both ways, and logs the first refusal;
/// the sender's manifest is not looked at.
/// </summary>
internal sealed class RefusingSerializer : SerializerWithStringManifest
{
    private const int Json = 1;
    private readonly int _identifier;
    private int _refusals;

    /// <summary>Made by the actor system.</summary>
    /// <param name="system">Where refusals are logged.</param>
    /// <param name="settings"><c>identifier</c>: the number of the serializer in whose place it stands, by which
    /// senders name it.</param>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system) => _identifier = settings.GetInt("identifier");

    /// <inheritdoc/>
    public override int Identifier => _identifier;

    /// <inheritdoc/>
    public override string Manifest(object o) => "";

    /// <summary>Refuses.</summary>
    /// <exception cref="SerializationException">Always.</exception>
    public override byte[] ToBinary(object obj) =>
        throw Refuse($"{obj.GetType()} was to be sent to another node and is not an {nameof(IControlMessage)}");

    /// <summary>Refuses.</summary>
    /// <exception cref="SerializationException">Always.</exception>
    public override object FromBinary(byte[] bytes, string manifest) =>
        throw Refuse(_identifier == Json ? "a message in JSON came from another node; JSON is not read"
            : $"a message of serializer {_identifier} came from another node; it is not read");

    private SerializationException Refuse(string what)
    {
        if (Interlocked.Increment(ref _refusals) == 1)
            Akka.Event.Logging.GetLogger(system, nameof(RefusingSerializer))
                .Warning("{0}; it was dropped, and further ones will be without a word", what);
        return new SerializationException(what);
    }
}
