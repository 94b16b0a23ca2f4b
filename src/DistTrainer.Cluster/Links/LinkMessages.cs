using System.Buffers;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using MessagePack;

namespace DistTrainer.Cluster.Links;

/// <summary>
/// The small messages of the data plane, each after the floats that it speaks of, or with the segment in shared memory
/// where they lie (0: they were sent; see <see cref="SegmentMessages"/>): MessagePack arrays of numbers, written and
/// read field by field (docs/wire.md). Of other bytes the library throws
/// <see cref="MessagePackSerializationException"/>, <see cref="EndOfStreamException"/> or
/// <see cref="OverflowException"/>.
/// </summary>
internal static class LinkMessages
{
    /// <summary>
    /// Kind of <see cref="PushGradient"/>: [generation, parameter shard, worker, step, node start, node count,
    /// known finite, segment, sample hash, losses].
    /// </summary>
    public const byte Push = 1;

    /// <summary>
    /// Kind of <see cref="ParametersBroadcast"/> to the workers of a node: [generation, parameter shard, step,
    /// segment].
    /// </summary>
    public const byte Broadcast = 2;

    /// <summary>Kind of <see cref="ParametersBroadcast"/> to the run: the same fields.</summary>
    public const byte Collected = 3;

    private const int PushFields = 10;
    private const int BroadcastFields = 4;
    private const int LossFields = 5;

    /// <summary>Writes a contribution's message.</summary>
    public static void Write(IBufferWriter<byte> output, int parameterShard, PushGradient push, int segment)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(PushFields);
        writer.Write(push.Generation);
        writer.Write(parameterShard);
        writer.Write(push.Worker);
        writer.Write(push.Step);
        writer.Write(push.Node.Start);
        writer.Write(push.Node.Count);
        writer.Write(push.IsKnownFinite);
        writer.Write(segment);
        writer.Write(push.SampleHash);
        writer.WriteArrayHeader(push.Losses.Length);
        foreach (LossSums losses in push.Losses)
        {
            writer.WriteArrayHeader(LossFields);
            writer.Write(losses.Count);
            writer.Write(losses.LossSum);
            writer.Write(losses.Correct);
            writer.Write(losses.SquaredErrorSum);
            writer.Write(losses.Weight);
        }
        writer.Flush();
    }

    /// <summary>Writes the message that a slice of the parameters is through.</summary>
    public static void Write(IBufferWriter<byte> output, ParametersBroadcast broadcast, int segment)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(BroadcastFields);
        writer.Write(broadcast.Generation);
        writer.Write(broadcast.ParameterShard);
        writer.Write(broadcast.Step);
        writer.Write(segment);
        writer.Flush();
    }

    /// <summary>Reads a contribution's message.</summary>
    /// <param name="body">The message.</param>
    /// <param name="dataShards">Data shards of the job: no node has more.</param>
    /// <param name="gradient">Finds the buffer that the floats went to, by generation, parameter shard, worker, node
    /// and segment.</param>
    /// <exception cref="InvalidDataException">A field is out of its range.</exception>
    public static (int ParameterShard, PushGradient? Push) ReadPush(
        ReadOnlySequence<byte> body, int dataShards, Func<int, int, int, TreeNode, int,
            (AlignedBuffer Buffer, int Offset)?> gradient)
    {
        var reader = new MessagePackReader(body);
        SegmentMessages.Expect(ref reader, PushFields, "push");
        int generation = reader.ReadInt32(), parameterShard = reader.ReadInt32(), worker = reader.ReadInt32();
        long step = reader.ReadInt64();
        var node = new TreeNode(reader.ReadInt32(), reader.ReadInt32());
        bool isKnownFinite = reader.ReadBoolean();
        int segment = reader.ReadInt32();
        ulong sampleHash = reader.ReadUInt64();
        if (!GradientTree.IsNode(node, dataShards))
            throw new InvalidDataException(
                $"push: data shards {node.Start} to {node.Start + (long)node.Count - 1} are no subtree of "
                + $"{dataShards}.");
        SegmentMessages.Expect(ref reader, node.Count, "losses");
        var losses = new LossSums[node.Count];
        for (int i = 0; i < losses.Length; i++)
        {
            SegmentMessages.Expect(ref reader, LossFields, "loss");
            losses[i] = new LossSums(
                reader.ReadInt64(), reader.ReadDouble(), reader.ReadInt64(), reader.ReadDouble(), reader.ReadDouble());
            if (!(losses[i].Weight >= 0 && double.IsFinite(losses[i].Weight)))
                throw new InvalidDataException(
                    $"push: weight is {losses[i].Weight}; it is finite and at least 0.");
        }
        return gradient(generation, parameterShard, worker, node, segment) is { } place
            ? (parameterShard, new PushGradient(
                generation, worker, step, node, place.Buffer, place.Offset, isKnownFinite, losses, sampleHash))
            : (parameterShard, null);
    }

    /// <summary>Reads the message that a slice of the parameters is through.</summary>
    public static (ParametersBroadcast Broadcast, int Segment) ReadBroadcast(ReadOnlySequence<byte> body)
    {
        var reader = new MessagePackReader(body);
        SegmentMessages.Expect(ref reader, BroadcastFields, "broadcast");
        return (
            new ParametersBroadcast(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64()), reader.ReadInt32());
    }
}
