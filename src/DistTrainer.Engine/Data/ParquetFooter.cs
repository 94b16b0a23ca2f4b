using System.Buffers.Binary;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Looks over the footer of a Parquet file, a Thrift structure of the compact protocol, before the library gets it: the
/// library goes down a nested schema by recursion, and one that is nested deep enough would end the process.
/// </summary>
internal ref struct ParquetFooter
{
    private const int Magic = 4, LengthAndMagic = 8, DeepestSchema = 100, DeepestStructure = 30;
    private const int List = 9, Set = 10, Map = 11, Structure = 12;
    private readonly ReadOnlySpan<byte> _bytes;
    private int _at;

    private ParquetFooter(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>
    /// Refuses a footer that cannot be right: the file ends in the footer, its length and <c>PAR1</c>.
    /// </summary>
    /// <exception cref="DistTrainerException">The file is damaged, encrypted, or nested too deeply.</exception>
    public static void Check(string path, Stream stream)
    {
        Span<byte> end = stackalloc byte[LengthAndMagic];
        if (stream.Length < Magic + LengthAndMagic + 1)
            throw DataError.Of($"{path}: {stream.Length} bytes are too few for a Parquet file; get it again.");
        stream.Position = stream.Length - LengthAndMagic;
        stream.ReadExactly(end);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(end);
        if (end[Magic..].SequenceEqual("PARE"u8))
            throw DataError.Of($"{path}: the file is encrypted, which is not read; write it without encryption.");
        if (!end[Magic..].SequenceEqual("PAR1"u8) || length < 1
            || length > Math.Min(stream.Length - Magic - LengthAndMagic, Array.MaxLength))
            throw DataError.Of(
                $"{path}: the file does not end like a Parquet file (footer, its length, PAR1); it is cut off or "
                + "damaged: get it again.");
        byte[] footer = new byte[length];
        stream.Position = stream.Length - LengthAndMagic - length;
        stream.ReadExactly(footer);
        stream.Position = 0;
        try
        {
            new ParquetFooter(footer).FileMetaData();
        }
        catch (InvalidDataException exception)
        {
            throw DataError.Of(
                $"{path}: the footer is damaged ({DataError.OneLine(exception)}); get the file again.", exception);
        }
    }

    private void FileMetaData()
    {
        const int Schema = 2;
        int field = 0;
        while (Field(ref field) is var type and not 0)
        {
            if (field == Schema && type == List)
                SchemaElements();
            else
                Skip(type, 0);
        }
    }

    /// <summary>The elements stand in the order of a walk down the tree; each says how many children follow.</summary>
    private void SchemaElements()
    {
        (ulong count, int elementType) = ListHeader();
        var left = new Stack<int>();
        for (ulong element = 0; element < count; element++)
        {
            int children = elementType == Structure ? Children() : throw new InvalidDataException("no schema");
            while (left.TryPeek(out int more) && more == 0)
                left.Pop();
            if (left.TryPop(out int siblings))
                left.Push(siblings - 1);
            if (children > 0)
                left.Push(children);
            if (left.Count > DeepestSchema)
                throw new InvalidDataException($"columns within columns, more than {DeepestSchema} deep");
        }
    }

    private int Children()
    {
        const int NumberOfChildren = 5, Int32 = 5;
        (int field, int children) = (0, 0);
        while (Field(ref field) is var type and not 0)
        {
            if (field == NumberOfChildren && type == Int32)
                children = (int)ZigZag((uint)Variable());
            else
                Skip(type, 0);
        }
        return children;
    }

    /// <summary>Reads a field's header.</summary>
    /// <returns>Its type; 0 at the structure's end.</returns>
    private int Field(ref int field)
    {
        int header = Byte();
        if (header == 0)
            return 0;
        field = header >> 4 is var step and > 0 ? field + step : (short)ZigZag(Variable());
        return header & 15;
    }

    private (ulong Count, int Type) ListHeader()
    {
        int header = Byte();
        return (header >> 4 is var count and < 15 ? (ulong)count : Variable(), header & 15);
    }

    private void Skip(int type, int depth, bool inList = false)
    {
        if (depth > DeepestStructure)
            throw new InvalidDataException("structures nested too deeply");
        switch (type)
        {
            case 1 or 2: // a boolean is its field's type, but has a byte of its own in lists
                Forward(inList ? 1ul : 0);
                break;
            case 3:
                Forward(1);
                break;
            case 4 or 5 or 6:
                Variable();
                break;
            case 7:
                Forward(sizeof(double));
                break;
            case 8:
                Forward(Variable());
                break;
            case List or Set:
                (ulong count, int elementType) = ListHeader();
                for (ulong i = 0; i < count; i++)
                    Skip(elementType, depth + 1, inList: true);
                break;
            case Structure:
                int field = 0;
                while (Field(ref field) is var fieldType and not 0)
                    Skip(fieldType, depth + 1);
                break;
            case Map:
            default:
                throw new InvalidDataException($"a value of the unknown type {type}");
        }
    }

    private static long ZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private ulong Variable()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            int part = Byte();
            value |= (ulong)(part & 127) << shift;
            if (part < 128)
                return value;
        }
        throw new InvalidDataException("a number without an end");
    }

    private int Byte() => _at < _bytes.Length ? _bytes[_at++] : throw new InvalidDataException("it ends too soon");

    private void Forward(ulong count)
    {
        if (count > (ulong)(_bytes.Length - _at))
            throw new InvalidDataException("it ends too soon");
        _at += (int)count;
    }
}
