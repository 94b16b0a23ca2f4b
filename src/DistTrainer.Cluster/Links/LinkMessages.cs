using System.Buffers;
using DistTrainer.Engine;
using MessagePack;

namespace DistTrainer.Cluster;

/// <summary>
/// The small messages of the data plane, each after the floats that it speaks of, or with the segment in shared memory
/// where they lie (0: they were sent): MessagePack arrays of numbers, written and read field by field (docs/wire.md). Of
/// other bytes the library throws <see cref="MessagePackSerializationException"/>, <see cref="EndOfStreamException"/> or
/// <see cref="OverflowException"/>.
/// </summary>
internal static class LinkMessages
{
    /// <summary>Kind of <see cref="PushGradient"/>: [generation, parameter shard, worker, step, samples, node start, node count, known finite, segment, sample hash, losses].</summary>
    public const byte Push = 1;

    /// <summary>Kind of <see cref="ParametersBroadcast"/> to the workers of a node: [generation, parameter shard, step, segment].</summary>
    public const byte Broadcast = 2;

    /// <summary>Kind of <see cref="ParametersBroadcast"/> to the run: the same fields.</summary>
    public const byte Collected = 3;

    /// <summary>Kind of <see cref="SegmentOffer"/>: [segment, oldest, descriptor, floats, tag].</summary>
    public const byte Offer = 4;

    /// <summary>Kind of the answer to it: [segment, is mapped].</summary>
    public const byte Answer = 5;

    private const int PushFields = 11;
    private const int BroadcastFields = 4;
    private const int OfferFields = 5;
    private const int AnswerFields = 2;
    private const int LossFields = 4;

    /// <summary>Writes a contribution's message.</summary>
    public static void Write(IBufferWriter<byte> output, int parameterShard, PushGradient push, int segment)
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

    /// <summary>Writes the offer of a segment.</summary>
    public static void Write(IBufferWriter<byte> output, in SegmentOffer offer)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(OfferFields);
        writer.Write(offer.Number);
        writer.Write(offer.Oldest);
        writer.Write(offer.Descriptor);
        writer.Write(offer.Length);
        writer.Write(offer.Tag);
        writer.Flush();
    }

    /// <summary>Writes the answer to an offer.</summary>
    public static void WriteAnswer(IBufferWriter<byte> output, int segment, bool isMapped)
    {
        var writer = new MessagePackWriter(output);
        writer.WriteArrayHeader(AnswerFields);
        writer.Write(segment);
        writer.Write(isMapped);
        writer.Flush();
    }

    /// <summary>Reads a contribution's message.</summary>
    /// <param name="body">The message.</param>
    /// <param name="dataShards">Data shards of the job: no node has more.</param>
    /// <param name="gradient">Finds the buffer that the floats went to, by generation, parameter shard, worker, node and segment.</param>
    /// <exception cref="InvalidDataException">A field is out of its range.</exception>
    public static (int ParameterShard, PushGradient? Push) ReadPush(
        ReadOnlySequence<byte> body, int dataShards, Func<int, int, int, TreeNode, int, (AlignedBuffer Buffer, int Offset)?> gradient)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, PushFields, "push");
        int generation = reader.ReadInt32(), parameterShard = reader.ReadInt32(), worker = reader.ReadInt32();
        long step = reader.ReadInt64();
        int samples = reader.ReadInt32();
        var node = new TreeNode(reader.ReadInt32(), reader.ReadInt32());
        bool isKnownFinite = reader.ReadBoolean();
        int segment = reader.ReadInt32();
        ulong sampleHash = reader.ReadUInt64();
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
        return gradient(generation, parameterShard, worker, node, segment) is { } place
            ? (parameterShard, new PushGradient(generation, worker, step, samples, node, place.Buffer, place.Offset, isKnownFinite, losses, sampleHash))
            : (parameterShard, null);
    }

    /// <summary>Reads the message that a slice of the parameters is through.</summary>
    public static (ParametersBroadcast Broadcast, int Segment) ReadBroadcast(ReadOnlySequence<byte> body)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, BroadcastFields, "broadcast");
        return (new ParametersBroadcast(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64()), reader.ReadInt32());
    }

    /// <summary>Reads the offer of a segment.</summary>
    /// <exception cref="InvalidDataException">A field is out of its range.</exception>
    public static SegmentOffer ReadOffer(ReadOnlySequence<byte> body)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, OfferFields, "offer");
        int number = reader.ReadInt32(), oldest = reader.ReadInt32(), descriptor = reader.ReadInt32(), length = reader.ReadInt32();
        byte[] tag = ReadTag(ref reader);
        if (oldest < 1 || number < oldest || descriptor < 0 || length < 0 || tag.Length != SharedMemory.TagBytes)
            throw new InvalidDataException($"offer: segment {number}, oldest {oldest}, descriptor {descriptor}, {length} floats, a tag of {tag.Length} bytes; allowed are segment ≥ oldest ≥ 1, descriptor ≥ 0, floats ≥ 0, {SharedMemory.TagBytes} bytes.");
        return new SegmentOffer(number, oldest, descriptor, length, tag);
    }

    /// <summary>Reads the answer to an offer.</summary>
    public static (int Segment, bool IsMapped) ReadAnswer(ReadOnlySequence<byte> body)
    {
        var reader = new MessagePackReader(body);
        Expect(ref reader, AnswerFields, "answer");
        return (reader.ReadInt32(), reader.ReadBoolean());
    }

    private static byte[] ReadTag(ref MessagePackReader reader)
    {
        try
        {
            return reader.ReadBytes() is { } bytes ? bytes.ToArray() : [];
        }
        catch (ArgumentOutOfRangeException e)
        {
            // The library takes a length from 2³¹ on for a negative one.
            throw new InvalidDataException($"offer: the tag is longer than the message: {e.Message}", e);
        }
    }

    private static void Expect(ref MessagePackReader reader, int fields, string name)
    {
        int count = reader.ReadArrayHeader();
        if (count != fields)
            throw new InvalidDataException($"{name}: has {count} fields; {fields} are expected.");
    }
}
