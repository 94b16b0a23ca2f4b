using CsCheck;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

public sealed class TransferTests
{
    private const int Chunk = 1024;

    private static readonly DataPlaneOptions s_small = new()
    {
        Node = "",
        UseUnixSockets = false,
        ChunkBytes = Chunk * sizeof(float),
    };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(Chunk - 1)]
    [InlineData(Chunk)]
    [InlineData(Chunk + 1)]
    [InlineData(3 * Chunk + 5)]
    public void Floats_of_any_length_arrive_at_their_place_and_nowhere_else(int count)
    {
        using var server = new DataPlaneRig("server", count + 20, s_small);
        using var worker = new DataPlaneRig("worker", options: s_small);
        using AlignedBuffer source = Numbers(count + 8);
        DataConnection connection = worker.Connect(server);
        connection.Send(Gradient(offset: 10, count), source, 8);
        connection.Send(9, "done"u8);
        server.Until(() => server.Messages.Count == 1);
        Assert.Equal(source.Span[8..].ToArray(), server.Buffer.Span.Slice(10, count).ToArray());
        Assert.True(
            server.Buffer.Span[..10].IndexOfAnyExcept(0f) < 0 && server.Buffer.Span[(10 + count)..]
            .IndexOfAnyExcept(0f) < 0);
        Assert.Equal(Math.Max(1, (count + Chunk - 1) / Chunk), server.Frames.Count);
        Assert.Equal(count, server.Frames.Sum(frame => frame.Count));
        Assert.All(server.Frames, frame => Assert.Equal(Gradient(frame.Offset, frame.Count), frame));
        Assert.Equal("dialer", server.Connections[0].Peer);
        Assert.Equal("server", connection.Peer);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((2 * Chunk) - 1)]
    [InlineData((6 * Chunk) + 5)]
    public void Rounded_floats_are_half_the_bytes_and_arrive_as_they_are(int count)
    {
        using var server = new DataPlaneRig("server", count + 20, s_small);
        using var worker = new DataPlaneRig("worker", options: s_small);
        using AlignedBuffer source = Numbers(count);
        Bfloat16.Round(source.Span, source.Span);
        DataConnection connection = worker.Connect(server);
        FloatsHeader header = Gradient(offset: 10, count) with { Kind = FloatsKind.RoundedGradient };
        connection.Send(header, source, 0);
        connection.Send(9, "done"u8);
        server.Until(() => server.Messages.Count == 1);
        Assert.Equal(source.Span.ToArray(), server.Buffer.Span.Slice(10, count).ToArray());
        Assert.True(server.Buffer.Span[..10].IndexOfAnyExcept(0f) < 0);
        Assert.Equal(Math.Max(1, (count + (2 * Chunk) - 1) / (2 * Chunk)), server.Frames.Count);
        Assert.All(server.Frames, frame => Assert.True(frame is { AreRounded: true, AreParameters: false }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_is_sent_arrives_in_order_over_either_kind_of_socket(bool useUnix)
    {
        DataPlaneOptions options = s_small with { UseUnixSockets = useUnix };
        Gen.Int[0, 5000].Array[1, 12].Sample(
            sizes =>
            {
                using var server = new DataPlaneRig("server", sizes.Sum(), options);
                using var worker = new DataPlaneRig("worker", options: options);
                using AlignedBuffer source = Numbers(sizes.Sum());
                DataConnection connection = worker.Connect(server);
                Assert.Equal(useUnix && OperatingSystem.IsLinux(), connection.IsUnixSocket);
                int offset = 0;
                foreach (int size in sizes)
                {
                    connection.Send(Gradient(offset, size), source, offset);
                    connection.Send((byte)(size % 256), new byte[size]);
                    offset += size;
                }
                server.Until(() => server.Messages.Count == sizes.Length);
                Assert.Equal(sizes, server.Messages.Select(message => message.Body.Length));
                Assert.Equal(source.Span.ToArray(), server.Buffer.Span.ToArray());
            },
            iter: 8, threads: 1);
    }

    [Fact]
    public void A_message_arrives_only_once_all_floats_before_it_are_in_place()
    {
        const int Count = 500_000;
        bool isWhole = false;
        DataPlaneRig? rig = null;
        using var server = rig = new DataPlaneRig("server", Count)
        {
            OnMessage = _ => isWhole = rig!.Buffer.Span.IndexOf(0f) < 0,
        };
        using var worker = new DataPlaneRig("worker");
        using AlignedBuffer source = Numbers(Count);
        DataConnection connection = worker.Connect(server);
        connection.Send(Gradient(0, Count), source, 0);
        connection.Send(1, default);
        server.Until(() => isWhole);
    }

    [Fact]
    public void Floats_that_nobody_wants_are_read_and_discarded()
    {
        using var server = new DataPlaneRig("server", 5000) { Wants = header => header.Generation == 4 };
        using var worker = new DataPlaneRig("worker");
        using AlignedBuffer source = Numbers(5000);
        DataConnection connection = worker.Connect(server);
        connection.Send(Gradient(0, 5000), source, 0);
        connection.Send(Gradient(2, 10) with { Generation = 4 }, source, 2);
        connection.Send(1, default);
        server.Until(() => server.Messages.Count == 1);
        Assert.Equal(source.Span.Slice(2, 10).ToArray(), server.Buffer.Span.Slice(2, 10).ToArray());
        Assert.True(server.Buffer.Span[12..].IndexOfAnyExcept(0f) < 0);
    }

    [Fact]
    public void Both_directions_at_once_with_full_queues_do_not_block_each_other()
    {
        const int Count = 1_000_000, Times = 20;
        using var server = new DataPlaneRig("server", Count);
        using var worker = new DataPlaneRig("worker", Count);
        using AlignedBuffer source = Numbers(Count);
        DataConnection up = worker.Connect(server);
        server.Until(() => server.Connections.Count == 1);
        DataConnection down = server.Connections[0];
        for (int i = 0; i < Times; i++)
        {
            up.Send(Gradient(0, Count), source, 0);
            down.Send(Gradient(0, Count), source, 0);
        }
        up.Send(1, default);
        down.Send(1, default);
        server.Until(() => server.Messages.Count == 1);
        worker.Until(() => worker.Messages.Count == 1);
        Assert.Equal(source.Span.ToArray(), worker.Buffer.Span.ToArray());
        Assert.Equal(0, up.QueuedBytes);
    }

    [Fact]
    public void A_range_outside_its_buffer_and_a_message_that_is_too_long_are_refused_to_the_sender()
    {
        using var server = new DataPlaneRig("server", 10);
        using var worker = new DataPlaneRig("worker");
        using AlignedBuffer source = Numbers(10);
        DataConnection connection = worker.Connect(server);
        Assert.Throws<ArgumentOutOfRangeException>(() => connection.Send(Gradient(0, 8), source, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => connection.Send(Gradient(0, -1), source, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => connection.Send(1, new byte[Frame.MaxMessageBytes + 1]));
        connection.Send(2, new byte[Frame.MaxMessageBytes]);
        server.Until(() => server.Messages.Count == 1);
        Assert.Equal(Frame.MaxMessageBytes, server.Messages[0].Body.Length);
    }

    internal static FloatsHeader Gradient(int offset, int count) =>
        new(FloatsKind.Gradient, 3, 12345678901, 2, 5, 4, 4, offset, count);

    internal static AlignedBuffer Numbers(int count)
    {
        var buffer = new AlignedBuffer(count);
        for (int i = 0; i < count; i++)
            buffer.Span[i] = i + 1;
        return buffer;
    }
}
