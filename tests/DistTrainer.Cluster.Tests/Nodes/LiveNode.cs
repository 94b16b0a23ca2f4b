using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Transport.Security;
using AkkaCluster = Akka.Cluster.Cluster;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>A node's actor system on a free port of this machine.</summary>
internal sealed class LiveNode : IDisposable
{
    /// <summary>Reads and writes the messages of the tests too.</summary>
    public static string SampleSerializer { get; } =
        $"akka.actor.serializers.disttrainer-control = \"{typeof(Serialization.SampleSerializer).AssemblyQualifiedName}\"\n";

    // The tests' own singleton has a path that no node asks for.
    private const string Tested = """
        akka.loggers = []
        akka.remote.trusted-selection-paths = ["/system/cluster/core/daemon", "/system/cluster/heartbeatReceiver", "/user/leader", "/user/leader/singleton"]

        """;

    private LiveNode(ExtendedActorSystem system, AkkaCluster cluster) => (System, Cluster) = (system, cluster);

    public ExtendedActorSystem System { get; }

    public AkkaCluster Cluster { get; }

    public Address Address => Cluster.SelfAddress;

    public SeedNode Seed => new(Address.Host!, Address.Port!.Value);

    public static NodeSettings Settings(NodeRole role, params SeedNode[] seeds) => new()
    {
        Roles = [role],
        ClusterPort = 0,
        SeedNodes = seeds,
        HeartbeatInterval = TimeSpan.FromMilliseconds(200),
        AcceptablePause = TimeSpan.FromSeconds(1),
        StableAfter = TimeSpan.FromSeconds(1),
    };

    public static LiveNode Start(NodeSettings settings, string actorConfiguration = "")
    {
        // Not under xunit's synchronization context, whose few threads the systems would wait for when they end.
        return Task.Run(() =>
        {
            ActorSystem system = ClusterConfiguration.Start(
                ClusterConfiguration.SystemName, ClusterConfiguration.For(settings, Tested + actorConfiguration),
                    NodeCertificate.Load(settings.SecurityFolder));
            return new LiveNode((ExtendedActorSystem)system, ClusterConfiguration.Join(system, settings));
        }).GetAwaiter().GetResult();
    }

    /// <summary>Ends the node without a word to the others.</summary>
    public void Crash() => Task.Run(System.Abort).GetAwaiter().GetResult();

    /// <summary>Waits until the node sees so many members that are up, and no others.</summary>
    public Task UntilUp(int count) =>
        Until(() => Cluster.State.Members.Count == count
        && Cluster.State.Members.All(member => member.Status == MemberStatus.Up), $"{count} members up");

    public static async Task Until(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > TimeSpan.FromSeconds(30))
                throw new TimeoutException($"Still not after 30 s: {what}.");
            await Task.Delay(20);
        }
    }

    public void Dispose() => Crash();
}
