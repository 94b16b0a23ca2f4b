using System.Runtime.Serialization;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Serialization;
using DistTrainer.Transport;
using Hyperion;
using Xunit;

namespace DistTrainer.Cluster.Tests.Serialization;

public sealed class HyperionSerializerTests : IDisposable
{
    private static readonly string s_manifest = $"v{ProtocolVersion.Current}";
    private readonly ExtendedActorSystem _system = (ExtendedActorSystem)ActorSystem.Create("serializer");
    private readonly SampleSerializer _serializer;

    public HyperionSerializerTests() => _serializer = new SampleSerializer(_system);

    public void Dispose() => _system.Terminate().Wait(TimeSpan.FromSeconds(10));

    [Fact]
    public void Records_with_actors_arrays_lists_enums_and_nullables_come_back_as_they_were()
    {
        IActorRef actor = _system.ActorOf(Props.Empty, "somebody");
        var sent = SampleMessage.Of(actor);
        var received = (SampleMessage)_serializer.FromBinary(_serializer.ToBinary(sent), s_manifest);
        Assert.Equal(
            (sent.Generation, sent.Step, sent.Name, sent.Kind, sent.Maybe, sent.Actor, sent.Time, sent.Nothing),
            (received.Generation, received.Step, received.Name, received.Kind, received.Maybe, received.Actor,
                received.Time, received.Nothing));
        Assert.Equal(sent.Actors, received.Actors);
        Assert.Equal(sent.Places, received.Places);
        Assert.Equal(sent.Names, received.Names);
        Assert.Equal(
            sent.Parts.Select(part => (part.Number, part.Text)),
            received.Parts.Select(part => (part.Number, part.Text)));
        Assert.Equal(sent.Parts.SelectMany(part => part.Values), received.Parts.SelectMany(part => part.Values));
        Assert.Equal(
            7, ((SampleMessage)_serializer.FromBinary(_serializer.ToBinary(sent with { Maybe = 7 }), s_manifest)).Maybe);
    }

    [Fact]
    public void The_bytes_of_a_message_are_pinned()
    {
        var golden = new HyperionSerializer(_system, ControlTypes.Of([typeof(GoldenMessage)]));
        byte[] bytes = golden.ToBinary(
            new GoldenMessage(1, 2, SampleKind.Second, 5, ["a", "b"], new SamplePart(3, "c", [0.5])));
        Assert.Equal(
            "FE000001000000" // GoldenMessage is number 0; Generation
            + "FE010001000000" // SampleKind is number 1
            + "0805000000" // an int that may be missing
            + "FC070200000002610262" // two texts
            + "FE0200030000000263FC0D01000000000000000000E03F" // SamplePart is number 2; a number, a text, one double
            + "0200000000000000", // Step
            Convert.ToHexString(bytes));
    }

    [Fact]
    public void A_type_outside_of_the_list_is_not_written()
    {
        Assert.Contains(
            "is not a control message",
            Assert.Throws<SerializationException>(() => _serializer.ToBinary(new FileInfo("/x")))
            .Message, StringComparison.Ordinal);
        SerializationException failure = Assert.Throws<SerializationException>(
            () => _serializer.ToBinary(new ListMessage([1, 2, 3])));
        Assert.Contains("may not be in a control message", failure.Message, StringComparison.Ordinal);
        Assert.Equal(
            [1, 2], ((ListMessage)_serializer.FromBinary(_serializer.ToBinary(new ListMessage(new[] { 1, 2 })), s_manifest))
            .Numbers);
    }

    [Theory]
    [InlineData("text")]
    [InlineData("file")]
    [InlineData("list")]
    [InlineData("exception")]
    [InlineData("type")]
    [InlineData("delegate")]
    [InlineData("part")]
    public void A_type_outside_of_the_list_is_not_read(string what)
    {
        object hostile = what switch
        {
            "text" => "a text alone is no message",
            "file" => new FileInfo("/x"),
            "list" => new List<object> { 1 },
            "exception" => new InvalidOperationException("x"),
            "type" => typeof(System.Diagnostics.Process),
            "delegate" => (Action<string>)File.Delete,
            _ => new SamplePart(1, "", []),
        };
        using var stream = new MemoryStream();
        new Hyperion.Serializer(SerializerOptions.Default.WithDisallowUnsafeType(false)).Serialize(hostile, stream);
        Assert.Throws<SerializationException>(() => _serializer.FromBinary(stream.ToArray(), s_manifest));
    }

