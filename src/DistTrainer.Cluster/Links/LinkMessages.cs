using System.Buffers;
using DistTrainer.Engine;
using MessagePack;

namespace DistTrainer.Cluster;

/// <summary>
/// The small messages of the data plane, each after the floats that it speaks of: MessagePack arrays of numbers, written
/// and read field by field (docs/wire.md).
/// </summary>
internal static class LinkMessages
{
    /// <summary>Kind of <see cref="PushGradient"/>: [generation, parameter shard, worker, step, samples, node start, node count, known finite, losses].</summary>
    public const byte Push = 1;

    /// <summary>Kind of <see cref="ParametersBroadcast"/> to the workers of a node: [generation, parameter shard, step].</summary>
    public const byte Broadcast = 2;

    /// <summary>Kind of <see cref="ParametersBroadcast"/> to the run: the same fields.</summary>
    public const byte Collected = 3;

    private const int PushFields = 9;
    private const int BroadcastFields = 3;
    private const int LossFields = 4;

    /// <summary>Writes a contribution's message; the floats went before it.</summary>
    public static void Write(IBufferWriter<byte> output, int parameterShard, PushGradient push)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(PushFields);
        writer.Write(push.Generation);
        writer.Write(parameterShard);
        writer.Write(push.Worker);
        writer.Write(push.Step);
        writer.Write(push.Samples);
        writer.Write(push.Node.Start);
        writer.Write(push.Node.Count);
        writer.Write(push.IsKnownFinite);
        writer.WriteArrayHeader(push.Losses.Length);
        foreach (LossSums losses in push.Losses)
        {
            writer.WriteArrayHeader(LossFields);
            writer.Write(losses.Count);
            writer.Write(losses.LossSum);
            writer.Write(losses.Correct);
            writer.Write(losses.SquaredErrorSum);
        }
        writer.Flush();
    }

    /// <summary>Writes the message that a slice of the parameters is through.</summary>
    public static void Write(IBufferWriter<byte> output, ParametersBroadcast broadcast)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(BroadcastFields);
        writer.Write(broadcast.Generation);
        writer.Write(broadcast.ParameterShard);
        writer.Write(broadcast.Step);
        writer.Flush();
    }

    /// <summary>Reads a contribution's message.</summary>
    /// <param name="body">The message.</param>
    /// <param name="dataShards">Data shards of the job: no node has more.</param>
    /// <param name="gradient">Finds the buffer that the floats went to.</param>
    /// <exception cref="InvalidDataException">A field is out of its range.</exception>
    /// <exception cref="MessagePackSerializationException">It is not such a message.</exception>
    public static (int ParameterShard, PushGradient? Push) ReadPush(
        ReadOnlySequence<byte> body, int dataShards, Func<int, int, TreeNode, (AlignedBuffer Buffer, int Offset)?> gradient)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, PushFields, "push");
        int generation = reader.ReadInt32(), parameterShard = reader.ReadInt32(), worker = reader.ReadInt32();
        long step = reader.ReadInt64();
        int samples = reader.ReadInt32();
        var node = new TreeNode(reader.ReadInt32(), reader.ReadInt32());
        bool isKnownFinite = reader.ReadBoolean();
        if (!GradientTree.IsNode(node, dataShards))
            throw new InvalidDataException($"push: data shards {node.Start} to {node.Start + (long)node.Count - 1} are no subtree of {dataShards}.");
        if (samples < 1)
            throw new InvalidDataException($"push: samples is {samples}; it is at least 1.");
        Expect(ref reader, node.Count, "losses");
        var losses = new LossSums[node.Count];
        for (int i = 0; i < losses.Length; i++)
        {
            Expect(ref reader, LossFields, "loss");
            losses[i] = new LossSums(reader.ReadInt64(), reader.ReadDouble(), reader.ReadInt64(), reader.ReadDouble());
        }
        return gradient(generation, parameterShard, node) is { } place
            ? (parameterShard, new PushGradient(generation, worker, step, samples, node, place.Buffer, place.Offset, isKnownFinite, losses))
            : (parameterShard, null);
    }

    /// <summary>Reads the message that a slice of the parameters is through.</summary>
    /// <exception cref="MessagePackSerializationException">It is not such a message.</exception>
    public static ParametersBroadcast ReadBroadcast(ReadOnlySequence<byte> body)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, BroadcastFields, "broadcast");
        return new ParametersBroadcast(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64());
    }

    private static void Expect(ref MessagePackReader reader, int fields, string name)
    {
        int count = reader.ReadArrayHeader();
        if (count != fields)
            throw new InvalidDataException($"{name}: has {count} fields; {fields} are expected.");
    }
}
