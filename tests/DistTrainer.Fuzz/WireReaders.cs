using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;

namespace DistTrainer.Fuzz;

/// <summary>What comes over a data connection: its reader, and behind it the links of a run.</summary>
internal abstract class WireFuzz(string name, long constant, long factor) : FuzzReader(name, constant, factor)
{
    /// <summary>The run that takes what is received.</summary>
    protected WireRig Rig { get; } = new();

    /// <inheritdoc/>
    public override bool IsRefusal(Exception failure) =>
        failure is InvalidDataException or EndOfStreamException or ProtocolVersionException;

    /// <inheritdoc/>
    public override void Dispose()
    {
        Rig.Dispose();
        base.Dispose();
    }

    /// <summary>Messages of each kind, as their kinds and bodies.</summary>
    protected IReadOnlyList<(byte Kind, byte[] Body)> Messages()
    {
        var node = new TreeNode(0, 2);
        var push = new PushGradient(
            WireRig.Generation, 1, 1, node, Rig.Floats, 0, true,
            [new LossSums(10, 2.5, 7, 1.5), new LossSums(10, 2.5, 7, 1.5)], 77);
        var broadcast = new ParametersBroadcast(WireRig.Generation, 0, 3);
        SharedMemory? memory = Rig.Floats.Shared;
        return
        [
            (LinkMessages.Push, Body(output => LinkMessages.Write(output, 0, push, 0))),
            (LinkMessages.Broadcast, Body(output => LinkMessages.Write(output, broadcast, 0))),
            (LinkMessages.Collected, Body(output => LinkMessages.Write(output, broadcast, 0))),
            (SegmentMessages.Offer,
                Body(output =>
                SegmentMessages.Write(
                    output, new SegmentOffer(
                        1, 1, memory?.Descriptor ?? 0, Rig.Floats.Length,
                        memory?.Tag.ToArray() ?? new byte[SharedMemory.TagBytes])))),
        ];
    }

    /// <summary>
    /// Puts a header's checksums right: first that of the payload, then its own over the whole header.
    /// </summary>
    protected static void SealFrame(
        Span<byte> header, int headerChecksum, int payloadChecksum, ReadOnlySpan<byte> payload)
    {
        BinaryPrimitives.WriteUInt32BigEndian(header[payloadChecksum..], Crc32C.Compute(payload));
        header.Slice(headerChecksum, sizeof(uint)).Clear();
        Frame.Seal(header, headerChecksum);
    }

    private static byte[] Body(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return output.WrittenSpan.ToArray();
    }
}

/// <summary>Frames in a row, and their end.</summary>
internal sealed class FramesFuzz() : WireFuzz("frames", 200_000, 50)
{
    private const int HeaderChecksum = 3, PayloadChecksum = 8;

    /// <inheritdoc/>
    public override IReadOnlyList<Seed> Seeds()
    {
        IReadOnlyList<(byte Kind, byte[] Body)> messages = Messages();
        byte[] gradient = Floats(
            new FloatsHeader(FloatsKind.Gradient, WireRig.Generation, 1, 0, 1, 0, 2, 0, Rig.Floats.Length));
        byte[] parameters = Floats(new FloatsHeader(FloatsKind.Parameters, WireRig.Generation, 3, 0, 0, 0, 0, 5, 7));
        return
        [
            new Seed("push", [.. gradient, .. Message(messages[0])]),
            new Seed("broadcast", [.. parameters, .. Message(messages[1])]),
            new Seed("rounded", [.. Floats(
                new FloatsHeader(FloatsKind.RoundedParameters, WireRig.Generation, 3, 0, 0, 0, 0, 5, 7)),
                .. Message(messages[1])]),
            new Seed("collected", [.. Message(messages[2]), .. Message(messages[1])]),
            new Seed("offer", Message(messages[3])),
        ];
    }

