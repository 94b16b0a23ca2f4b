using System.Collections.Concurrent;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using DistTrainer.Transport;
using Hyperion;
using Hyperion.SerializerFactories;
using Hyperion.ValueSerializers;
using HyperionCore = Hyperion.Serializer;

namespace DistTrainer.Cluster.Serialization;

/// <summary>
/// Writes and reads control messages with Hyperion. Only types of a closed list (<see cref="ControlTypes"/>) are
/// written or read; on the wire they are numbers, or names that are looked up in the list first. Actor references
/// travel as paths.
/// </summary>
internal class HyperionSerializer : SerializerWithStringManifest
{
    /// <summary>
    /// Largest control message on the wire, in bytes. What grows with the model travels on the data plane.
    /// </summary>
    public const int LargestMessage = 1_000_000;

    private readonly ControlTypes _types;
    private readonly ControlGrammar _grammar;
    private readonly HyperionCore _serializer;

    /// <summary>Made by the actor system.</summary>
    public HyperionSerializer(ExtendedActorSystem system)
        : this(system, ControlTypes.Own)
    {
    }

    /// <summary>Makes one for messages of another assembly.</summary>
    /// <param name="system">Resolves actor references.</param>
    /// <param name="types">What may be written and read.</param>
    protected internal HyperionSerializer(ExtendedActorSystem system, ControlTypes types)
        : base(system)
    {
        _types = types;
        _grammar = new ControlGrammar(types);
        Type[] numbered = [.. types.All.Where(type => type != typeof(ActorRefBase.Surrogate))];
        _serializer = new HyperionCore(SerializerOptions.Default
            .WithVersionTolerance(false)
            .WithPreserveObjectReferences(false)
            .WithIgnoreSerializable(true)
            .WithDisallowUnsafeType(true)
            .WithTypeFilter(new Names(types))
            .WithKnownTypes(numbered)
            .WithSurrogates(
                [Surrogate.Create<IActorRef, ActorRefBase.Surrogate>(
                    actor => (ActorRefBase.Surrogate)actor.ToSurrogate(system), surrogate =>
                    (IActorRef)surrogate.FromSurrogate(system))])
            .WithSerializerFactory([new Gate(types, numbered)]));
    }

    /// <inheritdoc/>
    public override int Identifier => -5;

    /// <summary>The protocol version: messages of another one are refused before anything of them is read.</summary>
    public override string Manifest(object o) => Version(ProtocolVersion.Current);

    /// <summary>Writes a message.</summary>
    /// <exception cref="SerializationException">It is, or holds, something that is not on the list, or it is larger
    /// than <see cref="LargestMessage"/>.</exception>
    public override byte[] ToBinary(object obj)
    {
        if (!_types.Contains(obj.GetType()))
            throw new SerializationException($"{obj.GetType()} is not a control message.");
        using var stream = new MemoryStream();
        try
        {
            _serializer.Serialize(obj, stream);
        }
        catch (Exception failure) when (failure is not SerializationException)
        {
            throw new SerializationException($"{obj.GetType()} cannot be written: {failure.Message}", failure);
        }

        return stream.Length <= LargestMessage
            ? stream.ToArray()
            : throw new SerializationException(
                $"{obj.GetType()} takes {stream.Length} bytes; a control message has at most {LargestMessage}.");
    }

    /// <summary>Reads a message.</summary>
    /// <exception cref="SerializationException">It is of another protocol version, too large, damaged, or names a type
    /// that is not on the list.</exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (manifest != Version(ProtocolVersion.Current))
            throw new SerializationException(
                $"A message of protocol version \"{manifest}\" came; this node speaks "
                + $"\"{Version(ProtocolVersion.Current)}\".");
        if (bytes.Length > LargestMessage)
            throw new SerializationException(
                $"A control message of {bytes.Length} bytes came; it has at most {LargestMessage}.");
        try
        {
            _grammar.Check(bytes);
            using var stream = new MemoryStream(bytes, writable: false);
            return _serializer.Deserialize(stream);
        }
        catch (Exception failure)
        {
            throw new SerializationException(
                $"A control message is damaged or not allowed: {failure.Message}", failure);
        }
    }

    private static string Version(int version) => $"v{version}";

    /// <summary>
    /// The names that may be looked up: those of the list. Hyperion writes records as their numbers, but collections by
    /// their names, and a surrogate is only taken back where it came by its name; it asks for the full name of what it
    /// writes.
    /// </summary>
    private sealed class Names(ControlTypes types) : ITypeFilter
    {
        private readonly HashSet<string> _allowed =
        [
            .. types.All.Aggregate(TypeFilterBuilder.Create(), (builder, type) => builder.Include(type))
                .Build().FilteredTypes,
            .. types.All.Select(type => type.AssemblyQualifiedName!),
        ];

        public bool IsAllowed(string typeName) => _allowed.Contains(typeName);
    }

    /// <summary>
    /// Asked once for each type: listed records are written by their fields, what else is listed passes to Hyperion's
    /// own factories, and the rest is refused.
    /// </summary>
    private sealed class Gate(ControlTypes types, Type[] numbered) : ValueSerializerFactory
    {
        public override bool CanSerialize(HyperionCore serializer, Type type) =>
            types.MayDeclare(type) ? numbered.Contains(type) && !ControlTypes.IsCollection(type)
                : throw new SerializationException($"{type} may not be in a control message.");

        public override bool CanDeserialize(HyperionCore serializer, Type type) => CanSerialize(serializer, type);

        public override ValueSerializer BuildSerializer(
            HyperionCore serializer, Type type, ConcurrentDictionary<Type, ValueSerializer> typeMapping) =>
            typeMapping.GetOrAdd(
                type, RecordFields.Of(serializer, type, checked((ushort)Array.IndexOf(numbered, type))));
    }
}
