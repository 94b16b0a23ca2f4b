using DistTrainer.Cluster.Library;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

public sealed class NodeNameTests
{
    [Theory]
    [InlineData("worker 1/0a1b2c")]
    [InlineData("Ünïcödé-節点-🚂")]
    [InlineData("\"quoted\"")]
    public void What_can_be_seen_is_a_name(string name) => Assert.Null(NodeName.Problem(name));

    [Theory]
    [InlineData("", "has 0 characters")]
    [InlineData("w\u001b[31mred", "has U+001B as its character 2")]
    [InlineData("a\nFAKE 12:00:00.000 ERR [run] run-failed", "has U+000A as its character 2")]
    [InlineData("a\u0085b", "has U+0085 as its character 2")]
    [InlineData("a\u2028b", "has U+2028 as its character 2")]
    [InlineData("evil\u202egnp", "has U+202E as its character 5")]
    [InlineData("\ufeffa", "has U+FEFF as its character 1")]
    public void What_would_change_a_log_or_a_terminal_is_no_name(string name, string problem) =>
        Assert.Equal(problem, NodeName.Problem(name));

    [Fact]
    public void Half_a_pair_is_no_name_for_it_would_arrive_as_another() =>
        Assert.Equal("has U+D800 as its character 3", NodeName.Problem("🚂\ud800"));

    [Fact]
    public void A_name_is_checked_where_it_comes_in_and_what_passes_there_passes_the_data_plane()
    {
        string longest = new('n', NodeName.LongestGiven);
        Assert.Null(NodeName.Problem(NodeName.Unique(Named(longest).Name!)));
        Assert.Contains(
            "has 194 characters; allowed: a text of 1 to 193 characters", Refusal(longest + "n"),
            StringComparison.Ordinal);
        Assert.StartsWith("--name: disttrainer.node.name = ", Refusal("w\u001b[31mred"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_is_too_long_to_be_a_name_asks_for_one()
    {
        NodeSettings settings = LiveNode.Settings(NodeRole.Server) with
        {
            PublicHost = $"{new string('a', 60)}.{new string('b', 60)}.{new string('c', 60)}.{new string('d', 60)}",
        };
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => Task.Run(() => ClusterNode.RunAsync(
            settings, new HostedNodeServices(new DistTrainerOptions { Node = settings }), null, "", (_, _) =>
                { }, CancellationToken.None)));
        Assert.StartsWith(
            "name: the node's address, which it is called by, has 243 characters; ", failure.Message,
            StringComparison.Ordinal);
    }

    private static NodeSettings Named(string name) =>
        NodeFile.Read(null, new Dictionary<string, string>(), new Dictionary<string, string> { ["--name"] = name });

    private static string Refusal(string name) => Assert.Throws<DistTrainerException>(() => Named(name)).Message;
}
