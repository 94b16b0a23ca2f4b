using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Hyperion;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class HyperionSerializerTests : IDisposable
{
    private const string Manifest = "v1";
    private readonly ExtendedActorSystem system = (ExtendedActorSystem)ActorSystem.Create("serializer");
    private readonly SampleSerializer serializer;

    public HyperionSerializerTests() => serializer = new SampleSerializer(system);

    public void Dispose() => system.Terminate().Wait(TimeSpan.FromSeconds(10));

    [Fact]
    public void Records_with_actors_arrays_lists_enums_and_nullables_come_back_as_they_were()
    {
        IActorRef actor = system.ActorOf(Props.Empty, "somebody");
        var sent = SampleMessage.Of(actor);
        var received = (SampleMessage)serializer.FromBinary(serializer.ToBinary(sent), Manifest);
        Assert.Equal(
            (sent.Generation, sent.Step, sent.Name, sent.Kind, sent.Maybe, sent.Actor, sent.Time, sent.Nothing),
            (received.Generation, received.Step, received.Name, received.Kind, received.Maybe, received.Actor, received.Time, received.Nothing));
        Assert.Equal(sent.Actors, received.Actors);
        Assert.Equal(sent.Places, received.Places);
        Assert.Equal(sent.Names, received.Names);
        Assert.Equal(sent.Parts.Select(part => (part.Number, part.Text)), received.Parts.Select(part => (part.Number, part.Text)));
        Assert.Equal(sent.Parts.SelectMany(part => part.Values), received.Parts.SelectMany(part => part.Values));
        Assert.Equal(7, ((SampleMessage)serializer.FromBinary(serializer.ToBinary(sent with { Maybe = 7 }), Manifest)).Maybe);
    }

    [Fact]
    public void The_bytes_of_a_message_are_pinned()
    {
        var golden = new HyperionSerializer(system, ControlTypes.Of([typeof(GoldenMessage)]));
        byte[] bytes = golden.ToBinary(new GoldenMessage(1, 2, SampleKind.Second, 5, ["a", "b"], new SamplePart(3, "c", [0.5])));
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
        Assert.Contains("is not a control message", Assert.Throws<SerializationException>(() => serializer.ToBinary(new FileInfo("/x"))).Message, StringComparison.Ordinal);
        SerializationException failure = Assert.Throws<SerializationException>(() => serializer.ToBinary(new ListMessage([1, 2, 3])));
        Assert.Contains("may not be in a control message", failure.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2], ((ListMessage)serializer.FromBinary(serializer.ToBinary(new ListMessage(new[] { 1, 2 })), Manifest)).Numbers);
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
        Assert.Throws<SerializationException>(() => serializer.FromBinary(stream.ToArray(), Manifest));
    }

    [Fact]
    public void Random_and_damaged_bytes_are_refused_or_give_a_message()
    {
        var random = new Random(5);
        byte[] good = serializer.ToBinary(SampleMessage.Of(system.DeadLetters));
        for (int i = 0; i < 100; i++)
        {
            byte[] bytes = (byte[])good.Clone();
            if (i % 2 == 0)
                random.NextBytes(bytes);
            else
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                Assert.IsAssignableFrom<IControlMessage>(serializer.FromBinary(bytes, Manifest));
            }
            catch (SerializationException)
            {
                // That is the other allowed answer.
            }
        }
    }

    [Fact]
    public void Another_protocol_version_is_refused_with_both_named()
    {
        byte[] bytes = serializer.ToBinary(new ListMessage(new[] { 1 }));
        Assert.Equal(Manifest, serializer.Manifest(new ListMessage(new[] { 1 })));
        SerializationException failure = Assert.Throws<SerializationException>(() => serializer.FromBinary(bytes, "v2"));
        Assert.Contains("\"v2\"", failure.Message, StringComparison.Ordinal);
        Assert.Contains("\"v1\"", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_over_the_limit_is_refused_both_ways()
    {
        var large = new ListMessage(new int[ClusterConfiguration.LargestMessage / 4]);
        Assert.Contains("has at most 1000000", Assert.Throws<SerializationException>(() => serializer.ToBinary(large)).Message, StringComparison.Ordinal);
        Assert.Throws<SerializationException>(() => serializer.FromBinary(new byte[ClusterConfiguration.LargestMessage + 1], Manifest));
    }

    [Fact]
    public void All_messages_of_the_protocol_have_types_that_can_be_sent() => Assert.NotNull(ControlTypes.Own);
}
