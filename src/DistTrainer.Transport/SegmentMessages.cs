using System.Buffers;
using DistTrainer.Engine.Numerics;
using MessagePack;

namespace DistTrainer.Transport;

/// <summary>
/// What two processes say of segments in shared memory: MessagePack arrays of numbers, written and read field by field
/// (docs/wire.md). Kinds below are the links' own. Of other bytes the library throws
/// <see cref="MessagePackSerializationException"/>, <see cref="EndOfStreamException"/> or
/// <see cref="OverflowException"/>.
/// </summary>
internal static class SegmentMessages
{
    /// <summary>Kind of <see cref="SegmentOffer"/>: [segment, oldest, descriptor, floats, tag].</summary>
    public const byte Offer = 4;

    /// <summary>Kind of the answer to it: [segment, is mapped].</summary>
    public const byte Answer = 5;

    private const int OfferFields = 5;
    private const int AnswerFields = 2;

    /// <summary>Writes the offer of a segment.</summary>
    public static void Write(IBufferWriter<byte> output, in SegmentOffer offer)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(OfferFields);
        writer.Write(offer.Number);
        writer.Write(offer.Oldest);
        writer.Write(offer.Descriptor);
        writer.Write(offer.Length);
        writer.Write(offer.Tag);
        writer.Flush();
    }

    /// <summary>Writes the answer to an offer.</summary>
    public static void WriteAnswer(IBufferWriter<byte> output, int segment, bool isMapped)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(AnswerFields);
        writer.Write(segment);
        writer.Write(isMapped);
        writer.Flush();
    }

    /// <summary>Reads the offer of a segment.</summary>
    /// <exception cref="InvalidDataException">A field is out of its range.</exception>
    public static SegmentOffer ReadOffer(ReadOnlySequence<byte> body)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, OfferFields, "offer");
        int number = reader.ReadInt32(), oldest = reader.ReadInt32(), descriptor = reader.ReadInt32(),
            length = reader.ReadInt32();
        byte[] tag = ReadTag(ref reader);
        if (oldest < 1 || number < oldest || descriptor < 0 || length < 0 || tag.Length != SharedMemory.TagBytes)
            throw new InvalidDataException(
                $"offer: segment {number}, oldest {oldest}, descriptor {descriptor}, {length} floats, a tag of "
                + $"{tag.Length} bytes; allowed are segment ≥ oldest ≥ 1, descriptor ≥ 0, floats ≥ 0, "
                + $"{SharedMemory.TagBytes} bytes.");
        return new SegmentOffer(number, oldest, descriptor, length, tag);
    }

    /// <summary>Reads the answer to an offer.</summary>
    public static (int Segment, bool IsMapped) ReadAnswer(ReadOnlySequence<byte> body)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, AnswerFields, "answer");
        return (reader.ReadInt32(), reader.ReadBoolean());
    }

    private static byte[] ReadTag(ref MessagePackReader reader)
    {
        try
        {
            return reader.ReadBytes() is { } bytes ? bytes.ToArray() : [];
        }
        catch (ArgumentOutOfRangeException e)
        {
            // The library takes a length from 2³¹ on for a negative one.
            throw new InvalidDataException($"offer: the tag is longer than the message: {e.Message}", e);
        }
    }

    /// <summary>Reads the header of an array that must have so many fields.</summary>
    /// <exception cref="InvalidDataException">It has others.</exception>
    public static void Expect(ref MessagePackReader reader, int fields, string name)
    {
        int count = reader.ReadArrayHeader();
        if (count != fields)
            throw new InvalidDataException($"{name}: has {count} fields; {fields} are expected.");
    }
}
