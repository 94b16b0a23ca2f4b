using Akka.Actor;
using DistTrainer.Cluster.Serialization;
using Xunit;

namespace DistTrainer.Cluster.Tests.Serialization;

public sealed class ControlTypesTests
{
    [Fact]
    public void The_list_holds_what_the_messages_declare_and_nothing_else()
    {
        ControlTypes types = ControlTypes.Of(typeof(SampleMessage).Assembly);
        Assert.All(
            [typeof(SampleMessage), typeof(SamplePart), typeof(SampleKind), typeof(SamplePlace[]), typeof(IActorRef[]),
                typeof(string[]), typeof(ActorRefBase.Surrogate)],
            type => Assert.True(types.Contains(type), type.Name));
        Assert.All([typeof(object), typeof(List<int>), typeof(Type), typeof(Exception), typeof(IActorRef)],
            type => Assert.False(types.Contains(type), type.Name));
    }

    [Fact]
    public void The_order_depends_on_the_names_alone()
    {
        string[] names = [.. ControlTypes.Of(typeof(SampleMessage).Assembly).All.Select(type => type.ToString())];
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal(names.Distinct(), names);
    }

    [Theory]
    [InlineData(typeof(Anything), "Anything.<Value>k__BackingField is a System.Object")]
    [InlineData(
        typeof(Dictionaries), "Dictionaries.<Values>k__BackingField is a System.Collections.Generic.Dictionary")]
    [InlineData(typeof(OpenRecord), "which is not sealed")]
    public void A_message_that_could_hold_any_type_is_refused_at_the_start(Type message, string expected) =>
        Assert.Contains(
            expected, Assert.Throws<NotSupportedException>(() => ControlTypes.Of([message]))
            .Message, StringComparison.Ordinal);

    private sealed record Anything(object Value);

    private sealed record Dictionaries(Dictionary<string, int> Values);
}
