using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Runtime.Serialization;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Serialization;

namespace DistTrainer.Fuzz;

/// <summary>Control messages: one of each type of the protocol, filled with something.</summary>
internal sealed class ControlFuzz() : FuzzReader("control", 100_000, 100)
{
    private readonly ExtendedActorSystem _system = (ExtendedActorSystem)ActorSystem.Create(
        "fuzz", "akka.loglevel = OFF");
    private HyperionSerializer? _serializer;

    private HyperionSerializer Serializer => _serializer ??= new HyperionSerializer(_system);

    /// <inheritdoc/>
    public override IReadOnlyList<Seed> Seeds() =>
    [
        .. ControlTypes.Own.All.Where(type => typeof(IControlMessage).IsAssignableFrom(type))
            .Select(type => new Seed(type.Name, Serializer.ToBinary(Sample(type)))),
    ];

    /// <inheritdoc/>
    public override void Read(string role, byte[] input) => Serializer.FromBinary(input, Serializer.Manifest(role));

    /// <inheritdoc/>
    public override bool IsRefusal(Exception failure) => failure is SerializationException;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _system.Dispose();
        base.Dispose();
    }

    private object Sample(Type type)
    {
        if (type == typeof(string))
            return "a text";
        if (typeof(IActorRef).IsAssignableFrom(type))
            return _system.DeadLetters;
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Sample(value);
        if (type == typeof(DateTime))
            return new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        if (type == typeof(TimeSpan))
            return TimeSpan.FromSeconds(2);
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(0)!;
        if (type.IsPrimitive)
            return Convert.ChangeType(1, type, CultureInfo.InvariantCulture);
        if (type.IsArray || type.IsInterface)
            return List(type.IsArray ? type.GetElementType()! : type.GetGenericArguments()[0]);
        if (type.Namespace == typeof(ImmutableArray).Namespace)
            throw new NotSupportedException($"{type}: make a sample of it here.");
        ConstructorInfo constructor = type.GetConstructors().MaxBy(found => found.GetParameters().Length)!;
        return constructor.Invoke(
            [.. constructor.GetParameters().Select(parameter => Sample(parameter.ParameterType))]);
    }

    private Array List(Type element)
    {
        var list = Array.CreateInstance(element, 2);
        for (int i = 0; i < list.Length; i++)
            ((IList)list)[i] = Sample(element);
        return list;
    }
}
