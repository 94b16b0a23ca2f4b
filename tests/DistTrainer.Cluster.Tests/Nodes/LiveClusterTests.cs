using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Akka.Event;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Tests.Serialization;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

public sealed class LiveClusterTests
{
    [Fact]
    public async Task Two_nodes_with_a_singleton_speak_without_JSON_and_only_in_listed_messages()
    {
        using LiveNode server = LiveNode.Start(LiveNode.Settings(NodeRole.Server), LiveNode.SampleSerializer);
        using LiveNode worker =
            LiveNode.Start(LiveNode.Settings(NodeRole.Worker, server.Seed), LiveNode.SampleSerializer);
        await Task.WhenAll(server.UntilUp(2), worker.UntilUp(2));
        ConcurrentQueue<string> warnings = Warnings(server.System, worker.System);

        StartSingleton(server.System);
        IActorRef proxy = worker.System.ActorOf(
            ClusterSingletonProxy.Props("/user/leader", ClusterSingletonProxySettings.Create(worker.System)), "proxy");
        SampleMessage sent = SampleMessage.Of(proxy);
        SampleMessage answer = await proxy.Ask<SampleMessage>(sent, TimeSpan.FromSeconds(20));
        Assert.Equal((sent.Generation, sent.Name), (answer.Generation, answer.Name));
        Assert.Equal((proxy, proxy), (answer.Actor, answer.Actors[1]));

        IActorRef far = await worker.System.ActorSelection($"{server.Address}/user/leader/singleton")
            .ResolveOne(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain(warnings, line => line.Contains("another node", StringComparison.Ordinal));

        far.Tell(new NotListed(1));
        await LiveNode.Until(
            () => warnings.Any(line =>
            line.Contains("NotListed was to be sent to another node", StringComparison.Ordinal)), "a warning");
        far.Tell(new NotListed(2));
        await Assert.ThrowsAsync<AskTimeoutException>(
            () => far.Ask<SampleMessage>(new NotListed(3), TimeSpan.FromMilliseconds(500)));
        Assert.Single(warnings, line => line.Contains("was to be sent", StringComparison.Ordinal));

        // A death watch is Akka's own message; a stop from afar is refused.
        IActorRef watcher = worker.System.ActorOf(Props.Create(() => new Watcher(far)));
        await watcher.Ask<string>("ready?", TimeSpan.FromSeconds(10));
        far.Tell(PoisonPill.Instance);
        answer = await far.Ask<SampleMessage>(sent, TimeSpan.FromSeconds(10));
        Assert.Equal(sent.Generation, answer.Generation);
        Task<string> ended = watcher.Ask<string>("ended?", TimeSpan.FromSeconds(20));
        server.System.Stop(
            await server.System.ActorSelection("/user/leader/singleton").ResolveOne(TimeSpan.FromSeconds(10)));
        Assert.Equal("ended", await ended);
    }

    [Fact]
    public async Task JSON_from_another_program_is_not_read()
    {
        using LiveNode server = LiveNode.Start(LiveNode.Settings(NodeRole.Server));
        await server.UntilUp(1);
        StartSingleton(server.System);
        ConcurrentQueue<string> warnings = Warnings(server.System);
        ActorSystem stranger = ActorSystem.Create(
            "stranger",
            "akka.actor.provider = remote\nakka.remote.dot-netty.tcp.port = 0\nakka.remote.dot-netty.tcp.hostname = "
            + "127.0.0.1\nakka.stdout-loglevel = OFF\nakka.loggers = []\nakka.actor.serializers.akka-containers = "
            + "\"DistTrainer.Cluster.Serialization.NarrowContainerSerializer, DistTrainer.Cluster\"");
        stranger.ActorSelection($"{server.Address}/user/leader/singleton").Tell(new NotListed(1));
        await LiveNode.Until(
            () => warnings.Any(line =>
            line.Contains("a message in JSON came from another node", StringComparison.Ordinal)), "a warning");
        await stranger.Terminate();
    }

    [Fact]
    public async Task Workers_without_a_server_end_themselves_and_a_server_without_workers_goes_on()
    {
        using LiveNode server = LiveNode.Start(LiveNode.Settings(NodeRole.Server));
        using LiveNode first = LiveNode.Start(LiveNode.Settings(NodeRole.Worker, server.Seed));
        using LiveNode second = LiveNode.Start(LiveNode.Settings(NodeRole.Worker, server.Seed));
        using LiveNode third = LiveNode.Start(LiveNode.Settings(NodeRole.Worker, server.Seed));
        await Task.WhenAll(server.UntilUp(4), first.UntilUp(4), second.UntilUp(4), third.UntilUp(4));
        second.Crash();
        third.Crash();
        await Task.WhenAll(server.UntilUp(2), first.UntilUp(2));
        server.Crash();
        await first.System.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Of_three_servers_any_may_die_and_the_singleton_moves()
    {
        using LiveNode oldest = LiveNode.Start(LiveNode.Settings(NodeRole.Server));
        await oldest.UntilUp(1);
        using LiveNode second = LiveNode.Start(LiveNode.Settings(NodeRole.Server, oldest.Seed));
        await second.UntilUp(2);
        using LiveNode third = LiveNode.Start(LiveNode.Settings(NodeRole.Server, oldest.Seed));
        await Task.WhenAll(oldest.UntilUp(3), second.UntilUp(3), third.UntilUp(3));
        foreach (LiveNode node in new[] { oldest, second, third })
            StartSingleton(node.System);
        await Answers(oldest, oldest);
        oldest.Crash();
        await Task.WhenAll(second.UntilUp(2), third.UntilUp(2));
        await Answers(third, second);
    }

    [Fact]
    public async Task A_node_of_another_version_sees_both_versions()
    {
        using LiveNode server = LiveNode.Start(LiveNode.Settings(NodeRole.Server));
        using LiveNode other =
            LiveNode.Start(LiveNode.Settings(NodeRole.Worker, server.Seed), "akka.cluster.app-version = \"99\"\n");
        await Task.WhenAll(server.UntilUp(2), other.UntilUp(2));
        string? conflict = VersionCheck.Conflict(other.Cluster.SelfMember, other.Cluster.State.Members);
        Assert.Equal(
            $"this node speaks protocol version 99, {server.Address} speaks {ProtocolVersion.Current}; run the same "
            + "version of disttrainer on every node", conflict);
        Assert.Null(VersionCheck.Conflict(server.Cluster.SelfMember, [server.Cluster.SelfMember]));
    }

    [Fact]
    public async Task A_node_that_finds_no_seed_node_gives_up()
    {
        using LiveNode lost = LiveNode.Start(LiveNode.Settings(NodeRole.Worker, new SeedNode("127.0.0.1", 1)) with
        {
            JoinTimeout = TimeSpan.FromSeconds(1),
        });
        await lost.System.WhenTerminated.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private static void StartSingleton(ActorSystem system) => system.ActorOf(
        ClusterSingletonManager.Props(Props.Create(() => new Echo()), "stop",
            ClusterSingletonManagerSettings.Create(system)), "leader");

    private static async Task Answers(LiveNode from, LiveNode expected)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await from.System.ActorSelection($"{expected.Address}/user/leader/singleton")
                    .ResolveOne(TimeSpan.FromSeconds(1));
                return;
            }
            catch (ActorNotFoundException) when (attempt < 60)
            {
                await Task.Delay(200);
            }
        }
    }

    private static ConcurrentQueue<string> Warnings(params ActorSystem[] systems)
    {
        var lines = new ConcurrentQueue<string>();
        foreach (ActorSystem system in systems)
        {
            IActorRef listener = system.ActorOf(Props.Create(() => new Listener(lines)));
            system.EventStream.Subscribe<Warning>(listener);
        }

        return lines;
    }

    private sealed record NotListed(int Number);

    private sealed class Echo : ReceiveActor
    {
        public Echo()
        {
            Receive<SampleMessage>(message => Sender.Tell(message));
            Receive<string>(_ => Context.Stop(Self));
        }
    }

    private sealed class Watcher : ReceiveActor
    {
        private IActorRef _asker = ActorRefs.Nobody;

        public Watcher(IActorRef other)
        {
            Context.Watch(other);
            Receive<string>(text => text == "ready?", _ => Sender.Tell("ready"));
            Receive<string>(_ => _asker = Sender);
            Receive<Terminated>(_ => _asker.Tell("ended"));
        }
    }

    private sealed class Listener : ReceiveActor
    {
        public Listener(ConcurrentQueue<string> lines) =>
            Receive<Akka.Event.LogEvent>(entry => lines.Enqueue(entry.Message.ToString()!));
    }
}
