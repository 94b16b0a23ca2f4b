using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Cluster.Run.Phases;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>Who has answered, who takes part, whose answer is awaited, what was asked for: without an actor.</summary>
public sealed class RunBookkeepingTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_round_is_complete_once_all_have_answered_and_says_so_once()
    {
        var round = new Round(2);
        Assert.False(round.Add(1));
        Assert.False(round.Add(1)); // a second copy
        Assert.False(round.IsComplete);
        Assert.True(round.Add(0));
        Assert.False(round.Add(0));
        Assert.True(round.IsComplete);
        Assert.True(new Round(0).IsComplete);
    }

    [Fact]
    public void A_node_that_was_lost_is_taken_in_again_after_a_second_and_one_that_is_banned_never()
    {
        var members = new Membership(parameterShards: 0, minWorkers: 1, maxWorkers: 9, replicas: 0);
        Assert.True(members.Add(Node("a"), s_second));
        Assert.False(members.Add(Node("a"), s_second)); // as it says every few seconds
        Assert.NotNull(members.Remove("a", 2 * s_second));
        Assert.Null(members.Remove("a", 2 * s_second));
        Assert.False(members.Add(Node("a"), 2.5 * s_second)); // it may have said it before it was lost
        Assert.Equal(["a"], members.Lost);
        Assert.True(members.Add(Node("a"), 3 * s_second));
        Assert.Empty(members.Lost);

        members.Ban("b");
        Assert.False(members.Add(Node("b"), 100 * s_second));
        members.Unban("b");
        Assert.True(members.Add(Node("b"), 101 * s_second));
        Assert.Equal(["a"], members.Silent(7 * s_second, 102 * s_second).Select(node => node.Node));
    }

    [Fact]
    public void An_actor_is_a_newcomer_until_it_has_taken_part()
    {
        var members = new Membership(parameterShards: 0, minWorkers: 1, maxWorkers: 9, replicas: 0);
        var place = new ActorPlace(ActorRefs.Nobody, new NodeAddress("a", null, []));
        Assert.False(members.HasBegun);
        Assert.True(members.IsNewcomer("a"));
        members.TakePart([place]);
        Assert.True(members.HasBegun);
        Assert.False(members.IsNewcomer("a"));
        Assert.True(members.TookPart("a", ActorRefs.Nobody.Path.Name));
        Assert.False(members.TookPart("a", "another"));
    }

    [Fact]
    public void A_wait_is_named_after_two_seconds_four_and_eight_and_after_seven_a_message_counts_as_lost()
    {
        var waits = new WaitWatch();
        Assert.Null(waits.Check(100 * s_second)); // nobody is awaited
        waits.Await("joining", () => ["x", "y"], TimeSpan.Zero);
        (double At, bool IsLost)[] named = [.. Enumerable.Range(1, 20).Where(second => second % 2 == 0)
            .Select(second => (second, waits.Check(second * s_second))).Where(one => one.Item2 is not null)
            .Select(one => ((double)one.second, one.Item2!.Value.IsLost))];
        Assert.Equal([(2, false), (4, false), (8, true), (16, true)], named);
        waits.AwaitNobody();
        Assert.Null(waits.Check(100 * s_second));
        Assert.Equal("a, b, c, d and 2 more", WaitWatch.Some(["a", "b", "c", "d", "e", "f"]));
    }

    [Fact]
    public void After_all_were_asked_again_patience_is_twice_as_long_until_steps_are_made()
    {
        var waits = new WaitWatch();
        waits.Double();
        Assert.Equal(2 * WaitWatch.Lost, waits.AsksAgain);
        waits.Reset();
        Assert.Equal(WaitWatch.Lost, waits.AsksAgain);
    }

    [Fact]
    public void Requests_are_kept_by_all_nodes_in_rising_versions_and_only_where_they_are_news()
    {
        var asked = new RunAsked(hasLed: true);
        (bool isNews, KeepRequests? kept) = asked.Ask(requests => requests with { Pauses = true });
        Assert.True(isNews);
        Assert.Equal((1, true), (kept!.Version, kept.Requests.Pauses));
        Assert.Equal((false, null), asked.Ask(requests => requests with { Pauses = true }));
        Assert.Equal(2, asked.NextVersion());
        Assert.Equal(3, asked.Ask(requests => requests with { Stops = true }).Keep!.Version);
    }

    [Fact]
    public void What_was_asked_of_a_coordinator_that_takes_over_comes_on_top_of_what_the_one_before_was_asked()
    {
        var asked = new RunAsked(hasLed: false);
        Assert.Equal((true, null), asked.Ask(requests => requests with { Pauses = false, AskedRate = 0.5 }));
        asked.Take(
            new KeepRequests(7, new RunRequests(Stops: false, Pauses: true, AskedRate: 0.1, Checkpoints: false)));
        RunState older = RunState.Start with { Version = 5, Requests = RunRequests.None with { Stops = true } };
        Assert.True(asked.IsNews(older));
        asked.Adopt(older);
        KeepRequests? kept = asked.TakeLead();
        Assert.Equal((8, new RunRequests(false, false, 0.5, false)), (kept!.Version, kept.Requests));
        Assert.False(asked.IsNews(older with { Version = 99 })); // it leads now, and knows for itself
    }

    private static ActorsHosted Node(string name) =>
        new(new NodeAddress(name, null, []), [], [ActorRefs.Nobody], "", 0);
}
