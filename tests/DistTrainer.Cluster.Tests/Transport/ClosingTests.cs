using System.Diagnostics;
using System.Net.Sockets;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

public sealed class ClosingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Closing_in_the_middle_of_a_transfer_is_seen_at_once_on_both_sides(bool useUnix)
    {
        const int Count = 4_000_000;
        var options = new DataPlaneOptions { Node = "", UseUnixSockets = useUnix };
        using var blocked = new ManualResetEventSlim();
        using var server = new DataPlaneRig("server", Count, options)
        {
            Wants = header => header.Offset == 0 || blocked.Wait(20_000),
        };
        using var worker = new DataPlaneRig("worker", options: options);
        using AlignedBuffer source = TransferTests.Numbers(Count);
        DataConnection connection = worker.Connect(server);
        for (int i = 0; i < 5; i++)
            connection.Send(TransferTests.Gradient(0, Count), source, 0);
        server.Until(() => server.Frames.Count > 1);
        var watch = Stopwatch.StartNew();
        connection.Close();
        connection.Close();
        worker.Until(() => worker.Causes.Count == 1);
        Assert.InRange(watch.ElapsedMilliseconds, 0, 2000);
        blocked.Set();
        server.Until(() => server.Causes.Count == 1);
        Assert.Null(worker.Causes[0]);
        Assert.True(server.Causes[0] is EndOfStreamException or SocketException, $"{server.Causes[0]}");
        Assert.Equal(0, connection.QueuedBytes);
        connection.Send(1, default);
    }

    [Fact]
    public void An_idle_connection_closes_on_both_sides_with_the_peer_named()
    {
        using var server = new DataPlaneRig("server");
        using var worker = new DataPlaneRig("worker");
        DataConnection connection = worker.Connect(server);
        server.Until(() => server.Connections.Count == 1);
        server.Connections[0].Close();
        worker.Until(() => worker.Causes.Count == 1);
        server.Until(() => server.Causes.Count == 1);
        Assert.Equal(
            "Node server has ended the data connection.",
            Assert.IsType<EndOfStreamException>(worker.Causes[0]).Message);
        Assert.Null(server.Causes[0]);
        Assert.Same(connection, worker.Connections[0]);
    }

    [Fact]
    public void A_reset_is_a_cause_too()
    {
        using var server = new DataPlaneRig("server");
        Socket peer = server.RawPeer();
        server.Until(() => server.Connections.Count == 1);
        peer.LingerState = new LingerOption(true, 0);
        peer.Dispose();
        server.Until(() => server.Causes.Count == 1);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(server.Causes[0]).SocketErrorCode);
    }

    [Fact]
    public void Disposing_the_data_plane_closes_everything_and_every_connection_hears_of_it_once()
    {
        using var server = new DataPlaneRig("server");
        using var worker = new DataPlaneRig("worker");
        for (int i = 0; i < 5; i++)
            worker.Connect(server);
        server.Until(() => server.Connections.Count == 5);
        using Socket half = server.Raw();
        server.Plane.Dispose();
        Assert.Equal(5, server.Causes.Count);
        Assert.All(server.Causes, Assert.Null);
        worker.Until(() => worker.Causes.Count == 5);
        Assert.True(
            Record.Exception(() => Assert.Equal(0, half.Receive(new byte[1]))) is null
            or SocketException { SocketErrorCode: SocketError.ConnectionReset });
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Throws<SocketException>(() => socket.Connect("127.0.0.1", server.Plane.Endpoint.Port));
    }
}