    /// <inheritdoc/>
    public override void Read(string role, byte[] input) => Rig.Read(input, (wire, connection) =>
    {
        var reader = new FrameReader(wire);
        while (reader.ReadFrame(connection, Rig))
        {
        }
    });

    /// <inheritdoc/>
    public override byte[] Seal(string role, byte[] input)
    {
        for (int at = 0; at + 1 < input.Length;)
        {
            int header = (input[at], input[at + 1]) switch
            {
                (0x9b, 1 or 2 or 4 or 5) => Frame.FloatsHeaderBytes,
                (0x95, 3) => Frame.MessageHeaderBytes,
                _ => int.MaxValue,
            };
            if (header > input.Length - at)
                break;
            uint length = BinaryPrimitives.ReadUInt32BigEndian(input.AsSpan(at + header - sizeof(uint)));
            int payload = (int)Math.Min(length, input.Length - at - header);
            SealFrame(input.AsSpan(at, header), HeaderChecksum, PayloadChecksum, input.AsSpan(at + header, payload));
            at += header + payload;
        }
        return input;
    }

    private byte[] Floats(FloatsHeader header)
    {
        var output = new SendBuffer(4096);
        ReadOnlySpan<byte> floats =
            MemoryMarshal.AsBytes(Rig.Floats.Span.Slice(0, header.Count))[..(header.Count * header.BytesOfOne)];
        Frame.WriteFloats(header, Crc32C.Compute(floats), output);
        output.Write(floats);
        return output.Written.ToArray();
    }

    private static byte[] Message((byte Kind, byte[] Body) message)
    {
        var output = new SendBuffer(4096);
        Frame.WriteMessage(message.Kind, message.Body, output);
        output.Write(message.Body);
        return output.Written.ToArray();
    }
}

/// <summary>Bodies of small messages, as the links get them.</summary>
internal sealed class MessagesFuzz() : WireFuzz("messages", 200_000, 50)
{
    /// <inheritdoc/>
    public override IReadOnlyList<Seed> Seeds() =>
        [.. Messages().Select(message => new Seed($"{message.Kind}", message.Body))];

    /// <inheritdoc/>
    public override void Read(string role, byte[] input) =>
        Rig.Read([], (_, connection) => Rig.Receive(connection, (byte)(role[0] - '0'), input));
}

/// <summary>What a stranger says first.</summary>
internal sealed class HandshakeFuzz() : WireFuzz("handshake", 200_000, 50)
{
    private const int HeaderChecksum = 11, PayloadChecksum = 16;
    private const int PatienceMilliseconds = 1000;

    /// <inheritdoc/>
    public override IReadOnlyList<Seed> Seeds() =>
    [
        new Seed(
            "hello", Handshake.Encode(
                HandshakeKind.Hello, Handshake.HelloBody(new byte[Handshake.TokenBytes], new Hello("run", "a node")))),
        new Seed("welcome", Handshake.Encode(HandshakeKind.Welcome, Handshake.Body("a node"))),
        new Seed("refused", Handshake.Encode(HandshakeKind.Refused, Handshake.Body("another run"))),
        new Seed("health", Handshake.Encode(HandshakeKind.HealthRequest, Handshake.Body())),
    ];

    /// <inheritdoc/>
    public override void Read(string role, byte[] input) => Rig.Read(input, (wire, _) =>
    {
        (HandshakeKind kind, byte[] body) = Handshake.Receive(wire, Environment.TickCount64 + PatienceMilliseconds);
        if (kind == HandshakeKind.Hello)
            Handshake.ReadHello(body);
        else if (kind is HandshakeKind.Welcome or HandshakeKind.Refused)
            Handshake.ReadText(body);
    });

    /// <inheritdoc/>
    public override byte[] Seal(string role, byte[] input)
    {
        if (input.Length >= Handshake.HeaderBytes)
            SealFrame(
                input.AsSpan(0, Handshake.HeaderBytes), HeaderChecksum, PayloadChecksum,
                input.AsSpan(Handshake.HeaderBytes));
        return input;
    }
}
