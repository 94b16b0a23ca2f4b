using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using DistTrainer.Engine.Files;
using MessagePack;

namespace DistTrainer.Transport;

/// <summary>Kinds of handshake frames.</summary>
internal enum HandshakeKind : byte
{
    /// <summary>Dialer → listener: <c>[token, runId, node]</c>.</summary>
    Hello = 1,

    /// <summary>Listener → dialer: <c>[node]</c>; data follows.</summary>
    Welcome = 2,

    /// <summary>Listener → dialer: <c>[reason]</c>; the connection ends.</summary>
    Refused = 3,

    /// <summary>Anybody → listener: <c>[]</c>.</summary>
    HealthRequest = 4,

    /// <summary>The answer: <c>[json]</c>; the connection ends.</summary>
    Health = 5,
}

/// <summary>
/// The frames before the data: <c>["DTRN", version, kind, headerChecksum, payloadChecksum, body]</c>, where the body is
/// a <c>bin 32</c> that holds another MessagePack array. This envelope stays as it is in every protocol version, so
/// that two versions can always tell each other who they are.
/// </summary>
internal static class Handshake
{
    /// <summary>Bytes before the body.</summary>
    public const int HeaderBytes = 25;

    /// <summary>Bytes of a body at most.</summary>
    public const int MaxBodyBytes = 4096;

    /// <summary>Bytes of a token.</summary>
    public const int TokenBytes = 16;

    private const int ChecksumAt = 11;

    // The array's code and the magic word, which also tells every other protocol apart at once.
    private static ReadOnlySpan<byte> Magic => [0x96, 0xa4, (byte)'D', (byte)'T', (byte)'R', (byte)'N'];

