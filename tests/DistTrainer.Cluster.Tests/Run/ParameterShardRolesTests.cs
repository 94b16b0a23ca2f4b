using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.ParameterServer.Consistency;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>Which copies of parameter shards hand out, and which follow.</summary>
public sealed class ParameterShardRolesTests
{
    [Fact]
    public void Copies_on_two_servers_share_the_work_and_follow_each_other()
    {
        var roles = Roles(2, 1, (0, "a", 5), (0, "b", 5), (1, "a", 5), (1, "b", 5));
        Assert.True(roles.AreWhole);
        Assert.Equal(["a", "b", "b", "a"], roles.Places.Select(place => place.Node.Name));
        Assert.Equal([0, 1], roles.Replicas);
        Assert.Equal((5, 5), (roles.FirstOpen, roles.LastOpen));
        Assert.Empty(roles.Stale);
    }

    [Fact]
    public void A_replica_one_step_behind_takes_over_and_its_step_is_made_again()
    {
        var roles = Roles(2, 1, (0, "b", 4), (1, "b", 5));
        Assert.True(roles.AreWhole);
        Assert.Equal((4, 5), (roles.FirstOpen, roles.LastOpen));
        Assert.Empty(roles.Replicas);
    }

    [Fact]
    public void A_copy_that_is_two_steps_behind_or_empty_takes_no_part_and_is_named_as_stale()
    {
        var roles = Roles(1, 1, (0, "a", 3), (0, "b", 5), (0, "c", 0));
        Assert.Equal(["b"], roles.Places.Select(place => place.Node.Name));
        Assert.Equal([0], roles.Stale);
        Assert.Equal(5, roles.FirstOpen);
    }

    [Fact]
    public void A_parameter_shard_without_a_copy_that_is_up_to_date_makes_the_whole_incomplete()
    {
        Assert.False(Roles(2, 1, (0, "a", 5), (1, "b", 0)).AreWhole);
        Assert.False(Roles(2, 1, (0, "a", 5), (1, "b", 3)).AreWhole);
    }

    [Fact]
    public void Without_replicas_further_copies_only_stand_by()
    {
        var roles = Roles(1, 0, (0, "a", 5), (0, "b", 5));
        Assert.Equal(["a"], roles.Places.Select(place => place.Node.Name));
        Assert.Empty(roles.Stale);
    }

    private static ParameterShardRoles Roles(int parameterShards, int replicas,
        params (int Index, string Node, long OpenStep)[] copies) => new(
        [.. copies.Select(
            copy => new ParameterShardCopyPlace(
                copy.Index, new ActorPlace(ActorRefs.Nobody, new NodeAddress(copy.Node, null, []))))],
        copies.Select((copy, number) => (copy, number))
            .ToDictionary(entry => entry.number, entry => entry.copy.OpenStep), parameterShards, replicas,
        BulkSynchronous.Instance);
}
