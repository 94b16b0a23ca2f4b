using Akka.Actor;
using DistTrainer.Cluster.Nodes;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

public sealed class DeadMembersTests
{
    /// <summary>
    /// Akka's resolver would keep the half of two servers that has the lower address, though it is the dead one.
    /// </summary>
    [Fact]
    public async Task Of_two_servers_the_living_one_goes_on_where_the_other_ones_port_refuses()
    {
        static NodeSettings Patient(params SeedNode[] seeds) => LiveNode.Settings(NodeRole.Server, seeds) with
        {
            StableAfter = TimeSpan.FromSeconds(5),
        };
        using LiveNode one = LiveNode.Start(Patient());
        using LiveNode two = LiveNode.Start(Patient(one.Seed));
        await Task.WhenAll(one.UntilUp(2), two.UntilUp(2));
        (LiveNode dead, LiveNode alive) = one.Seed.Port < two.Seed.Port ? (one, two) : (two, one);
        alive.System.ActorOf(Props.Create(() => new DeadMembers()));
        dead.Crash();
        await alive.UntilUp(1);
        await Task.Delay(TimeSpan.FromSeconds(6)); // the resolver's time
        Assert.False(alive.System.WhenTerminated.IsCompleted);
        Assert.Equal(Akka.Cluster.MemberStatus.Up, alive.Cluster.SelfMember.Status);
    }
}