    /// <summary>Sends a frame whose body is <paramref name="body"/>.</summary>
    /// <param name="wire">The peer.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="body">A MessagePack array, ≤ <see cref="MaxBodyBytes"/>.</param>
    public static void Send(Wire wire, HandshakeKind kind, ReadOnlySpan<byte> body)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(body.Length, MaxBodyBytes);
        wire.Send(Encode(kind, body));
    }

    /// <summary>The bytes of a frame.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="body">Its body.</param>
    public static byte[] Encode(HandshakeKind kind, ReadOnlySpan<byte> body)
    {
        var output = new SendBuffer(HeaderBytes + body.Length);
        var writer = new MessagePackWriter(output);
        writer.WriteRaw(Magic);
        writer.WriteUInt16(Frame.ProtocolVersion);
        writer.Write((byte)kind);
        writer.WriteUInt32(0);
        writer.WriteUInt32(Crc32C.Compute(body));
        Frame.WriteBin32(ref writer, body.Length);
        writer.WriteRaw(body);
        writer.Flush();
        Frame.Seal(output.Written[..HeaderBytes], ChecksumAt);
        return output.Written.ToArray();
    }

    /// <summary>Receives a frame.</summary>
    /// <param name="wire">The peer.</param>
    /// <param name="deadline">When the peer must be done, in <see cref="Environment.TickCount64"/>.</param>
    /// <returns>Kind and body.</returns>
    /// <exception cref="InvalidDataException">What came is not a handshake frame of ours.</exception>
    /// <exception cref="ProtocolVersionException">The peer speaks another version.</exception>
    public static (HandshakeKind Kind, byte[] Body) Receive(Wire wire, long deadline)
    {
        var header = new byte[HeaderBytes];
        ReceiveAll(wire, header.AsSpan(0, Magic.Length), deadline);
        if (!header.AsSpan().StartsWith(Magic))
            throw new InvalidDataException(
                $"The connection begins with bytes {Convert.ToHexStringLower(header, 0, Magic.Length)}, not with a "
                + $"DistTrainer handshake ({Convert.ToHexStringLower(Magic)}).");
        ReceiveAll(wire, header.AsSpan(Magic.Length), deadline);
        Frame.CheckSeal(header, ChecksumAt, "handshake");
        ushort version = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(Magic.Length + 1));
        if (version != Frame.ProtocolVersion)
            throw new ProtocolVersionException(version);
        (HandshakeKind kind, int length, uint checksum) = ReadHeader(header);
        var body = new byte[length];
        ReceiveAll(wire, body, deadline);
        Frame.CheckSame(checksum, Crc32C.Compute(body), "handshake", "body");
        return (kind, body);
    }

    /// <summary>A body of some texts, such as a reason.</summary>
    /// <param name="texts">The texts.</param>
    public static byte[] Body(params ReadOnlySpan<string> texts)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(texts.Length);
        foreach (string text in texts)
            writer.Write(text);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The body of a hello.</summary>
    /// <param name="token">The listener's token.</param>
    /// <param name="hello">Who dials.</param>
    public static byte[] HelloBody(ReadOnlySpan<byte> token, Hello hello)
    {
        var output = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(3);
        writer.Write(token);
        writer.Write(hello.RunId);
        writer.Write(hello.Node);
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads the body of a hello.</summary>
    /// <param name="body">The body.</param>
    /// <exception cref="InvalidDataException">It is not one.</exception>
    public static (byte[] Token, Hello Hello) ReadHello(byte[] body) =>
        Read(body, 3, static (ref MessagePackReader reader) =>
    {
        byte[] token = reader.ReadBytes() is { } bytes ? bytes.ToArray() : [];
        return (token, new Hello(Name(reader.ReadString()), Name(reader.ReadString())));
    });

    /// <summary>Reads a body of one text.</summary>
    /// <param name="body">The body.</param>
    /// <exception cref="InvalidDataException">It is not one.</exception>
    public static string ReadText(byte[] body) =>
        Read(body, 1, static (ref MessagePackReader reader) => reader.ReadString() ?? "");

    private delegate T BodyReader<T>(ref MessagePackReader reader);

    private static T Read<T>(byte[] body, int items, BodyReader<T> read)
    {
        try
        {
            var reader = new MessagePackReader(body);
            int count = reader.ReadArrayHeader();
            if (count != items)
                throw new InvalidDataException(
                    $"The body of a handshake frame has {count} items; allowed are {items}.");
            T result = read(ref reader);
            return reader.End ? result : throw new InvalidDataException(
                "The body of a handshake frame goes on after its end.");
        }
        // The library takes a length of bytes from 2³¹ on for a negative one.
        catch (Exception e) when (
            e is MessagePackSerializationException or EndOfStreamException or DecoderFallbackException
            or ArgumentOutOfRangeException)
        {
            throw new InvalidDataException(
                $"The body of a handshake frame is not what its kind asks for: {e.Message}", e);
        }
    }

    private static string Name(string? name) =>
        NodeName.Problem(name) is { } problem
            ? throw new InvalidDataException($"A name in a hello {problem}; allowed: {NodeName.Allowed()}.") : name!;

    private static (HandshakeKind Kind, int Length, uint Checksum) ReadHeader(byte[] header)
    {
        try
        {
            var reader = new MessagePackReader(header.AsMemory(Magic.Length));
            reader.ReadUInt16();
            var kind = (HandshakeKind)reader.ReadByte();
            reader.ReadUInt32();
            uint checksum = reader.ReadUInt32();
            return (kind, Frame.ReadBin32(ref reader, "handshake", MaxBodyBytes), checksum);
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException or OverflowException)
        {
            throw new InvalidDataException($"The header of a handshake frame is not what it must be: {e.Message}", e);
        }
    }

    // The whole frame has one deadline, so a byte now and then does not keep a connection open.
    private static void ReceiveAll(Wire wire, Span<byte> target, long deadline)
    {
        while (!target.IsEmpty)
        {
            int count = wire.Receive(target, deadline);
            if (count == 0)
                throw new EndOfStreamException("The peer ended the connection within the handshake.");
            target = target[count..];
        }
    }
}