    [Fact]
    public void Random_and_damaged_bytes_are_refused_or_give_a_message()
    {
        var random = new Random(5);
        byte[] good = _serializer.ToBinary(SampleMessage.Of(_system.DeadLetters));
        for (int i = 0; i < 100; i++)
        {
            byte[] bytes = (byte[])good.Clone();
            if (i % 2 == 0)
                random.NextBytes(bytes);
            else
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                Assert.IsAssignableFrom<IControlMessage>(_serializer.FromBinary(bytes, s_manifest));
            }
            catch (SerializationException)
            {
                // That is the other allowed answer.
            }
        }
    }

    [Fact]
    public void Records_within_records_without_end_are_refused_and_not_followed_down()
    {
        // Each level is three bytes: a record whose first field is an object, in whose place the same record stands
        // again.
        byte number = (byte)ControlTypes.Of([typeof(GoldenMessage), typeof(NestedMessage)]).All.ToList()
            .IndexOf(typeof(NestedMessage));
        var nested = new HyperionSerializer(_system, ControlTypes.Of([typeof(GoldenMessage), typeof(NestedMessage)]));
        byte[] bytes = [.. Enumerable.Repeat<byte[]>([254, number, 0], 300_000).SelectMany(level => level)];
        Assert.Contains(
            "nested deeper than 32", Assert.Throws<SerializationException>(() => nested.FromBinary(bytes, s_manifest))
            .Message, StringComparison.Ordinal);
        var twice = new NestedMessage(new NestedMessage(null, 1), 2);
        Assert.Equal(twice, nested.FromBinary(nested.ToBinary(twice), s_manifest));
    }

    [Theory]
    [InlineData("FE000001000000FE0100010000000805000000FCFF")] // an array of no plain type
    // 2147483647 texts
    [InlineData(
        "FE000001000000FE0100010000000805000000FC07FFFFFF7F02610262FE0200030000000263FC0D01000000000000000000E03F0200000000000000")]
    // a text of 2147483632 bytes
    [InlineData(
        "FE000001000000FE0100010000000805000000FC0702000000FFF0FFFF7F610262FE0200030000000263FC0D01000000000000000000E03F0200000000000000")]
    // 268435456 doubles
    [InlineData(
        "FE000001000000FE0100010000000805000000FC070200000002610262FE0200030000000263FC0D00000010000000000000E03F0200000000000000")]
    // a negative length
    [InlineData(
        "FE000001000000FE0100010000000805000000FC070200000002610262FE0200030000000263FC0DFFFFFFFF000000000000E03F0200000000000000")]
    // an enum in the place of a record
    [InlineData("FE000001000000FE0100010000000805000000FC070200000002610262FE01000100000002000000000000000")]
    [InlineData("FE000001000000FE0200030000000263FC0D01000000000000000000E03F")] // a record in the place of an enum
    [InlineData("FE000001000000FE0100010000000705")] // a text in the place of a number
    [InlineData("FE00000100000000")] // nothing in the place of an enum
    [InlineData("FE0900")] // no such number
    [InlineData("FF0300000041424300")] // no such name
    [InlineData("FFFFFFFF7F41")] // a name of 2147483647 bytes
    [InlineData("FB0300000041424300")] // a type with the names of its fields
    [InlineData("09FFFFFF7F")] // 2147483647 bytes
    [InlineData("FE0100")] // the message is no message
    [InlineData("")]
    public void A_length_that_the_bytes_do_not_have_or_a_value_of_another_type_is_refused_before_anything_is_made_of_it(
        string hex)
    {
        var golden = new HyperionSerializer(_system, ControlTypes.Of([typeof(GoldenMessage)]));
        byte[] bytes = Convert.FromHexString(hex[..(hex.Length & ~1)]);
        Assert.Throws<SerializationException>(() => golden.FromBinary(bytes, s_manifest));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<SerializationException>(() => golden.FromBinary(bytes, s_manifest));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Another_protocol_version_is_refused_with_both_named()
    {
        byte[] bytes = _serializer.ToBinary(new ListMessage(new[] { 1 }));
        Assert.Equal(s_manifest, _serializer.Manifest(new ListMessage(new[] { 1 })));
        SerializationException failure = Assert.Throws<SerializationException>(
            () => _serializer.FromBinary(bytes, "v0"));
        Assert.Contains($"\"v{ProtocolVersion.Current}\"", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"\"{s_manifest}\"", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_over_the_limit_is_refused_both_ways()
    {
        var large = new ListMessage(new int[HyperionSerializer.LargestMessage / 4]);
        Assert.Contains("has at most 1000000", Assert.Throws<SerializationException>(() => _serializer.ToBinary(large))
            .Message, StringComparison.Ordinal);
        Assert.Throws<SerializationException>(
            () => _serializer.FromBinary(new byte[HyperionSerializer.LargestMessage + 1], s_manifest));
    }

    [Fact]
    public void All_messages_of_the_protocol_have_types_that_can_be_sent() => Assert.NotNull(ControlTypes.Own);
}
