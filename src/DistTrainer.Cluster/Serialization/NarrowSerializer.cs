using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Event;
using Akka.Remote.Serialization;
using Akka.Serialization;

namespace DistTrainer.Cluster.Serialization;

/// <summary>
/// Stands before one of Akka's serializers and lets through only the messages that nodes send each other. The others
/// could make objects of types that the sender names (exceptions, routers), or end and restart actors. The sender's
/// manifest is looked up in a list and never taken for the name of a type.
/// </summary>
internal abstract class NarrowSerializer : SerializerWithStringManifest
{
    private readonly Serializer _inner;
    private readonly Dictionary<string, Type?> _allowed;
    private int _refusals;

    private protected NarrowSerializer(ExtendedActorSystem system, Serializer inner, Dictionary<string, Type?> allowed)
        : base(system) => (_inner, _allowed) = (inner, allowed);

    /// <summary>The number of the serializer behind.</summary>
    public override int Identifier => _inner.Identifier;

    /// <summary>The kind of a message, as the serializer behind has it.</summary>
    public override string Manifest(object o) =>
        _inner is SerializerWithStringManifest kinds ? kinds.Manifest(o) : o.GetType().Name;

    /// <summary>Writes a message.</summary>
    /// <exception cref="SerializationException">It is not on the list.</exception>
    public override byte[] ToBinary(object obj) => _allowed.ContainsKey(Manifest(obj)) ? _inner.ToBinary(obj)
        : throw Refuse($"{obj.GetType()} was to be sent to another node and may not be");

    /// <summary>Reads a message.</summary>
    /// <exception cref="SerializationException">It is not on the list.</exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (!_allowed.TryGetValue(manifest, out Type? type))
            throw Refuse(
                $"a message of serializer {Identifier} came from another node whose kind is none of "
                + $"{string.Join(", ", _allowed.Keys)}");
        return _inner is SerializerWithStringManifest kinds ? kinds.FromBinary(bytes, manifest)
            : _inner.FromBinary(bytes, type);
    }

    private SerializationException Refuse(string what)
    {
        if (Interlocked.Increment(ref _refusals) == 1)
            Akka.Event.Logging.GetLogger(system, nameof(NarrowSerializer))
                .Warning("{0}; it was dropped, and further ones will be without a word", what);
        return new SerializationException(what);
    }
}

/// <summary>
/// Who is there, who is it, are you alive: what Akka's serializer of miscellaneous messages may be used for.
/// </summary>
/// <param name="system">The actor system.</param>
internal sealed class NarrowMiscSerializer(ExtendedActorSystem system)
    : NarrowSerializer(system, new MiscMessageSerializer(system), new()
    {
        ["ID"] = null, // Identify
        ["AID"] = null, // ActorIdentity
        ["AR"] = null, // IActorRef
        ["RWHB"] = null, // RemoteWatcher.Heartbeat
        ["RWHR"] = null, // RemoteWatcher.HeartbeatRsp
    });

/// <summary>Death watch: what system messages may be sent to another node's actors.</summary>
/// <param name="system">The actor system.</param>
internal sealed class NarrowSystemSerializer(ExtendedActorSystem system)
    : NarrowSerializer(system, new SystemMessageSerializer(system), new()
    {
        [nameof(Watch)] = typeof(Watch),
        [nameof(Unwatch)] = typeof(Unwatch),
        [nameof(DeathWatchNotification)] = typeof(DeathWatchNotification),
    });

/// <summary>A message to an actor by its path; what is in it goes through its own serializer.</summary>
/// <param name="system">The actor system.</param>
internal sealed class NarrowContainerSerializer(ExtendedActorSystem system)
    : NarrowSerializer(system, new MessageContainerSerializer(system), new()
    {
        [nameof(ActorSelectionMessage)] = typeof(ActorSelectionMessage),
    });
