using System.Collections.Concurrent;
using System.Reflection;
using Akka.Actor;

namespace DistTrainer.Simulation;

/// <summary>An actor as another node, or its supervisor, has it: what it is told goes through the network.</summary>
/// <param name="network">The network.</param>
/// <param name="from">Who has the reference.</param>
/// <param name="to">Where the actor is.</param>
/// <param name="actor">The actor.</param>
internal sealed class RemoteReference(Network network, Node from, Node to, IActorRef actor) : MinimalActorRef
{
    /// <summary>The actor itself.</summary>
    public IActorRef Actor => actor;

    public override ActorPath Path => actor.Path;

    public override IActorRefProvider Provider => ((IInternalActorRef)actor).Provider;

    protected override void TellInternal(object message, IActorRef sender) =>
        network.Send(from, to, actor, message, sender);
}

/// <summary>
/// Copies messages with other actor references in them, as serialization does: records are made anew by their
/// constructors, so a new message needs nothing here.
/// </summary>
internal static class References
{
    private static readonly ConcurrentDictionary<Type, Func<object, Func<IActorRef, IActorRef>,
        object>?> s_copiers = new();

    /// <summary>A message with each reference replaced.</summary>
    public static object Replace(object message, Func<IActorRef, IActorRef> view) =>
        Copier(message.GetType(), []) is { } copy ? copy(message, view) : message;

    private static Func<object, Func<IActorRef, IActorRef>, object>? Copier(Type type, HashSet<Type> within)
    {
        if (s_copiers.TryGetValue(type, out var known))
            return known;
        if (!within.Add(type))
            return null;
        var copier = Make(type, within);
        within.Remove(type);
        return s_copiers.GetOrAdd(type, copier);
    }

    private static Func<object, Func<IActorRef, IActorRef>, object>? Make(Type type, HashSet<Type> within)
    {
        if (typeof(IActorRef).IsAssignableFrom(type))
            return (reference, view) => view((IActorRef)reference);
        if (type.GetElementType() is { } element && type.IsArray)
            return Copier(element, within) is { } copy ? (array, view) =>
                CopyArray((Array)array, element, copy, view) : null;
        return type.Namespace?.StartsWith(nameof(DistTrainer), StringComparison.Ordinal) == true
            ? MakeRecord(type, within) : null;
    }

    private static Array CopyArray(
        Array array, Type element, Func<object, Func<IActorRef, IActorRef>, object> copy,
        Func<IActorRef, IActorRef> view)
    {
        var copied = Array.CreateInstance(element, array.Length);
        for (int i = 0; i < array.Length; i++)
            copied.SetValue(array.GetValue(i) is { } value ? copy(value, view) : null, i);
        return copied;
    }

    private static Func<object, Func<IActorRef, IActorRef>, object>? MakeRecord(Type type, HashSet<Type> within)
    {
        foreach (ConstructorInfo constructor in type.GetConstructors()
            .OrderByDescending(constructor => constructor.GetParameters().Length))
        {
            PropertyInfo?[] properties =
                [.. constructor.GetParameters()
                .Select(parameter => type.GetProperty(parameter.Name ?? "") is { } property
                && property.PropertyType == parameter.ParameterType ? property : null)];
            if (properties.Length == 0 || properties.Contains(null))
                continue;
            var copiers = properties.Select(property => Copier(property!.PropertyType, within)).ToArray();
            return Array.TrueForAll(copiers, copier => copier is null) ? null : (record, view) => constructor.Invoke(
                [.. properties.Select((property, i) => property!.GetValue(record) is { } value
                    && copiers[i] is { } copy ? copy(value, view) : property.GetValue(record))]);
        }
        return null;
    }
}
