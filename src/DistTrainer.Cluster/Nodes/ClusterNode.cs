using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Akka;
using Akka.Actor;
using Akka.Cluster.Tools.Singleton;
using Akka.Event;
using Akka.Remote;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Plugins;
using DistTrainer.Transport;
using DistTrainer.Transport.Security;
using AkkaCluster = Akka.Cluster.Cluster;

namespace DistTrainer.Cluster.Nodes;

/// <summary>How a node's process ended.</summary>
/// <param name="ExitCode">0, or the code of a <see cref="FailureKind"/>.</param>
/// <param name="Reason">Why, for people.</param>
public sealed record NodeEnd(int ExitCode, string Reason);

/// <summary>One process of a cluster: joins, takes part until it is told to end, leaves.</summary>
internal static class ClusterNode
{
    private static readonly TimeSpan s_askTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_releaseTimeout = TimeSpan.FromSeconds(30);

    // A coordinator that does not know yet that it was removed can do no harm: generations and the run folder's lock
    // fence it.
    private static readonly TimeSpan s_removalMargin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_leaveTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Runs a node to its end.</summary>
    /// <param name="settings">How it is deployed.</param>
    /// <param name="services">What it needs from this program.</param>
    /// <param name="job">A run to begin with, where this node's coordinator leads; null: wait for one.</param>
    /// <param name="actorConfiguration">HOCON laid over everything, e.g.
    /// <see cref="LogOutput.ActorConfiguration"/>.</param>
    /// <param name="started">Hears the node's cluster address (host:port) and the data plane's once it listens.</param>
    /// <param name="stop">When cancelled, the node gives its work back and leaves.</param>
    /// <param name="seed">Names the node to join through while this one starts, where the settings name none; null:
    /// it is as they say.</param>
    /// <exception cref="DistTrainerException">A port cannot be had, or the certificate is wrong
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static async Task<NodeEnd> RunAsync(
        NodeSettings settings, INodeServices services, RunDescription? job, string actorConfiguration, Action<string,
            string> started, CancellationToken stop, Task<SeedNode>? seed = null)
    {
        PluginFile.Load(settings.Plugins);
        using var process = new NodeProcess(settings, services, job, actorConfiguration, joins: seed is null);
        started(process.ClusterAddress, process.DataAddress);
        using CancellationTokenRegistration registration = stop.Register(process.Leave);
        if (seed is not null && await Task.WhenAny(seed, process.Ended).ConfigureAwait(false) == seed)
            process.Join(await seed.ConfigureAwait(false));
        NodeEnd end = await process.Ended.ConfigureAwait(false);
        await process.CloseAsync(s_leaveTimeout).ConfigureAwait(false);
        return end;
    }

    /// <summary>The parts of a node's process.</summary>
    private sealed class NodeProcess : IDisposable
    {
        private readonly TaskCompletionSource<NodeEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<Done> _leaves = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly NodeRuntime _runtime;
        private readonly ActorSystem _system;
        private readonly AkkaCluster _cluster;
        private readonly IActorRef _node;
        private volatile bool _wasMember;

