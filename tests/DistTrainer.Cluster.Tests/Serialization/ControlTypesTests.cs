using Akka.Actor;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class ControlTypesTests
{
    [Fact]
    public void The_list_holds_what_the_messages_declare_and_nothing_else()
    {
        ControlTypes types = ControlTypes.Of(typeof(SampleMessage).Assembly);
        Assert.All(
            [typeof(SampleMessage), typeof(SamplePart), typeof(SampleKind), typeof(SamplePlace[]), typeof(IActorRef[]), typeof(string[]), typeof(ActorRefBase.Surrogate)],
            type => Assert.True(types.Contains(type), type.Name));
        Assert.All([typeof(object), typeof(List<int>), typeof(Type), typeof(Exception), typeof(IActorRef)], type => Assert.False(types.Contains(type), type.Name));
    }

    [Fact]
    public void The_order_depends_on_the_names_alone()
    {
        string[] names = [.. ControlTypes.Of(typeof(SampleMessage).Assembly).All.Select(type => type.ToString())];
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
        Assert.Equal(names.Distinct(), names);
    }
}
