using System.Buffers;
using System.Runtime.CompilerServices;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using MessagePack;
using Xunit;

namespace DistTrainer.Cluster.Tests.Links;

/// <summary>Links over shared memory; both ends are in this process, which the system treats as any two.</summary>
public sealed class SharedSegmentsTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void Gradients_are_read_where_the_worker_wrote_them_once_the_peer_has_mapped_them()
    {
        using var server = new LinksRig("server");
        using var worker = new LinksRig("worker");
        (IParameterShardLink link, GradientNode node) = Join(server, worker);
        long step = 1;
        Assert.Null(Push(link, node, server, step).Gradient.Shared);
        Assert.Equal(1, server.FloatsFrames);
        SpinWait.SpinUntil(() => worker.Connection.Segments.NumberOf(node.Gradient) != 0, s_patience);
        node.Gradient.Span.Fill(7f);
        PushGradient push = Push(link, node, server, ++step);
        Assert.NotNull(push.Gradient.Shared);
        Assert.NotSame(node.Gradient, push.Gradient);
        node.Gradient.Span[^1] = 8f;
        Assert.Equal((7f, 8f), (push.Gradient.Span[0], push.Gradient.Span[^1]));
        Assert.Same(push.Gradient, Push(link, node, server, ++step).Gradient);
        Assert.Equal(1, server.FloatsFrames);
    }

    [Fact]
    public void Parameters_are_copied_before_they_count_as_received()
    {
        using var server = new LinksRig("server");
        using var worker = new LinksRig("worker");
        Join(server, worker);
        IParameterLink link = server.Links.To(Audience.Workers, [worker.Place])[0];
        AlignedBuffer source = server.Setup.Parameters[2];
        for (int i = 0; i < 3; i++)
        {
            source.Span.Fill(i + 1);
            link.Broadcast(new ParametersBroadcast(LinksRig.Generation, 0, 2), source, server.Setup.Ranges[0]);
            Assert.Equal(new ParametersBroadcast(LinksRig.Generation, 0, 2), worker.Next<ParametersBroadcast>());
            Assert.Equal(source.Span.ToArray(), worker.Setup.Parameters[2].Span.ToArray());
            SpinWait.SpinUntil(() => server.Connection.Segments.NumberOf(source) != 0, s_patience);
        }
        Assert.Equal(1, worker.FloatsFrames);
    }

    [Theory]
    [InlineData(false, true, true)]
    [InlineData(true, false, true)]
    [InlineData(true, true, false)]
    public void Floats_are_sent_where_one_side_shares_no_memory(bool serverShares, bool workerShares, bool useUnix)
    {
        using var server = new LinksRig("server", serverShares, useUnix);
        using var worker = new LinksRig("worker", workerShares, useUnix);
        (IParameterShardLink link, GradientNode node) = Join(server, worker);
        for (int step = 1; step <= 5; step++)
        {
            node.Gradient.Span.Fill(step);
            PushGradient push = Push(link, node, server, step);
            Assert.Null(push.Gradient.Shared);
            Assert.Equal(step, push.Gradient.Span[0]);
            Assert.Equal(step, server.FloatsFrames);
        }
    }

    [Theory]
    [InlineData("tag", "has another tag")]
    [InlineData("file", "is no file in memory that is sealed against shrinking")]
    [InlineData("size", "are expected for")]
    [InlineData("length", "floats; allowed are")]
    [InlineData("again", "was offered before or is too old")]
    [InlineData("number", "allowed are segment ≥ oldest ≥ 1")]
    [InlineData("descriptor", "descriptor ≥ 0")]
    [InlineData("short tag", "a tag of 3 bytes")]
    [InlineData("push", "segment 9 is not mapped here")]
    [InlineData("answer", "segment 5 was answered, but no offer of it is open")]
    public async Task A_hostile_message_closes_its_connection_only_and_says_why(string what, string cause)
    {
        using var server = new LinksRig("server");
        using var peer = new LinksRig("peer");
        server.Links.Serve(LinksRig.Generation, 0, server.Mailbox);
        DataConnection connection = peer.Connect(server);
        int length = server.Setup.Parameters.Length;
        using AlignedBuffer buffer = AlignedBuffer.CreateShared(length),
            small = AlignedBuffer.CreateShared(length - 100);
        using FileStream file = File.OpenRead(typeof(LinksRig).Assembly.Location);
        var good = new SegmentOffer(1, 1, buffer.Shared!.Descriptor, length, buffer.Shared.Tag.ToArray());
        switch (what)
        {
            case "push":
                Send(connection, LinkMessages.Push, output =>
                    LinkMessages.Write(
                        output, 0,
                        new PushGradient(LinksRig.Generation, 0, 1, new TreeNode(0, 1), buffer, 0,
                        true, [default], 0), 9));
                break;
            case "answer":
                Send(connection, SegmentMessages.Answer, output => SegmentMessages.WriteAnswer(output, 5, true));
                break;
            case "again":
                Send(connection, SegmentMessages.Offer, output => SegmentMessages.Write(output, good));
                Send(connection, SegmentMessages.Offer, output => SegmentMessages.Write(output, good));
                break;
            default:
                SegmentOffer bad = what switch
                {
                    "tag" => good with { Tag = new byte[SharedMemory.TagBytes] },
                    "file" => good with { Descriptor = (int)file.SafeFileHandle.DangerousGetHandle() },
                    "size" => good with { Descriptor = small.Shared!.Descriptor, Tag = small.Shared.Tag.ToArray() },
                    "length" => good with { Length = length - 1 },
                    "number" => good with { Number = 1, Oldest = 2 },
                    "descriptor" => good with { Descriptor = -1 },
                    _ => good with { Tag = [1, 2, 3] },
                };
                Send(connection, SegmentMessages.Offer, output => SegmentMessages.Write(output, bad));
                break;
        }
        Assert.Contains(cause, Assert.IsType<InvalidDataException>(await server.Cause.Task.WaitAsync(s_patience))
            .Message, StringComparison.Ordinal);
        using var next = new LinksRig("next");
        next.Connect(server);
    }

    [Fact]
    public void A_new_generation_lets_go_of_the_gradients_of_the_old_one_and_an_old_push_is_dropped()
    {
        using var server = new LinksRig("server");
        using var worker = new LinksRig("worker");
        WeakReference mapped = Share(server, worker, LinksRig.Generation);
        WeakReference second = Share(server, worker, LinksRig.Generation + 1);
        Collect(mapped);
        Assert.False(mapped.IsAlive);
        Assert.True(second.IsAlive);
        Send(worker.Connection, LinkMessages.Push, output =>
            LinkMessages.Write(
                output, 0,
                new PushGradient(LinksRig.Generation + 1, 0, 1, new TreeNode(0, 1), null!, 0, true, [default], 0),
                1));
        Assert.NotNull(PushOnce(server, worker, LinksRig.Generation + 1).Gradient);
    }

    [Fact]
    public async Task A_closed_connection_lets_go_of_all_memory()
    {
        using var server = new LinksRig("server");
        using var worker = new LinksRig("worker");
        WeakReference mapped = Share(server, worker, LinksRig.Generation);
        worker.Links.Dispose();
        await server.Cause.Task.WaitAsync(s_patience);
        Collect(mapped);
        Assert.False(mapped.IsAlive);
    }

    [Fact]
    public void The_messages_have_their_golden_bytes()
    {
        byte[] tag = [.. Enumerable.Range(0, SharedMemory.TagBytes).Select(i => (byte)i)];
        var losses = new LossSums(3, 0.5, 2, 0.25);
        Assert.Equal(
            "95020164cd03e8c410000102030405060708090a0b0c0d0e0f", Hex(
                output => SegmentMessages.Write(output, new SegmentOffer(2, 1, 100, 1000, tag))));
        Assert.Equal("9202c3", Hex(output => SegmentMessages.WriteAnswer(output, 2, true)));
        Assert.Equal("9403010702", Hex(output => LinkMessages.Write(output, new ParametersBroadcast(3, 1, 7), 2)));
        Assert.Equal(
            "9a0301050708" + "01c3024d" + "91" + "9503cb3fe000000000000002cb3fd0000000000000cb4008000000000000",
            Hex(output => LinkMessages.Write(
                output, 1, new PushGradient(3, 5, 7, new TreeNode(8, 1), null!, 0, true, [losses], 77), 2)));
    }

    private static (IParameterShardLink Link, GradientNode Node) Join(
        LinksRig server, LinksRig worker, int generation = LinksRig.Generation)
    {
        server.Links.Serve(generation, 0, server.Mailbox);
        IParameterShardLink link =
            worker.Links.Join(generation, [new ParameterShardCopyPlace(0, server.Place)], worker.Mailbox)[0];
        return (link, new GradientNode(new TreeNode(0, 8), worker.Setup.CreateVector()));
    }

    private static PushGradient Push(
        IParameterShardLink link, GradientNode node, LinksRig server, long step, int generation = LinksRig.Generation)
    {
        link.Prepare(0, step, node, 0, node.Gradient.Length);
        link.Push(
            new PushGradient(
                generation, 0, step, node.Node, node.Gradient, 0, true, new LossSums[node.Node.Count], 0));
        return server.Next<PushGradient>();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Share(LinksRig server, LinksRig worker, int generation)
    {
        (IParameterShardLink link, GradientNode node) = Join(server, worker, generation);
        Push(link, node, server, 1, generation);
        SpinWait.SpinUntil(() => worker.Connection.Segments.NumberOf(node.Gradient) != 0, s_patience);
        AlignedBuffer mapped = Push(link, node, server, 2, generation).Gradient;
        Assert.NotNull(mapped.Shared);
        return new WeakReference(mapped);
    }

    private static PushGradient PushOnce(LinksRig server, LinksRig worker, int generation)
    {
        (IParameterShardLink link, GradientNode node) = Join(server, worker, generation);
        return Push(link, node, server, 1, generation);
    }

    private static void Collect(WeakReference reference)
    {
        for (int i = 0; i < 50 && reference.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(10);
        }
    }

    private static void Send(DataConnection connection, byte kind, Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        connection.Send(kind, output.WrittenSpan);
    }

    private static string Hex(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        MessagePackSerializer.Deserialize<object>(output.WrittenMemory);
        return Convert.ToHexStringLower(output.WrittenSpan);
    }
}
