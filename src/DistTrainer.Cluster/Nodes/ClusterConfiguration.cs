using System.Globalization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Step;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using DistTrainer.Transport.Security;
using AkkaCluster = Akka.Cluster.Cluster;

namespace DistTrainer.Cluster.Nodes;

/// <summary>Makes the configuration of a node's actor system.</summary>
/// <remarks>
/// From the strongest to the weakest: what the node's settings decide, the user's own <c>akka</c> section,
/// <see cref="Defaults"/>, Akka's reference configuration.
/// </remarks>
internal static class ClusterConfiguration
{
    /// <summary>The name of every node's actor system; it is part of the cluster's addresses.</summary>
    public const string SystemName = "disttrainer";

    /// <summary>The role of nodes that hold parameter shards, and on which the coordinator runs.</summary>
    public const string ServerRole = "server";

    /// <summary>The role of nodes that compute gradients.</summary>
    public const string WorkerRole = "worker";

    // A cut is decided by the majority of the server nodes, so workers that die together never take the servers with
    // them, and workers without a server end themselves. Servers that die one after another leave a majority each time;
    // of the last two the one with the lower address goes on.
    private const string Defaults = """
        akka {
          stdout-loglevel = OFF
          log-dead-letters = off
          actor.provider = cluster
          coordinated-shutdown {
            exit-clr = off
            run-by-clr-shutdown-hook = off
            phases.before-service-unbind.timeout = 20d
          }
          remote {
            retry-gate-closed-for = 1s
            dot-netty.tcp {
              maximum-frame-size = 1048576b
              send-buffer-size = 2097152b
              receive-buffer-size = 2097152b
            }
          }
          cluster {
            downing-provider-class = "Akka.Cluster.SBR.SplitBrainResolverProvider, Akka.Cluster"
            gossip-interval = 100ms
            leader-actions-interval = 100ms
            unreachable-nodes-reaper-interval = 250ms
            periodic-tasks-initial-delay = 200ms
            seed-node-timeout = 2s
            retry-unsuccessful-join-after = 2s
            split-brain-resolver {
              active-strategy = keep-majority
              keep-majority.role = server
              down-all-when-unstable = off
            }
            singleton {
              role = server
              hand-over-retry-interval = 200ms
            }
            singleton-proxy {
              role = server
              singleton-identification-interval = 200ms
              buffer-size = 100
            }
          }
        }

        """ + ComputeDispatchers.Settings;

    // The sender of a message picks the serializer by its number, so the general ones must not be there at all. And no
    // actor is ended, deployed or looked up from afar, but for the paths that nodes ask for.
    private const string Serializers = """
        akka.actor {
          serializers {
            json = "DistTrainer.Cluster.Serialization.RefusingSerializer, DistTrainer.Cluster"
            bytes = "DistTrainer.Cluster.Serialization.RefusingSerializer, DistTrainer.Cluster"
            proto = "DistTrainer.Cluster.Serialization.RefusingSerializer, DistTrainer.Cluster"
            daemon-create = "DistTrainer.Cluster.Serialization.RefusingSerializer, DistTrainer.Cluster"
            reliable-delivery = "DistTrainer.Cluster.Serialization.RefusingSerializer, DistTrainer.Cluster"
            akka-containers = "DistTrainer.Cluster.Serialization.NarrowContainerSerializer, DistTrainer.Cluster"
            akka-misc = "DistTrainer.Cluster.Serialization.NarrowMiscSerializer, DistTrainer.Cluster"
            akka-system-msg = "DistTrainer.Cluster.Serialization.NarrowSystemSerializer, DistTrainer.Cluster"
            disttrainer-control = "DistTrainer.Cluster.Serialization.HyperionSerializer, DistTrainer.Cluster"
          }
          serialization-settings {
            json.identifier = 1
            proto.identifier = 2
            daemon-create.identifier = 3
            bytes.identifier = 4
            reliable-delivery.identifier = 36
          }
          serialization-bindings {
            "System.Object" = json
            "DistTrainer.Cluster.Protocol.IControlMessage, DistTrainer.Cluster" = disttrainer-control
          }
        }
        akka.remote {
          untrusted-mode = on
          trusted-selection-paths = [
            "/system/cluster/core/daemon",
            "/system/cluster/heartbeatReceiver",
            "/system/remote-watcher",
            "/user/coordinator",
            "/user/coordinator/singleton",
            "/user/node",
          ]
        }

        """;

