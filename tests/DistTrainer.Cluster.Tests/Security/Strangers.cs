using System.Net;
using System.Net.Sockets;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Dispatch.SysMsg;
using Akka.Serialization;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Transport.Security;

namespace DistTrainer.Cluster.Tests.Security;

/// <summary>What somebody who does not belong to a cluster does at its ports.</summary>
internal sealed class Strangers : IAsyncDisposable
{
    private const string Settings = """
        akka {
          loggers = []
          stdout-loglevel = OFF
          actor.provider = remote
          # Akka's own says less of what is in it, and would be refused at once.
          actor.serializers.akka-containers = "DistTrainer.Cluster.Serialization.NarrowContainerSerializer, DistTrainer.Cluster"
          remote.dot-netty.tcp {
            hostname = 127.0.0.1
            port = 0
          }
        }
        """;

    private static readonly string s_forging = $$"""
        akka.actor {
          serializers.forged = "{{typeof(ForgedSerializer).AssemblyQualifiedName}}"
          serialization-bindings { "{{typeof(Forged).AssemblyQualifiedName}}" = forged }
        }

        """;

    private const string Control = """
        akka.actor {
          serializers.disttrainer-control = "DistTrainer.Cluster.Serialization.HyperionSerializer, DistTrainer.Cluster"
          serialization-bindings { "DistTrainer.Cluster.Protocol.IControlMessage, DistTrainer.Cluster" = disttrainer-control }
        }

        """;

    private readonly List<Socket> _open = [];
    private readonly List<ActorSystem> _systems = [];

    /// <summary>Garbage, HTTP, huge lengths, half-open and slow connections.</summary>
    public void Knock(string address, int times)
    {
        var random = new Random(7);
        for (int i = 0; i < times; i++)
        {
            var garbage = new byte[random.Next(1, 300)];
            random.NextBytes(garbage);
            byte[] hugeLength = [0xff, 0xff, 0xff, 0x7f, 1, 2, 3];
            foreach (byte[] bytes in (byte[][])[garbage, [.. "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8], hugeLength,
                [.. hugeLength.Reverse()], [], [0x16, 3, 1]])
            {
                Socket socket = Connect(address);
                _open.Add(socket);
                if (bytes.Length > 0)
                    socket.Send(bytes);
            }
            Socket hasty = Connect(address);
            hasty.Send("x"u8);
            hasty.Dispose();
        }
    }

    /// <summary>An actor system that is no node: as Akka makes it, with all its serializers.</summary>
    public ExtendedActorSystem System(NodeCertificate? certificate = null)
    {
        string ssl = certificate is null ? s_forging : "akka.remote.dot-netty.tcp.enable-ssl = on\n" + Control;
        BootstrapSetup bootstrap = BootstrapSetup.Create().WithConfig(ConfigurationFactory.ParseString(ssl + Settings));
        ActorSystem system = ActorSystem.Create(
            "stranger", certificate is null ? ActorSystemSetup.Create(bootstrap)
            : bootstrap.And(ClusterConfiguration.SecurityOf(certificate)));
        _systems.Add(system);
        return (ExtendedActorSystem)system;
    }

    /// <summary>Everything that Akka lets one actor system do to another's actor.</summary>
    public static void Attack(ExtendedActorSystem system, string node, string path)
    {
        IActorRef target = system.Provider.ResolveActorRef(node + path);
        ActorSelection selection = system.ActorSelection(node + path);
        foreach (object message in (object[])[PoisonPill.Instance, Kill.Instance, Gadget.Of(1),
            new Status.Failure(new GadgetException()), new Forged("v99"),
            new Forged(typeof(Gadget).AssemblyQualifiedName!), "a text", new byte[10]])
        {
            target.Tell(message);
            selection.Tell(message);
        }
        var direct = (IInternalActorRef)target;
        direct.SendSystemMessage(new Terminate());
        direct.SendSystemMessage(new Suspend());
        direct.SendSystemMessage(new Recreate(new GadgetException()));
        direct.SendSystemMessage(new Failed(target, new GadgetException(), 1));
    }

    /// <summary>Tries to make an actor on the node.</summary>
    public static void Deploy(ExtendedActorSystem system, string node) =>
        system.ActorOf(
            Props.Create(() => new DeployedGadget()).WithDeploy(new Deploy(new RemoteScope(Address.Parse(node)))));

    public async ValueTask DisposeAsync()
    {
        _open.ForEach(socket => socket.Dispose());
        foreach (ActorSystem system in _systems)
            await system.Terminate();
    }

    private static Socket Connect(string address)
    {
        SeedNode node = NodeValues.ParseSeedNode(address);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Parse(node.Host), node.Port);
        return socket;
    }
}

/// <summary>Counts how often a stranger has got this process to make something for it.</summary>
public static class Gadgets
{
    private static int s_made;

    public static int Made => s_made;

    public static void Count() => Interlocked.Increment(ref s_made);
}

/// <summary>A type that a JSON message names.</summary>
public sealed class Gadget
{
    private int _value;

    public int Value
    {
        get => _value;
        set
        {
            _value = value;
            Gadgets.Count();
        }
    }

    /// <summary>Makes one without a serializer, which would set the property.</summary>
    public static Gadget Of(int value) => new() { _value = value };
}

/// <summary>An exception that is made of what came over the wire.</summary>
public sealed class GadgetException : Exception
{
    public GadgetException()
    {
    }

#pragma warning disable SYSLIB0051 // what Akka's serializer looks for
    private GadgetException(SerializationInfo info, StreamingContext context)
        : base(info, context) => Gadgets.Count();
#pragma warning restore SYSLIB0051
}

/// <summary>An actor that is to be made on another node.</summary>
public sealed class DeployedGadget : ReceiveActor
{
    public DeployedGadget() => Gadgets.Count();
}

/// <summary>A message that says to be one of ours, of another version.</summary>
public sealed record Forged(string Kind);

/// <summary>Has the number of our serializer.</summary>
public sealed class ForgedSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public override int Identifier => -5;

    public override string Manifest(object o) => ((Forged)o).Kind;

    public override byte[] ToBinary(object obj) => [1, 2, 3];

    public override object FromBinary(byte[] bytes, string manifest) => throw new NotSupportedException();
}
