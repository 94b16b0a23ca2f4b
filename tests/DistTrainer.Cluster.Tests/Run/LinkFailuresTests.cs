using DistTrainer.Cluster.Run.Members;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

public sealed class LinkFailuresTests
{
    private readonly LinkFailures _failures = new();

    [Fact]
    public void A_newcomer_is_to_blame_whichever_end_it_is()
    {
        Assert.Equal("nobody nobody new", Three("new", "server", "new"));
        Assert.Equal("nobody nobody new-server", Three("worker", "new-server", "new-server"));
    }

    [Fact]
    public void Of_two_that_have_taken_part_the_peer_is_to_blame_where_another_cannot_reach_it_either()
    {
        Assert.Null(_failures.Add("other", "server", "leader", _ => false));
        Assert.Equal("nobody nobody server", Three("worker", "server", ""));
        Assert.Equal("nobody nobody lonely", Three("lonely", "second", ""));
    }

    [Fact]
    public void The_leader_is_never_to_blame()
    {
        Assert.Equal("nobody nobody server", Three("leader", "server", ""));
        Assert.Equal("nobody nobody worker", Three("worker", "leader", ""));
    }

    [Fact]
    public void Connections_that_were_made_in_between_count_anew()
    {
        Assert.Null(_failures.Add("a", "b", "leader", _ => false));
        Assert.Null(_failures.Add("a", "b", "leader", _ => false));
        _failures.Forget(new HashSet<string> { "a", "c" });
        Assert.Equal("a", _failures.Add("a", "b", "leader", _ => false));
        _failures.Forget(new HashSet<string> { "a", "b" });
        Assert.Equal("nobody nobody a", Three("a", "b", ""));
    }

    private string Three(string dialer, string peer, string newcomer) => string.Join(
        ' ', Enumerable.Range(0, LinkFailures.Most)
            .Select(_ => _failures.Add(dialer, peer, "leader", node => node == newcomer) ?? "nobody"));
}
