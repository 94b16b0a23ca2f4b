using Akka.Configuration;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

public sealed class ClusterConfigurationTests
{
    private static readonly Dictionary<string, string> s_none = [];

    [Fact]
    public void Settings_reach_Akka()
    {
        Config config = ClusterConfiguration.For(new NodeSettings
        {
            Roles = [NodeRole.Worker, NodeRole.Worker],
            ClusterHost = "0.0.0.0",
            ClusterPort = 5000,
            PublicHost = "w1",
            SeedNodes = [new SeedNode("server", 4053), new SeedNode("other", 1)],
            HeartbeatInterval = TimeSpan.FromMilliseconds(250),
            AcceptablePause = TimeSpan.FromSeconds(3),
            StableAfter = TimeSpan.FromSeconds(7),
            JoinTimeout = TimeSpan.FromSeconds(9),
            LogLevel = LogThreshold.Warning,
        });
        Assert.Equal("0.0.0.0", config.GetString("akka.remote.dot-netty.tcp.hostname"));
        Assert.Equal("w1", config.GetString("akka.remote.dot-netty.tcp.public-hostname"));
        Assert.Equal(5000, config.GetInt("akka.remote.dot-netty.tcp.port"));
        Assert.Equal(["worker"], config.GetStringList("akka.cluster.roles"));
        Assert.Equal(
            ["akka.tcp://disttrainer@server:4053", "akka.tcp://disttrainer@other:1"], config.GetStringList(
                "akka.cluster.seed-nodes"));
        Assert.Equal(250, config.GetTimeSpan("akka.cluster.failure-detector.heartbeat-interval").TotalMilliseconds);
        Assert.Equal(3, config.GetTimeSpan("akka.cluster.failure-detector.acceptable-heartbeat-pause").TotalSeconds);
        Assert.Equal(7, config.GetTimeSpan("akka.cluster.split-brain-resolver.stable-after").TotalSeconds);
        Assert.Equal(9, config.GetTimeSpan("akka.cluster.shutdown-after-unsuccessful-join-seed-nodes").TotalSeconds);
        Assert.Equal("WARNING", config.GetString("akka.loglevel"));
        Assert.Equal("server", config.GetString("akka.cluster.split-brain-resolver.keep-majority.role"));
    }

    [Fact]
    public void The_akka_section_of_the_file_is_passed_on_but_addresses_and_serializers_stay()
    {
        var file = new JobSource(
            """
            akka {
              cluster.gossip-interval = 123ms
              remote.dot-netty.tcp {
                port = 9
              }
              actor {
                serializers.json = "Akka.Serialization.NewtonSoftJsonSerializer, Akka"
                serialization-bindings {
                  "System.Byte[]" = bytes
                }
              }
              some-list = [a, "b c", "d\"e"]
            }
            """,
            "cluster.hocon");
        Config config = ClusterConfiguration.For(
            NodeFile.Read(file, s_none, new Dictionary<string, string> { ["--seed-node"] = "s:1" }));
        Assert.Equal(123, config.GetTimeSpan("akka.cluster.gossip-interval").TotalMilliseconds);
        Assert.Equal(["a", "b c", "d\"e"], config.GetStringList("akka.some-list"));
        Assert.Equal(["akka.tcp://disttrainer@s:1"], config.GetStringList("akka.cluster.seed-nodes"));
        Assert.Equal(4053, config.GetInt("akka.remote.dot-netty.tcp.port"));
        Assert.StartsWith(
            "DistTrainer.Cluster.Serialization.RefusingSerializer", config.GetString("akka.actor.serializers.json"),
            StringComparison.Ordinal);
        Assert.Equal("bytes", config.GetConfig("akka.actor.serialization-bindings").AsEnumerable()
            .Single(pair => pair.Key.Contains("System.Byte[]", StringComparison.Ordinal)).Value.GetString());
    }

    [Fact]
    public async Task A_server_without_seed_nodes_starts_a_cluster_and_prints_through_the_log_output()
    {
        var settings = new NodeSettings { Roles = [NodeRole.Server], ClusterPort = 0, LogLevel = LogThreshold.Debug };
        var lines = new System.Collections.Concurrent.ConcurrentQueue<string>();
        using var output = new LogOutput(LogFormat.Text, LogThreshold.Debug, lines.Enqueue);
        using var node = LiveNode.Start(settings, output.ActorConfiguration);
        await node.UntilUp(1);
        Assert.True(node.Cluster.SelfMember.HasRole(ClusterConfiguration.ServerRole));
        Assert.Equal($"{ProtocolVersion.Current}", node.Cluster.SelfMember.AppVersion.Version);
        Assert.NotEmpty(lines);
    }
}
