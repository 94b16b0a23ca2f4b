using System.Buffers.Binary;
using DistTrainer.Engine.Files;
using MessagePack;

namespace DistTrainer.Transport;

/// <summary>What stands before the payload of a data frame.</summary>
/// <param name="Floats">What the floats are, or null for a small message.</param>
/// <param name="MessageKind">The kind of a small message.</param>
/// <param name="Length">Bytes of payload.</param>
/// <param name="PayloadChecksum">CRC-32C of the payload.</param>
internal readonly record struct FrameHeader(FloatsHeader? Floats, byte MessageKind, int Length, uint PayloadChecksum);

/// <summary>
/// The two data frames, each one MessagePack array with the payload as a <c>bin 32</c> at its end. All numbers are in
/// fixed-width encodings, so a header has a constant length:
/// <c>[1|2|4|5, headerChecksum, payloadChecksum, generation, step, parameterShard, sender, nodeStart, nodeCount,
/// offset, floats]</c> and <c>[3, headerChecksum, payloadChecksum, kind, body]</c>. The header's checksum is taken with
/// its own four bytes zero. <c>docs/wire.md</c> has them byte by byte.
/// </summary>
internal static class Frame
{
    /// <summary>Version of everything on the wire.</summary>
    public const ushort ProtocolVersion = 1;

    /// <summary>Bytes before the floats.</summary>
    public const int FloatsHeaderBytes = 56;

    /// <summary>Bytes before the body of a small message.</summary>
    public const int MessageHeaderBytes = 19;

    /// <summary>Payload of a floats frame at most.</summary>
    public const int MaxChunkBytes = 1 << 20;

    /// <summary>Body of a small message at most.</summary>
    public const int MaxMessageBytes = 64 << 10;

    /// <summary>The code of a <c>bin 32</c>; its length follows in four bytes.</summary>
    public const byte Bin32 = 0xc6;

    private const byte FloatsArray = 0x9b;
    private const byte MessageArray = 0x95;
    private const byte MessageFrame = 3;
    private const int ChecksumAt = 3;

    /// <summary>Appends the header of a floats frame.</summary>
    /// <param name="header">What the floats are; <c>Count</c> is those of this frame.</param>
    /// <param name="payloadChecksum">CRC-32C of the floats.</param>
    /// <param name="target">Where it goes.</param>
    public static void WriteFloats(in FloatsHeader header, uint payloadChecksum, SendBuffer target)
    {
        int start = target.Length;
        var writer = new MessagePackWriter(target);
        writer.WriteArrayHeader(11);
        writer.Write((byte)header.Kind);
        writer.WriteUInt32(0);
        writer.WriteUInt32(payloadChecksum);
        writer.WriteInt32(header.Generation);
        writer.WriteInt64(header.Step);
        writer.WriteInt32(header.ParameterShard);
        writer.WriteInt32(header.Sender);
        writer.WriteInt32(header.NodeStart);
        writer.WriteInt32(header.NodeCount);
        writer.WriteInt32(header.Offset);
        WriteBin32(ref writer, header.Count * header.BytesOfOne);
        writer.Flush();
        Seal(target.Written[start..], ChecksumAt);
    }

    /// <summary>Appends the header of a small message.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="body">Its body, of which length and checksum go into the header.</param>
    /// <param name="target">Where it goes.</param>
    public static void WriteMessage(byte kind, ReadOnlySpan<byte> body, SendBuffer target)
    {
        int start = target.Length;
        var writer = new MessagePackWriter(target);
        writer.WriteArrayHeader(5);
        writer.Write(MessageFrame);
        writer.WriteUInt32(0);
        writer.WriteUInt32(Crc32C.Compute(body));
        writer.WriteUInt8(kind);
        WriteBin32(ref writer, body.Length);
        writer.Flush();
        Seal(target.Written[start..], ChecksumAt);
    }

    /// <summary>The length of a header, from its first two bytes.</summary>
    /// <param name="first">At least two bytes.</param>
    /// <exception cref="InvalidDataException">No data frame begins like this.</exception>
    public static int HeaderBytes(ReadOnlySpan<byte> first) => (first[0], first[1]) switch
    {
        (FloatsArray, (byte)FloatsKind.Gradient or (byte)FloatsKind.Parameters or (byte)FloatsKind.RoundedGradient
            or (byte)FloatsKind.RoundedParameters) => FloatsHeaderBytes,
        (MessageArray, MessageFrame) => MessageHeaderBytes,
        _ => throw new InvalidDataException(
            $"A data frame begins with bytes 0x{first[0]:x2} 0x{first[1]:x2}; allowed are 0x9b 0x01, 0x9b 0x02, "
                + "0x9b 0x04, 0x9b 0x05 (floats) and 0x95 0x03 (message)."),
    };