    /// <summary>The configuration of a node.</summary>
    /// <param name="settings">The node's settings.</param>
    /// <param name="actorConfiguration">HOCON laid over everything, e.g.
    /// <see cref="LogOutput.ActorConfiguration"/>.</param>
    public static Config For(NodeSettings settings, string actorConfiguration = "")
    {
        Config own = ConfigurationFactory.ParseString(settings.AkkaSettings);
        return ConfigurationFactory.ParseString(actorConfiguration)
            .WithFallback(ConfigurationFactory.ParseString(Serializers + Decided(settings)))
            .WithFallback(own)
            .WithFallback(ConfigurationFactory.ParseString(Defaults));
    }

    /// <summary>
    /// The configuration of an actor system that only asks: it joins nothing, and answers come back over its own
    /// connection.
    /// </summary>
    internal static Config ForClient(bool isSecure) => ConfigurationFactory.ParseString($$"""
        akka {
          loglevel = OFF
          stdout-loglevel = OFF
          actor.provider = remote
          remote.dot-netty.tcp {
            hostname = 0.0.0.0
            public-hostname = localhost
            port = 0
            enable-ssl = {{(isSecure ? "on" : "off")}}
          }
        }

        """ + Serializers).WithFallback(ConfigurationFactory.ParseString(Defaults));

    /// <summary>Starts an actor system.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="config">Its configuration, with SSL enabled exactly where there is a certificate.</param>
    /// <param name="certificate">What it shows and asks for; null: security is off.</param>
    internal static ActorSystem Start(string name, Config config, NodeCertificate? certificate)
    {
        BootstrapSetup bootstrap = BootstrapSetup.Create().WithConfig(config);
        return ActorSystem.Create(
            name, certificate is null ? ActorSystemSetup.Create(bootstrap) : bootstrap.And(SecurityOf(certificate)));
    }

    /// <summary>What a node's address begins with.</summary>
    internal static string Scheme(bool isSecure) => isSecure ? "akka.ssl.tcp" : "akka.tcp";

    /// <summary>Joins the cluster: a node without seed nodes starts one, the others are on their way already.</summary>
    /// <param name="system">The node's actor system, made with <see cref="For"/>.</param>
    /// <param name="settings">The node's settings.</param>
    /// <returns>Its cluster extension.</returns>
    public static AkkaCluster Join(ActorSystem system, NodeSettings settings)
    {
        AkkaCluster cluster = AkkaCluster.Get(system);
        if (settings.SeedNodes.Count == 0)
            cluster.Join(cluster.SelfAddress);
        return cluster;
    }

    /// <summary>Joins a cluster through a node that the settings did not name.</summary>
    /// <param name="cluster">The node's cluster extension.</param>
    /// <param name="seed">A member.</param>
    public static void Join(AkkaCluster cluster, SeedNode seed) =>
        cluster.JoinSeedNodes([cluster.SelfAddress.WithHost(seed.Host).WithPort(seed.Port)]);

    private static string Decided(NodeSettings node) => string.Create(CultureInfo.InvariantCulture, $$"""
        akka.loglevel = {{node.LogLevel.ToString().ToUpperInvariant()}}
        akka.remote.dot-netty.tcp {
          hostname = {{JobValues.Quote(node.ClusterHost)}}
          public-hostname = {{JobValues.Quote(node.ReachableHost)}}
          port = {{node.PortToBind}}
          enable-ssl = {{(IsSecure(node) ? "on" : "off")}}
          # On Linux it would share the port with any other process that asks for it; .NET sets SO_REUSEADDR by itself.
          tcp-reuse-addr = off
        }
        akka.cluster {
          app-version = "{{ProtocolVersion.Current}}"
          roles = [{{List(node.Roles.Distinct().Select(role => role == NodeRole.Server ? ServerRole : WorkerRole))}}]
          seed-nodes = [{{List(node.SeedNodes.Select(seed => $"{Scheme(IsSecure(node))}://{SystemName}@{seed}"))}}]
          shutdown-after-unsuccessful-join-seed-nodes = {{JobValues.Show(node.JoinTimeout)}}
          failure-detector {
            heartbeat-interval = {{JobValues.Show(node.HeartbeatInterval)}}
            acceptable-heartbeat-pause = {{JobValues.Show(node.AcceptablePause)}}
          }
          split-brain-resolver.stable-after = {{JobValues.Show(node.StableAfter)}}
        }

        """);

    private static bool IsSecure(NodeSettings node) => !string.IsNullOrEmpty(node.SecurityFolder);

    private static string List(IEnumerable<string> items) => string.Join(", ", items.Select(JobValues.Quote));

    /// <summary>How Akka's transport uses a node's certificate.</summary>
    internal static DotNettySslSetup SecurityOf(NodeCertificate certificate) => new(
        certificate.Own, suppressValidation: false, requireMutualAuthentication: true,
            customValidator: (peer, _, _, _, _) => certificate.ProblemOf(peer) is null);
}
