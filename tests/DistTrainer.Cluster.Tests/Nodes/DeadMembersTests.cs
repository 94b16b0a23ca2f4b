using Akka.Actor;
using Akka.Cluster;
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
        Assert.Equal(MemberStatus.Up, alive.Cluster.SelfMember.Status);
    }

    [Fact]
    public async Task A_member_that_ends_as_it_said_is_not_taken_for_dead_and_is_removed_at_once()
    {
        const string Slowly = "akka.cluster.leader-actions-interval = 3s\n";
        NodeSettings settings = LiveNode.Settings(NodeRole.Server) with { AcceptablePause = TimeSpan.FromSeconds(30) };
        using LiveNode one = LiveNode.Start(settings, Slowly);
        using LiveNode two = LiveNode.Start(settings with { SeedNodes = [one.Seed] }, Slowly);
        await Task.WhenAll(one.UntilUp(2), two.UntilUp(2));
        Action died = DeadMembers.DeathOf(one.Cluster, two.Address);
        bool wasDown = false;
        MemberStatus? StatusOfTwo()
        {
            MemberStatus? status = one.Cluster.State.Members
                .FirstOrDefault(member => member.Address == two.Address)?.Status;
            wasDown |= status == MemberStatus.Down;
            return status;
        }
        two.Cluster.Leave(two.Address);
        await LiveNode.Until(() => StatusOfTwo() == MemberStatus.Exiting, "it is exiting");
        died();
        await LiveNode.Until(() => StatusOfTwo() is null, "it is removed");
        Assert.False(wasDown);
    }
}
