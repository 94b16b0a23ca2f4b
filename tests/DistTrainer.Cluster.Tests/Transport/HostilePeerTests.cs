using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

public sealed class HostilePeerTests
{
    private static byte[] SmallFrames()
    {
        var output = new SendBuffer(1000);
        ReadOnlySpan<byte> floats = MemoryMarshal.AsBytes<float>([1f, 2f]);
        Frame.WriteFloats(TransferTests.Gradient(1, 2), Crc32C.Compute(floats), output);
        output.Write(floats);
        Frame.WriteMessage(7, "ok"u8, output);
        output.Write("ok"u8);
        return output.Written.ToArray();
    }

    [Fact]
    public void A_byte_damaged_anywhere_in_a_frame_closes_the_connection_and_its_message_never_arrives()
    {
        byte[] frames = SmallFrames();
        using var server = new DataPlaneRig("server", 4);
        for (int i = 0; i < frames.Length; i++)
        {
            using Socket peer = server.RawPeer();
            byte[] damaged = [.. frames];
            damaged[i] ^= (byte)(1 << (i % 8));
            peer.Send(damaged);
            peer.Shutdown(SocketShutdown.Send);
            server.Until(() => server.Causes.Count == i + 1);
            Assert.True(
                server.Causes[i] is InvalidDataException or EndOfStreamException, $"byte {i}: {server.Causes[i]}");
        }
        Assert.Empty(server.Messages);
        Assert.All(server.Frames, frame => Assert.Equal((1, 2), (frame.Offset, frame.Count)));
        using Socket sound = server.RawPeer();
        sound.Send(frames);
        server.Until(() => server.Messages.Count == 1);
    }

    [Fact]
    public void A_damaged_payload_is_refused_with_frame_field_and_both_values()
    {
        byte[] frames = SmallFrames();
        frames[Frame.FloatsHeaderBytes + 2] ^= 1;
        using var server = new DataPlaneRig("server", 4);
        using Socket peer = server.RawPeer();
        peer.Send(frames);
        server.Until(() => server.Causes.Count == 1);
        Assert.Matches(
            "^The payload of a floats frame has the checksum [0-9a-f]{8}, but the frame says [0-9a-f]{8}",
            server.Causes[0]!.Message);
    }

    [Theory]
    [InlineData(Frame.MaxChunkBytes + 4, "A floats frame has a payload of 1048580 bytes; allowed are at most 1048576.")]
    [InlineData(-4, "A floats frame has a payload of 4294967292 bytes; allowed are at most 1048576.")]
    [InlineData(6, "A floats frame has a payload of 6 bytes; allowed are multiples of 4.")]
    public void A_length_beyond_the_limit_is_refused_before_anything_is_read_or_allocated(int length, string expected)
    {
        byte[] header = SmallFrames()[..Frame.FloatsHeaderBytes];
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(Frame.FloatsHeaderBytes - 4), length);
        header.AsSpan(3, 4).Clear();
        Frame.Seal(header, 3);
        using var server = new DataPlaneRig("server", 4);
        using Socket peer = server.RawPeer();
        peer.Send(header);
        server.Until(() => server.Causes.Count == 1);
        Assert.Equal(expected, server.Causes[0]!.Message);
        Assert.Empty(server.Frames);
    }

    [Fact]
    public void Strangers_do_not_disturb_a_transfer_and_are_told_of_in_one_warning()
    {
        const int Count = 200_000, Times = 100;
        using var server = new DataPlaneRig("server", Count);
        using var worker = new DataPlaneRig("worker");
        using AlignedBuffer source = TransferTests.Numbers(Count);
        DataConnection connection = worker.Connect(server);
        var random = new Random(1);
        var strangers = new List<Socket>();
        for (int i = 0; i < Times; i++)
        {
            connection.Send(TransferTests.Gradient(0, Count), source, 0);
            Socket stranger = server.Raw();
            strangers.Add(stranger);
            if (i % 20 == 0)
                continue; // half-open: says nothing at all
            var garbage = new byte[random.Next(1, 300)];
            random.NextBytes(garbage);
            stranger.Send(i % 2 == 0 ? garbage : "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
        }
        connection.Send(1, default);
        server.Until(() => server.Messages.Count == 1);
        Assert.Equal(source.Span.ToArray(), server.Buffer.Span.ToArray());
        Assert.Empty(server.Causes);
        server.Until(() => server.Warnings.Count == 1);
        strangers.ForEach(stranger => stranger.Dispose());
    }

    [Fact]
    public void A_receiver_that_throws_closes_only_its_connection_with_that_cause()
    {
        using var server = new DataPlaneRig("server", 4)
        {
            OnMessage = _ => throw new InvalidOperationException("a bug"),
        };
        using Socket peer = server.RawPeer();
        peer.Send(SmallFrames());
        server.Until(() => server.Causes.Count == 1);
        Assert.Equal("a bug", server.Causes[0]!.Message);
        using Socket other = server.RawPeer();
        server.Until(() => server.Connections.Count == 2);
    }
}
