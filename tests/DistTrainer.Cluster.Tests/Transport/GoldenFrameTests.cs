using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using MessagePack;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

/// <summary>The bytes on the wire are a contract: these are the ones in <c>docs/wire.md</c>.</summary>
public sealed class GoldenFrameTests
{
    private static readonly byte[] s_token = Convert.FromHexString("000102030405060708090a0b0c0d0e0f");

    public static TheoryData<string, string> Golden => new()
    {
        { "gradient",
            "9b01ce85608bb1ced5bd11cbd200000003d30000000100000002d200000001d200000005d200000004d200000004d2000003e8c6000000080000803f000020c0" },
        { "parameters",
            "9b02ce306109f2ce26973e52d200000003d30000000000000007d200000001d200000000d200000000d200000000d200000000c6000000040000003f" },
        { "rounded gradient",
            "9b04cea7a7d0e4ce7b869b0cd200000003d30000000100000002d200000001d200000005d200000004d200000004d2000003e8c600000004803f20c0" },
        { "rounded parameters",
            "9b05ce39e86778ce9f910247d200000003d30000000000000007d200000001d200000000d200000000d200000000d200000000c600000002003f" },
        { "message", "9503ceed276d71ce053620cbcc09c600000004646f6e65" },
        { "hello",
            "96a44454524ecd000101ceb253f914ce4fc4e79ac60000002293c410000102030405060708090a0b0c0d0e0fa572756e2d31a8776f726b65722d31" },
        { "welcome", "96a44454524ecd000102ce209daac7cef4eb3e0bc60000000a91a87365727665722d31" },
        { "refused", "96a44454524ecd000103ce230fb615ce40785fedc60000000491a26e6f" },
        { "health request", "96a44454524ecd000104ce95ee619ccec0d5af46c60000000190" },
        { "health", "96a44454524ecd000105ce69c4c57cce77c3c359c60000000d91ab7b226f6b223a747275657d" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Every_frame_has_its_golden_bytes(string frame, string hex) =>
        Assert.Equal(hex, Convert.ToHexStringLower(Encode(frame)));

    [Theory]
    [MemberData(nameof(Golden))]
    public void Any_messagepack_library_reads_every_frame(string frame, string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        var items = (object[])MessagePackSerializer.Deserialize<object>(
            bytes, MessagePackSerializerOptions.Standard.WithSecurity(MessagePackSecurity.UntrustedData))!;
        int sealAt = items[0] is string ? 3 : 1;
        var payload = (byte[])items[^1];
        Assert.Equal(Crc32C.Compute(payload), (uint)items[sealAt + 1]);
        byte[] header = bytes[..^payload.Length];
        int at = items[0] is string ? 11 : 3;
        Assert.Equal((uint)items[sealAt], BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(at)));
        header.AsSpan(at, 4).Clear();
        Assert.Equal((uint)items[sealAt], Crc32C.Compute(header));
        Assert.Equal(Meaning(frame), Describe(frame, items, payload));
    }

    [Theory]
    [InlineData("gradient")]
    [InlineData("parameters")]
    [InlineData("rounded gradient")]
    [InlineData("rounded parameters")]
    public void A_floats_header_comes_back_as_it_was_written(string frame)
    {
        byte[] bytes = Encode(frame);
        FrameHeader header = Frame.Read(bytes.AsMemory(0, Frame.FloatsHeaderBytes));
        Assert.Equal(
            frame switch
            {
                "gradient" => GradientHeader,
                "parameters" => ParametersHeader,
                "rounded gradient" => GradientHeader with { Kind = FloatsKind.RoundedGradient },
                _ => ParametersHeader with { Kind = FloatsKind.RoundedParameters },
            }, header.Floats);
        Assert.Equal(Frame.FloatsHeaderBytes + header.Length, bytes.Length);
    }

    private static FloatsHeader GradientHeader => new(FloatsKind.Gradient, 3, 4294967298, 1, 5, 4, 4, 1000, 2);

    private static FloatsHeader ParametersHeader => new(FloatsKind.Parameters, 3, 7, 1, 0, 0, 0, 0, 1);

    private static byte[] Encode(string frame) => frame switch
    {
        "gradient" => Floats(GradientHeader, [1f, -2.5f]),
        "parameters" => Floats(ParametersHeader, [0.5f]),
        "rounded gradient" =>
            Floats(GradientHeader with { Kind = FloatsKind.RoundedGradient }, [1f, -2.5f]),
        "rounded parameters" => Floats(ParametersHeader with { Kind = FloatsKind.RoundedParameters }, [0.5f]),
        "message" => Message(9, "done"u8),
        "hello" => Handshake.Encode(HandshakeKind.Hello, Handshake.HelloBody(s_token, new Hello("run-1", "worker-1"))),
        "welcome" => Handshake.Encode(HandshakeKind.Welcome, Handshake.Body("server-1")),
        "refused" => Handshake.Encode(HandshakeKind.Refused, Handshake.Body("no")),
        "health request" => Handshake.Encode(HandshakeKind.HealthRequest, Handshake.Body()),
        _ => Handshake.Encode(HandshakeKind.Health, Handshake.Body("""{"ok":true}""")),
    };

    private static string Meaning(string frame) => frame switch
    {
        "gradient" => "1 3 4294967298 1 5 4 4 1000 | 1 -2.5",
        "parameters" => "2 3 7 1 0 0 0 0 | 0.5",
        "rounded gradient" => "4 3 4294967298 1 5 4 4 1000 | 1 -2.5",
        "rounded parameters" => "5 3 7 1 0 0 0 0 | 0.5",
        "message" => "3 9 | done",
        "hello" => "DTRN 1 1 | 000102030405060708090a0b0c0d0e0f run-1 worker-1",
        "welcome" => "DTRN 1 2 | server-1",
        "refused" => "DTRN 1 3 | no",
        "health request" => "DTRN 1 4 | ",
        _ => """DTRN 1 5 | {"ok":true}""",
    };

    private static string Describe(string frame, object[] items, byte[] payload)
    {
        IEnumerable<object> fields = items[0] is string ? items[..3] : [items[0], .. items[3..^1]];
        string text = frame switch
        {
            "gradient" or "parameters" =>
                string.Join(
                    ' ', MemoryMarshal.Cast<byte, float>(payload).ToArray()
                    .Select(x => FormattableString.Invariant($"{x}"))),
            "rounded gradient" or "rounded parameters" =>
                string.Join(
                    ' ', MemoryMarshal.Cast<byte, ushort>(payload).ToArray()
                    .Select(x => FormattableString.Invariant($"{BitConverter.UInt32BitsToSingle((uint)x << 16)}"))),
            "message" => Encoding.ASCII.GetString(payload),
            _ => string.Join(' ', ((object[])MessagePackSerializer.Deserialize<object>(payload)!)
                .Select(x => x is byte[] b ? Convert.ToHexStringLower(b) : x)),
        };
        return $"{string.Join(' ', fields)} | {text}";
    }

    private static byte[] Floats(in FloatsHeader header, ReadOnlySpan<float> floats)
    {
        byte[] bytes = new byte[header.BytesOfOne * floats.Length];
        if (header.AreRounded)
            Bfloat16.Encode(floats, bytes);
        else
            MemoryMarshal.AsBytes(floats).CopyTo(bytes);
        var output = new SendBuffer(1000);
        Frame.WriteFloats(header, Crc32C.Compute(bytes), output);
        output.Write(bytes);
        return output.Written.ToArray();
    }

    private static byte[] Message(byte kind, ReadOnlySpan<byte> body)
    {
        var output = new SendBuffer(1000);
        Frame.WriteMessage(kind, body, output);
        output.Write(body);
        return output.Written.ToArray();
    }
}
