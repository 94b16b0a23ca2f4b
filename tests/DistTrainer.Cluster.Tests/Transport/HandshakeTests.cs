using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

public sealed class HandshakeTests
{
    [Fact]
    public void A_wrong_token_is_refused_with_the_reason()
    {
        using var server = new DataPlaneRig("server");
        using var worker = new DataPlaneRig("worker");
        foreach (byte[] token in (byte[][])[new byte[Handshake.TokenBytes], [], server.Plane.Token.ToArray()[..^1]])
        {
            IOException e = Assert.Throws<IOException>(
                () => worker.Plane.Connect(
                    server.Plane.Endpoint, token, new Hello("run-1", "worker"), TimeSpan.FromSeconds(20)));
            Assert.Contains("refused: the token is wrong", e.Message, StringComparison.Ordinal);
        }
        Assert.Empty(server.Connections);
    }

    [Fact]
    public void All_addresses_of_the_machine_are_announced_by_its_name()
    {
        using var receiver = new DataPlaneRig("receiver");
        using var plane = new DataPlane(new DataPlaneOptions { Node = "everywhere", BindHost = "0.0.0.0" }, receiver);
        Assert.Equal(System.Net.Dns.GetHostName(), plane.Endpoint.Host);
        Assert.StartsWith(
            "{", DataPlane.RequestHealth("127.0.0.1", plane.Endpoint.Port, TimeSpan.FromSeconds(20)),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Another_run_is_refused_with_both_runs_named()
    {
        using var server = new DataPlaneRig("server");
        using var worker = new DataPlaneRig("worker");
        IOException e = Assert.Throws<IOException>(() => worker.Connect(server, run: "run-2"));
        Assert.Equal(
            $"No data connection to 127.0.0.1:{server.Plane.Endpoint.Port}: refused: this node belongs to run run-1, "
            + "not to run-2", e.Message);
    }

    [Fact]
    public void Another_version_is_refused_with_both_versions_named()
    {
        using var server = new DataPlaneRig("server");
        using Socket peer = server.Raw();
        byte[] hello = Handshake.Encode(
            HandshakeKind.Hello, Handshake.HelloBody(server.Plane.Token.Span, new Hello("run-1", "old")));
        BinaryPrimitives.WriteUInt16BigEndian(hello.AsSpan(7), 77);
        hello.AsSpan(11, 4).Clear();
        Frame.Seal(hello.AsSpan(0, Handshake.HeaderBytes), 11);
        peer.Send(hello);
        (HandshakeKind kind, byte[] body) = Handshake.Receive(new Wire(peer), Environment.TickCount64 + 20_000);
        Assert.Equal(HandshakeKind.Refused, kind);
        Assert.Equal(
            "The peer speaks version 77 of the data plane's protocol, this node version 1: run the same release of "
                + "disttrainer on all nodes.",
            Handshake.ReadText(body));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\nforged line")]
    public void A_name_that_could_forge_a_line_of_the_log_is_refused(string node)
    {
        using var server = new DataPlaneRig("server");
        using var worker = new DataPlaneRig("worker");
        Assert.Throws<IOException>(() => worker.Connect(server, node: node));
        server.Until(() => server.Warnings.Count == 1);
        Assert.Contains("A name in a hello", server.Warnings[0], StringComparison.Ordinal);
        Assert.DoesNotContain('\n', server.Warnings[0]);
    }

    [Fact]
    public void A_peer_that_says_its_hello_byte_by_byte_is_closed_when_its_time_is_over()
    {
        using var server = new DataPlaneRig("server", options: Quick(64));
        using Socket peer = server.Raw();
        byte[] hello = Handshake.Encode(
            HandshakeKind.Hello, Handshake.HelloBody(server.Plane.Token.Span, new Hello("run-1", "slow")));
        var watch = Stopwatch.StartNew();
        Assert.ThrowsAny<Exception>(() =>
        {
            foreach (byte value in hello)
            {
                peer.Send([value]);
                Thread.Sleep(50);
                if (peer.Poll(0, SelectMode.SelectRead) && peer.Available == 0)
                    throw new EndOfStreamException();
            }
        });
        Assert.InRange(watch.ElapsedMilliseconds, 250, 2500);
        server.Until(() => server.Warnings.Count == 1);
        Assert.Contains("in time", server.Warnings[0], StringComparison.Ordinal);
        Assert.Empty(server.Connections);
    }

    [Fact]
    public void Only_so_many_connections_may_be_in_their_handshake_and_their_time_is_limited()
    {
        using var server = new DataPlaneRig("server", options: Quick(3));
        Socket[] idle = [.. Enumerable.Range(0, 3).Select(_ => server.Raw())];
        using Socket refused = server.Raw();
        Assert.Equal(0, refused.Receive(new byte[1]));
        Assert.All(idle, socket => Assert.Equal(0, socket.Receive(new byte[1])));
        using var worker = new DataPlaneRig("worker");
        using DataConnection connection = worker.Connect(server);
        Array.ForEach(idle, socket => socket.Dispose());
    }

    [Fact]
    public void A_peer_that_starts_later_is_tried_again_until_it_is_there()
    {
        using var first = new DataPlaneRig("first");
        DataEndpoint endpoint = first.Plane.Endpoint;
        first.Plane.Dispose();
        using var worker = new DataPlaneRig("worker");
        Exception? error = null;
        var dialer = new Thread(() => error = Record.Exception(
            () => worker.Plane.Connect(
                endpoint, new byte[16], new Hello("run-1", "worker"), TimeSpan.FromSeconds(20))));
        dialer.Start();
        Thread.Sleep(100);
        using var second = new DataPlaneRig("second", options: new DataPlaneOptions
        {
            Node = "",
            Port = endpoint.Port,
            UseUnixSockets = false,
        });
        dialer.Join();
        Assert.Contains("the token is wrong", error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_there_is_reported_within_the_timeout_with_the_address()
    {
        using var worker = new DataPlaneRig("worker");
        using var gone = new DataPlaneRig("gone");
        gone.Plane.Dispose();
        var watch = Stopwatch.StartNew();
        IOException e = Assert.Throws<IOException>(
            () => worker.Plane.Connect(
                gone.Plane.Endpoint, default, new Hello("run-1", "worker"), TimeSpan.FromSeconds(0.3)));
        Assert.InRange(watch.ElapsedMilliseconds, 200, 3000);
        Assert.StartsWith(
            $"No data connection to 127.0.0.1:{gone.Plane.Endpoint.Port}: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_that_accepts_but_never_answers_is_given_up()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        silent.Listen();
        using var worker = new DataPlaneRig("worker");
        int port = ((System.Net.IPEndPoint)silent.LocalEndPoint!).Port;
        Assert.Throws<IOException>(() => worker.Plane.Connect(
            new DataEndpoint("127.0.0.1", port, null, ""), new byte[16], new Hello("run-1", "worker"),
                TimeSpan.FromSeconds(0.3)));
        Assert.Throws<IOException>(() => DataPlane.RequestHealth("127.0.0.1", port, TimeSpan.FromSeconds(0.3)));
    }

    [Fact]
    public void Anybody_may_ask_for_health()
    {
        using var server = new DataPlaneRig("server");
        Assert.Equal("""{"ok":true}""", DataPlane.RequestHealth("127.0.0.1", server.Plane.Endpoint.Port, TimeSpan.FromSeconds(20)));
        Assert.Empty(server.Connections);
    }

    private static DataPlaneOptions Quick(int handshakes) =>
        new()
        {
            Node = "",
            UseUnixSockets = false,
            HandshakeTimeout = TimeSpan.FromMilliseconds(400),
            MaxHandshakes = handshakes,
        };
}
