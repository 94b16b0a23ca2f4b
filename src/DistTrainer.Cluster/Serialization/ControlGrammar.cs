using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using Hyperion;

namespace DistTrainer.Cluster.Serialization;

/// <summary>
/// Reads over the bytes of a message before Hyperion makes anything of them. Hyperion makes arrays as long as it is
/// told, and objects within objects of any type and to any depth before it looks whether they fit: 3 bytes a level end
/// the process with its stack. Here every value must be of the type that its place declares, and have the bytes for its
/// length.
/// </summary>
/// <param name="types">What may be in a message, in the order of the numbers on the wire.</param>
internal sealed class ControlGrammar(ControlTypes types)
{
    private const int DeepestNesting = 32;

    private readonly Type[] _numbered = [.. types.All.Where(type => type != typeof(ActorRefBase.Surrogate))];
    private readonly Dictionary<string, Type> _named = types.All.ToDictionary(
        type => TypeFilterBuilder.Create().Include(type).Build().FilteredTypes.Single());
    private readonly Dictionary<Type, Type[]> _fields = types.All.Where(type => ElementOf(type) is null)
        .ToDictionary(type => type, type => Array.ConvertAll(ControlTypes.FieldsOf(type), field => field.FieldType));

    /// <summary>
    /// What a first byte announces, and the bytes of such a value; −1 for texts, which say it themselves.
    /// </summary>
    private static readonly Dictionary<byte, (Type Type, int Size)> s_plain = new()
    {
        [2] = (typeof(long), 8),
        [3] = (typeof(short), 2),
        [4] = (typeof(byte), 1),
        [5] = (typeof(DateTime), 9),
        [6] = (typeof(bool), 1),
        [7] = (typeof(string), -1),
        [8] = (typeof(int), 4),
        [11] = (typeof(Guid), 16),
        [12] = (typeof(float), 4),
        [13] = (typeof(double), 8),
        [17] = (typeof(ushort), 2),
        [18] = (typeof(uint), 4),
        [19] = (typeof(ulong), 8),
    };

    private static readonly Dictionary<Type, int> s_sizes = s_plain.Values.ToDictionary(
        plain => plain.Type, plain => plain.Size);

    /// <summary>Refuses what is no message.</summary>
    /// <exception cref="SerializationException">A value has another type than its place declares, or is longer than the
    /// message.</exception>
    public void Check(ReadOnlySpan<byte> message)
    {
        var reader = new Reader(this, message);
        reader.Value(typeof(IControlMessage), 0);
        reader.End();
    }

    private static Type? ElementOf(Type type) =>
        type.IsArray ? type.GetElementType() : type.Namespace == typeof(ImmutableArray)
            .Namespace ? type.GetGenericArguments()[0] : null;

    private ref struct Reader(ControlGrammar grammar, ReadOnlySpan<byte> bytes)
    {
        private const byte Nothing = 0, Bytes = 9, PlainArray = 252, ByNumber = 254, ByName = 255, LongText = 255;
        private ReadOnlySpan<byte> _left = bytes;
        private List<Type>? _seen;

        /// <summary>A value with what it is before it.</summary>
        public void Value(Type declared, int depth)
        {
            if (depth > DeepestNesting)
                throw new SerializationException($"values are nested deeper than {DeepestNesting}.");
            byte first = Take(1)[0];
            switch (first)
            {
                case Nothing:
                    Require(!declared.IsValueType || Nullable.GetUnderlyingType(declared) is not null, declared, null);
                    break;
                case Bytes:
                    Require(declared.IsAssignableFrom(typeof(byte[])), declared, typeof(byte[]));
                    Take(Length());
                    break;
                case PlainArray:
                    PlainElements(declared);
                    break;
                case ByNumber or ByName:
                    Type type = first == ByName ? Named()
                        : Numbered(BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort))));
                    Require(
                        declared.IsAssignableFrom(type)
                        || (type == typeof(ActorRefBase.Surrogate) && typeof(IActorRef).IsAssignableFrom(declared)),
                        declared, type);
                    Content(type, depth);
                    break;
                default:
                    Require(s_plain.TryGetValue(first, out (Type Type, int Size) plain)
                        && declared.IsAssignableFrom(plain.Type), declared, plain.Type);
                    Plain(plain.Size);
                    break;
            }
        }

        /// <summary>Nothing may follow.</summary>
        public readonly void End()
        {
            if (!_left.IsEmpty)
                throw new SerializationException($"{_left.Length} bytes follow the message.");
        }

        private void Content(Type type, int depth)
        {
            if (ElementOf(type) is { } element)
            {
                for (int count = Length(); count > 0; count--)
                    Value(element, depth + 1);
                return;
            }
            foreach (Type field in grammar._fields[type])
            {
                if (s_sizes.TryGetValue(field, out int size))
                    Plain(size);
                else
                    Value(field, depth + 1);
            }
        }

        private void PlainElements(Type declared)
        {
            byte first = Take(1)[0];
            Require(s_plain.TryGetValue(first, out (Type Type, int Size) plain)
                && declared.IsAssignableFrom(plain.Type.MakeArrayType()), declared, plain.Type?.MakeArrayType());
            for (int count = Length(); count > 0; count--)
                Plain(plain.Size);
        }

        private void Plain(int size)
        {
            if (size >= 0)
            {
                Take(size);
                return;
            }
            byte length = Take(1)[0]; // of a text: 0 for none, one more than its bytes, or four bytes follow
            if (length != 0)
                Take(length == LongText ? Length() : length - 1);
        }

        // A type that came by its name is numbered from there on.
        private Type Named()
        {
            string name = Encoding.UTF8.GetString(Take(Length()));
            if (!grammar._named.TryGetValue(name, out Type? type))
                throw new SerializationException("a type that is not on the list is named.");
            (_seen ??= []).Add(type);
            return type;
        }

        private readonly Type Numbered(int number)
        {
            if (number < grammar._numbered.Length)
                return grammar._numbered[number];
            number -= grammar._numbered.Length;
            return number < (_seen?.Count ?? 0) ? _seen![number]
                : throw new SerializationException("a type that is not on the list is numbered.");
        }

        // Every element has a byte at least, so what is made is in proportion to the message.
        private int Length()
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));
            return length >= 0 && length <= _left.Length ? length : throw new SerializationException(
                $"a length of {length} is said where {_left.Length} bytes are left.");
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (count > _left.Length)
                throw new SerializationException($"it ends within a value of {count} bytes.");
            ReadOnlySpan<byte> taken = _left[..count];
            _left = _left[count..];
            return taken;
        }

        private static void Require(bool holds, Type declared, Type? found)
        {
            if (!holds)
                throw new SerializationException(
                    $"{found?.ToString() ?? "nothing"} stands in the place of {declared}.");
        }
    }
}
