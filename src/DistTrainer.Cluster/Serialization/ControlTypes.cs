using System.Collections.Immutable;
using System.Reflection;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Serialization;

/// <summary>
/// The closed list of types that control messages consist of: all types marked with <see cref="IControlMessage"/> and
/// what they declare. Nothing else is ever written or read, so no type is loaded by a name that came over the network.
/// </summary>
internal sealed class ControlTypes
{
    private static readonly HashSet<Type> s_plain =
    [
        typeof(bool), typeof(byte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long),
            typeof(ulong), typeof(float), typeof(double),
        typeof(string), typeof(Guid), typeof(DateTime),
    ];

    private readonly HashSet<Type> _types = [];
    private readonly HashSet<Type> _declared = [];

    private ControlTypes(IEnumerable<Type> messages)
    {
        foreach (Type message in messages)
            AddRecord(message, message.Name);
        All = [.. _types.OrderBy(type => type.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>The types of this assembly's messages.</summary>
    public static ControlTypes Own { get; } = Of(typeof(ControlTypes).Assembly);

    /// <summary>
    /// Every type, in an order that depends on the names alone: the place of a type is its number on the wire.
    /// </summary>
    public IReadOnlyList<Type> All { get; }

    /// <summary>The types of an assembly's messages.</summary>
    /// <param name="assembly">Where the messages are.</param>
    /// <exception cref="NotSupportedException">A message declares a value that may be of any type, or of one that is
    /// not supported.</exception>
    public static ControlTypes Of(Assembly assembly) =>
        Of(assembly.GetTypes().Where(type => !type.IsAbstract && typeof(IControlMessage).IsAssignableFrom(type)));

    /// <summary>The types of some messages.</summary>
    /// <param name="messages">The messages' types.</param>
    /// <exception cref="NotSupportedException">As above.</exception>
    internal static ControlTypes Of(IEnumerable<Type> messages) => new(messages);

    /// <summary>Whether a value of this type may be in a message.</summary>
    public bool Contains(Type type) => _types.Contains(type);

    /// <summary>
    /// Whether values of this type are written as their elements; others of the list are by their fields.
    /// </summary>
    internal static bool IsCollection(Type type) => ElementOf(type) is not null;

    /// <summary>Whether a field of this type says by itself what its values are.</summary>
    internal static bool IsPlain(Type type) => s_plain.Contains(type);

    /// <summary>A type's fields, in the order of the wire, which is Hyperion's.</summary>
    internal static FieldInfo[] FieldsOf(Type type) =>
        [.. type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .OrderBy(field => field.Name, StringComparer.Ordinal)];

    /// <summary>
    /// Whether a message may declare this type: one of the list, an actor reference, or an interface or nullable whose
    /// values are of the list.
    /// </summary>
    internal bool MayDeclare(Type type) =>
        Contains(type) || _declared.Contains(type) || typeof(IActorRef).IsAssignableFrom(type);

    private void Add(Type type, string where)
    {
        if (s_plain.Contains(type) || _types.Contains(type))
            return;
        if (typeof(IActorRef).IsAssignableFrom(type))
            _types.Add(typeof(ActorRefBase.Surrogate));
        else if (Nullable.GetUnderlyingType(type) is { } value)
            AddNullable(type, value, where);
        else if (type.IsEnum || type == typeof(TimeSpan))
            _types.Add(type);
        else if (ElementOf(type) is { } element)
            AddCollection(type, element, where);
        else if (
            typeof(IControlMessage).IsAssignableFrom(type) || (IsOurs(type) && (type.IsSealed || type.IsValueType)))
            AddRecord(type, where);
        else
            throw new NotSupportedException(
                $"{where} is a {type}, which a control message may not have; see {nameof(IControlMessage)}.");
    }

    private void AddCollection(Type type, Type element, string where)
    {
        if (type.IsInterface)
            _declared.Add(type);
        _types.Add(type.IsInterface ? element.MakeArrayType() : type);
        Add(element, where + "[]");
    }

    private void AddNullable(Type type, Type value, string where)
    {
        _declared.Add(type);
        Add(value, where);
    }

    private void AddRecord(Type type, string where)
    {
        if (!type.IsSealed)
            throw new NotSupportedException(
                $"{where} is a {type}, which is not sealed; a control message may have sealed types only.");
        _types.Add(type);
        foreach (FieldInfo field in FieldsOf(type))
            Add(field.FieldType, $"{where}.{field.Name}");
    }

    private static Type? ElementOf(Type type)
    {
        if (type.IsSZArray)
            return type.GetElementType();
        if (!type.IsGenericType)
            return null;
        Type definition = type.GetGenericTypeDefinition();
        return definition == typeof(IReadOnlyList<>) || definition == typeof(ImmutableList<>)
            || definition == typeof(ImmutableArray<>) ? type.GetGenericArguments()[0] : null;
    }

    private static bool IsOurs(Type type) =>
        type.Namespace?.StartsWith(nameof(DistTrainer), StringComparison.Ordinal) == true;
}
