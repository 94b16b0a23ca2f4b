using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class TransferTests
{
    private const int Chunk = 1024;

    private static readonly DataPlaneOptions s_small = new() { Node = "", UseUnixSockets = false, ChunkBytes = Chunk * sizeof(float) };

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
        Assert.True(server.Buffer.Span[..10].IndexOfAnyExcept(0f) < 0 && server.Buffer.Span[(10 + count)..].IndexOfAnyExcept(0f) < 0);
        Assert.Equal(Math.Max(1, (count + Chunk - 1) / Chunk), server.Frames.Count);
        Assert.Equal(count, server.Frames.Sum(frame => frame.Count));
        Assert.All(server.Frames, frame => Assert.Equal(Gradient(frame.Offset, frame.Count), frame));
        Assert.Equal("dialer", server.Connections[0].Peer);
        Assert.Equal("server", connection.Peer);
    }

    internal static FloatsHeader Gradient(int offset, int count) => new(FloatsKind.Gradient, 3, 12345678901, 2, 5, 4, 4, offset, count);

    internal static AlignedBuffer Numbers(int count)
    {
        var buffer = new AlignedBuffer(count);
        for (int i = 0; i < count; i++)
            buffer.Span[i] = i + 1;
        return buffer;
    }
}
