using System.Net;
using System.Net.Sockets;
using DistTrainer.Cluster.Library;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Tests.Transport;
using DistTrainer.Engine;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>A port has one owner, and is free again as soon as that has ended.</summary>
public sealed class PortTests
{
    [Fact]
    public async Task A_cluster_port_that_another_node_has_is_refused_in_one_line()
    {
        using LiveNode first = LiveNode.Start(LiveNode.Settings(NodeRole.Server));
        string message = await Refusal(LiveNode.Settings(NodeRole.Server) with { ClusterPort = first.Seed.Port });
        Assert.StartsWith($"cluster-port 127.0.0.1:{first.Seed.Port} is taken: ", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public async Task A_data_port_that_another_process_has_is_refused_in_one_line()
    {
        using var first = new DataPlaneRig("first");
        int port = first.Plane.Endpoint.Port;
        string message = await Refusal(LiveNode.Settings(NodeRole.Server) with { DataPort = port });
        Assert.StartsWith($"data-port 127.0.0.1:{port} is taken: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_of_another_machine_is_said_to_be_the_reason()
    {
        string message = await Refusal(LiveNode.Settings(NodeRole.Server) with
        {
            ClusterHost = "192.0.2.1",
            DataHost = "127.0.0.1",
        });
        Assert.StartsWith("cluster-port 192.0.2.1:0 cannot be listened on (", message, StringComparison.Ordinal);
        Assert.Contains("name an address of this machine", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_started_anew_at_once_gets_its_cluster_port_again_while_old_connections_linger()
    {
        LiveNode first = LiveNode.Start(LiveNode.Settings(NodeRole.Server));
        int port = first.Seed.Port;
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await Task.Delay(100); // until it is accepted
        first.Crash(); // which closes its sockets a little later
        await LiveNode.Until(() => !IsListening(port), "the port is closed");
        using LiveNode again = LiveNode.Start(LiveNode.Settings(NodeRole.Server) with { ClusterPort = port });
        Assert.Equal(port, again.Seed.Port);
    }

    [Fact]
    public void A_data_plane_that_is_started_anew_at_once_gets_its_port_again_while_old_connections_linger()
    {
        var first = new DataPlaneRig("first");
        int port = first.Plane.Endpoint.Port;
        using Socket peer = first.RawPeer();
        first.Dispose();
        var options = new DataPlaneOptions { Node = "again", UseUnixSockets = false, Port = port };
        using var again = new DataPlaneRig("again", options: options);
        Assert.Equal(port, again.Plane.Endpoint.Port);
    }

    private static bool IsListening(int port)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<string> Refusal(NodeSettings settings)
    {
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => Task.Run(() => ClusterNode.RunAsync(
            settings, new HostedNodeServices(new DistTrainerOptions { Node = settings }), null, "", (_, _) =>
                { }, CancellationToken.None)));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        return failure.Message;
    }
}