        public NodeProcess(
            NodeSettings settings, INodeServices services, RunDescription? job, string actorConfiguration, bool joins)
        {
            NodeCertificate? certificate = NodeCertificate.Load(settings.SecurityFolder);
            try
            {
                _runtime = new NodeRuntime(settings, services, Health, Warn, certificate);
            }
            catch (SocketException failure)
            {
                throw PortFailure.Of("data-port", settings.DataHostToBind, settings.DataPort, failure);
            }
            try
            {
                TryToBind(settings.ClusterHost, settings.PortToBind);
                _system = ClusterConfiguration.Start(
                    ClusterConfiguration.SystemName,
                    ClusterConfiguration.For(settings, actorConfiguration), certificate);
            }
            catch (Exception failure)
            {
                _runtime.Dispose();
                throw PortFailure.Of("cluster-port", settings.ClusterHost, settings.PortToBind, failure);
            }
            CoordinatedShutdown.Get(_system)
                .AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "failed-connection", HoldAsync);
            Action<int, string> end = (code, reason) => _end.TrySetResult(new NodeEnd(code, reason));
            try
            {
                if (settings.IsServer)
                {
                    NodeRuntime runtime = _runtime;
                    _system.ActorOf(
                        ClusterSingletonManager.Props(
                            Props.Create(() => new CoordinatorActor(runtime, job, end)),
                                new CoordinatorActor.EndCoordinator(),
                            ClusterSingletonManagerSettings.Create(_system).WithRole(ClusterConfiguration.ServerRole)
                                .WithRemovalMargin(s_removalMargin)),
                        "coordinator");
                }
                IActorRef proxy = _system.ActorOf(
                    ClusterSingletonProxy.Props("/user/coordinator", ClusterSingletonProxySettings.Create(_system)
                        .WithRole(ClusterConfiguration.ServerRole)), "coordinator-proxy");
                NodeRuntime shared = _runtime;
                _node = _system.ActorOf(Props.Create(() => new NodeActor(shared, proxy, end)), "node");
                services.OnControl(new ActorControl(_node, s_askTimeout, "the coordinator does not answer"));
                AkkaCluster cluster = _cluster = joins ? ClusterConfiguration.Join(_system, settings)
                    : AkkaCluster.Get(_system);
                _runtime.DeathOf = address => DeadMembers.DeathOf(cluster, address);
                TimeSpan stableAfter = settings.StableAfter;
                _system.ActorOf(Props.Create(() => new QuorumWatch(stableAfter)), "quorum");
                if (settings.IsServer)
                    _system.ActorOf(Props.Create(() => new DeadMembers()), "dead-members");
            }
            catch (InvalidOperationException) when (CoordinatedShutdown.Get(_system).ShutdownReason is not null)
            {
                // The actor system, which joins by itself, was ended before its actors were made.
                Dispose();
                throw new DistTrainerException(FailureKind.Quorum, NotJoined());
            }
            _cluster.RegisterOnMemberUp(() =>
            {
                _wasMember = true;
                if (VersionCheck.Conflict(_cluster.SelfMember,
                    _cluster.State.Members.Where(member => !member.UniqueAddress.Equals(_cluster.SelfUniqueAddress)))
                    is { } conflict)
                    end((int)FailureKind.Configuration, conflict);
            });
            _cluster.RegisterOnMemberRemoved(
                () => end(
                    (int)FailureKind.Quorum, _wasMember
                    ? "the cluster removed this node, or went on without it; the other side of the cut goes on"
                    : NotJoined()));
            _ = _system.WhenTerminated.ContinueWith(
                _ => end((int)FailureKind.Quorum, NotJoined()), TaskScheduler.Default);
        }

        public Task<NodeEnd> Ended => _end.Task;

        public string ClusterAddress => $"{_cluster.SelfAddress.Host}:{_cluster.SelfAddress.Port}";

        public string DataAddress => $"{_runtime.Address.Endpoint!.Host}:{_runtime.Address.Endpoint.Port}";

        public void Join(SeedNode seed) => ClusterConfiguration.Join(_cluster, seed);

        /// <summary>Gives the work back; without a coordinator to take it, ends all the same.</summary>
        public void Leave()
        {
            _node.Tell(new NodeActor.Leave());
            _ = Task.Delay(s_releaseTimeout)
                .ContinueWith(
                    _ => _end.TrySetResult(new NodeEnd(0, "no coordinator took the work back in time")),
                    TaskScheduler.Default);
        }

        public async Task CloseAsync(TimeSpan timeout)
        {
            _leaves.TrySetResult(Done.Instance);
            // The last member has nobody to tell that it leaves.
            string? from = _wasMember && _cluster.State.Members.Count == 1
                ? CoordinatedShutdown.PhaseBeforeActorSystemTerminate : null;
            Task left = CoordinatedShutdown.Get(_system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance, from);
            await Task.WhenAny(left, Task.Delay(timeout)).ConfigureAwait(false);
        }

        public void Dispose()
        {
            _system.Dispose();
            _runtime.Dispose();
        }

        // Akka would say it in a dozen lines of its own.
        private static void TryToBind(string host, int port)
        {
            IPAddress address = IPAddress.TryParse(host, out IPAddress? literal) ? literal
                : Dns.GetHostAddresses(host, AddressFamily.InterNetwork)[0];
            using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, port));
        }

        // Akka ends a whole actor system when it dials a node and TLS fails, be it that the other end dies just then. A
        // member must live on; its shutdown waits here until it leaves for a reason of its own.
        private Task<Done> HoldAsync() =>
            IsConnectionFailure && _cluster is { IsUp: true } ? _leaves.Task : Task.FromResult(Done.Instance);

        private bool IsConnectionFailure =>
            CoordinatedShutdown.Get(_system).ShutdownReason?.GetType().Assembly == typeof(RemoteSettings).Assembly;

        private string NotJoined() => IsConnectionFailure
            ? "a seed node speaks no TLS, or it and this node do not accept each other's certificates; give all nodes "
                + "certificates of one ca.pem (security.folder)"
            : "no seed node answered in time; is a server running at that address, with the same security setting?";

        private void Warn(string line) =>
            Akka.Event.Logging.GetLogger(_system, "data-plane").Warning("data-plane-refused message=\"{0}\"", line);

        private string Health()
        {
            string status = _cluster?.SelfMember.Status.ToString() ?? "Starting";
            return JsonSerializer.Serialize(
                new { node = _runtime.Address.Name, status, protocolVersion = ProtocolVersion.Current });
        }
    }
}
