using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>Parameter shards are spread over servers: at the start, and what a dead one hosted.</summary>
public sealed class ParameterShardDealTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(4, 2)]
    [InlineData(5, 3)]
    [InlineData(2, 5)]
    public void Every_parameter_shard_has_one_host_at_the_start_and_with_replicas_two(int parameterShards, int servers)
    {
        foreach (int replicas in new[] { 0, 1 })
        {
            int[] dealt = [.. Enumerable.Range(0, servers)
                .SelectMany(server => ParameterShardDeal.First(parameterShards, server, servers, replicas))];
            int copies = replicas > 0 && servers > 1 ? 2 : 1;
            for (int index = 0; index < parameterShards; index++)
                Assert.Equal(copies, dealt.Count(shard => shard == index));
        }
    }

    [Fact]
    public void A_server_does_not_host_both_copies_of_a_parameter_shard() =>
        Assert.All(
            Enumerable.Range(0, 3), server => Assert.Distinct(ParameterShardDeal.First(7, server, 3, replicas: 1)));

    [Fact]
    public void Scarce_parameter_shards_are_spread_over_servers_that_do_not_host_them()
    {
        ScarceParameterShard[] scarce = [new(0, ["a"]), new(1, ["a"]), new(2, ["b"]), new(3, [])];
        Dictionary<string, int[]> deals = ParameterShardDeal.Again(new(scarce, []), ["a", "b", "c"])
            .ToDictionary(deal => deal.Server, deal => deal.ParameterShards);

        Assert.Equal(4, deals.Values.Sum(dealt => dealt.Length));
        foreach (ScarceParameterShard shard in scarce)
            Assert.DoesNotContain(deals.Single(deal => deal.Value.Contains(shard.Index)).Key, shard.Hosts);
        Assert.All(deals.Values, dealt => Assert.InRange(dealt.Length, 1, 2));
    }

    [Fact]
    public void Where_all_servers_host_a_parameter_shard_nobody_gets_it() =>
        Assert.Empty(ParameterShardDeal.Again(new([new(0, ["a", "b"])], []), ["a", "b"]));

    [Fact]
    public void Who_is_most_likely_dead_gets_none_unless_there_is_nobody_else()
    {
        var lost = new ParameterShardsLost([new(0, ["a"]), new(1, ["a"])], ["b"]);
        Assert.Equal("c", Assert.Single(ParameterShardDeal.Again(lost, ["a", "b", "c"])).Server);
        Assert.Equal("b", Assert.Single(ParameterShardDeal.Again(lost, ["b"])).Server);
    }
}