    /// <summary>Reads a whole header.</summary>
    /// <param name="bytes">As many bytes as <see cref="HeaderBytes"/> said.</param>
    /// <exception cref="InvalidDataException">A checksum, an encoding or a length is wrong.</exception>
    public static FrameHeader Read(ReadOnlyMemory<byte> bytes)
    {
        bool isMessage = bytes.Span[0] == MessageArray;
        string frame = isMessage ? "message" : "floats";
        CheckSeal(bytes.Span, ChecksumAt, frame);
        try
        {
            var reader = new MessagePackReader(bytes);
            reader.ReadArrayHeader();
            byte kind = reader.ReadByte();
            reader.ReadUInt32();
            uint checksum = reader.ReadUInt32();
            if (isMessage)
            {
                byte message = reader.ReadByte();
                return new FrameHeader(null, message, ReadBin32(ref reader, frame, MaxMessageBytes), checksum);
            }
            var floats = new FloatsHeader(
                (FloatsKind)kind, reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt32(),
                    reader.ReadInt32(), reader.ReadInt32(),
                reader.ReadInt32(), reader.ReadInt32(), 0);
            int length = ReadBin32(ref reader, frame, MaxChunkBytes);
            if (length % floats.BytesOfOne != 0)
                throw new InvalidDataException(
                    $"A floats frame has a payload of {length} bytes; allowed are multiples of {floats.BytesOfOne}.");
            return new FrameHeader(floats with { Count = length / floats.BytesOfOne }, 0, length, checksum);
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException or OverflowException)
        {
            throw new InvalidDataException(
                $"The header of a {frame} frame is not what its kind asks for: {e.Message}", e);
        }
    }

    /// <summary>Puts a header's own checksum in its place.</summary>
    /// <param name="header">The header, zero where its checksum goes.</param>
    /// <param name="at">Where the four bytes go.</param>
    public static void Seal(Span<byte> header, int at) =>
        BinaryPrimitives.WriteUInt32BigEndian(header[at..], Crc32C.Compute(header));

    /// <summary>Compares a header with its own checksum.</summary>
    /// <param name="header">The header.</param>
    /// <param name="at">Where its four bytes are.</param>
    /// <param name="frame">The frame's name in the error.</param>
    /// <exception cref="InvalidDataException">They differ.</exception>
    public static void CheckSeal(ReadOnlySpan<byte> header, int at, string frame)
    {
        uint expected = BinaryPrimitives.ReadUInt32BigEndian(header[at..]);
        uint actual = Crc32C.Append(Crc32C.Append(Crc32C.Compute(header[..at]), [0, 0, 0, 0]), header[(at + 4)..]);
        CheckSame(expected, actual, frame, "header");
    }

    /// <summary>Compares two checksums.</summary>
    /// <param name="expected">As the frame says.</param>
    /// <param name="actual">Of the bytes that came.</param>
    /// <param name="frame">The frame's name in the error.</param>
    /// <param name="part">The part's name in the error.</param>
    /// <exception cref="InvalidDataException">They differ.</exception>
    public static void CheckSame(uint expected, uint actual, string frame, string part)
    {
        if (expected != actual)
            throw new InvalidDataException(
                $"The {part} of a {frame} frame has the checksum {actual:x8}, but the frame says {expected:x8}: it "
                + "was damaged on its way.");
    }

    /// <summary>
    /// Writes the code and length of a <c>bin 32</c>; the library would take the shortest form, and a header's length
    /// would vary.
    /// </summary>
    /// <param name="writer">Where it goes.</param>
    /// <param name="length">Bytes that follow.</param>
    public static void WriteBin32(ref MessagePackWriter writer, int length)
    {
        Span<byte> code = writer.GetSpan(5);
        code[0] = Bin32;
        BinaryPrimitives.WriteInt32BigEndian(code[1..], length);
        writer.Advance(5);
    }

    /// <summary>Reads the code and length of the <c>bin 32</c> that ends a header.</summary>
    /// <param name="reader">At the code.</param>
    /// <param name="frame">The frame's name in the error.</param>
    /// <param name="limit">Largest length allowed.</param>
    /// <exception cref="InvalidDataException">It is not the end of the header, or too long.</exception>
    public static int ReadBin32(ref MessagePackReader reader, string frame, int limit)
    {
        Span<byte> code = stackalloc byte[5];
        System.Buffers.BuffersExtensions.CopyTo(reader.ReadRaw(5), code);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(code[1..]);
        if (code[0] != Bin32 || !reader.End)
            throw new InvalidDataException(
                $"The header of a {frame} frame ends with code 0x{code[0]:x2}; allowed is 0xc6 (bin 32).");
        if (length > limit)
            throw new InvalidDataException(
                $"A {frame} frame has a payload of {length} bytes; allowed are at most {limit}.");
        return (int)length;
    }
}
