using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using DistTrainer.Cluster.Tests.Transport;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using DistTrainer.Transport.Security;
using Xunit;

namespace DistTrainer.Cluster.Tests.Security;

public sealed class SecureDataPlaneTests(TestCertificates certificates) : IClassFixture<TestCertificates>
{
    private const int Count = 300_000;

    [Fact]
    public void Floats_and_messages_travel_both_ways_at_once_over_TLS()
    {
        using DataPlaneRig server = Rig(certificates.Server), worker = Rig(certificates.Worker);
        using AlignedBuffer source = TransferTests.Numbers(Count);
        DataConnection dialed = worker.Connect(server);
        server.Until(() => server.Connections.Count == 1);
        Assert.True(dialed.IsEncrypted && server.Connections[0].IsEncrypted);
        for (int i = 0; i < 5; i++)
        {
            foreach (DataConnection connection in new[] { dialed, server.Connections[0] })
            {
                connection.Send(TransferTests.Gradient(0, Count), source, 0);
                connection.Send(1, new byte[i]);
            }
        }
        foreach (DataPlaneRig rig in new[] { server, worker })
        {
            rig.Until(() => rig.Messages.Count == 5);
            Assert.Equal(source.Span.ToArray(), rig.Buffer.Span.ToArray());
            Assert.Equal([0, 1, 2, 3, 4], rig.Messages.Select(message => message.Body.Length));
            Assert.Empty(rig.Warnings);
        }
    }

    [Fact]
    public void Closing_one_end_closes_the_other()
    {
        using DataPlaneRig server = Rig(certificates.Server), worker = Rig(certificates.Worker);
        worker.Connect(server).Close();
        server.Until(() => server.Causes.Count == 1);
        worker.Until(() => worker.Causes.Count == 1);
        Assert.Null(worker.Causes[0]);
        Assert.NotNull(server.Causes[0]);
    }

    [Fact]
    public void Processes_of_one_user_still_meet_over_a_Unix_domain_socket()
    {
        if (!OperatingSystem.IsLinux())
            return;
        using DataPlaneRig server = Rig(certificates.Server, useUnixSockets: true),
            worker = Rig(certificates.Worker, useUnixSockets: true);
        DataConnection connection = worker.Connect(server);
        Assert.True(connection.IsUnixSocket);
        Assert.False(connection.IsEncrypted);
    }

    [Fact]
    public void Without_a_certificate_of_the_same_authority_nobody_gets_in_and_nobody_is_taken_for_a_node()
    {
        using DataPlaneRig server = Rig(certificates.Server), plain = Rig(null), stranger = Rig(certificates.Stranger),
            worker = Rig(certificates.Worker);
        Assert.Throws<IOException>(() => plain.Connect(server));
        Assert.Throws<IOException>(() => stranger.Connect(server));
        Assert.Throws<IOException>(() => worker.Connect(stranger));
        Assert.Throws<IOException>(
            () => Intrude(
                server,
                new SslClientAuthenticationOptions
                {
                    TargetHost = "server",
                    RemoteCertificateValidationCallback = Anybody
                }));
        Assert.Empty(server.Connections);
        Assert.Empty(stranger.Connections);
        server.Until(() => server.Warnings.Count > 0);
        Assert.Single(server.Warnings);
        Assert.False(worker.Connect(server).IsUnixSocket);
    }

    [Fact]
    public void The_warning_names_the_certificate_that_was_refused()
    {
        using DataPlaneRig server = Rig(certificates.Server);
        Assert.Throws<IOException>(
            () => Intrude(server, NodeCertificate.Load(certificates.Stranger)!.ClientOptions("server", Anybody)));
        server.Until(() => server.Warnings.Count == 1);
        Assert.Contains("the certificate \"CN=server\", valid from ", server.Warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Recorded_bytes_of_an_earlier_connection_are_refused()
    {
        using DataPlaneRig server = Rig(certificates.Server), worker = Rig(certificates.Worker);
        using AlignedBuffer source = TransferTests.Numbers(100);
        using var tap = new RecordingTap(server.Plane.Endpoint.Port);
        DataConnection connection = worker.Plane.Connect(
            server.Plane.Endpoint with { Port = tap.Port }, server.Plane.Token.Span, new Hello("run-1", "worker"),
            TimeSpan.FromSeconds(20));
        connection.Send(TransferTests.Gradient(0, 100), source, 0);
        connection.Send(1, "once"u8);
        server.Until(() => server.Messages.Count == 1);
        byte[] recorded = tap.Recorded();
        Assert.True(recorded.AsSpan().IndexOf("once"u8) < 0);
        using Socket replayer = server.Raw();
        replayer.Send(recorded);
        server.Until(() => server.Warnings.Count == 1);
        Assert.Single(server.Messages);
        Assert.Single(server.Frames);
        Assert.Single(server.Connections);
        Assert.Empty(server.Causes);
    }

    [Fact]
    public void A_TLS_handshake_byte_by_byte_is_closed_when_its_time_is_over()
    {
        using DataPlaneRig server = Rig(certificates.Server, handshake: TimeSpan.FromMilliseconds(400));
        using Socket peer = server.Raw();
        var watch = Stopwatch.StartNew();
        byte[] hello = [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3];
        Assert.ThrowsAny<Exception>(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                peer.Send([i < hello.Length ? hello[i] : (byte)0]);
                Thread.Sleep(50);
                if (peer.Poll(0, SelectMode.SelectRead) && peer.Available == 0)
                    throw new EndOfStreamException();
            }
        });
        Assert.InRange(watch.ElapsedMilliseconds, 250, 2500);
        server.Until(() => server.Warnings.Count == 1);
        Assert.Contains("in time", server.Warnings[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Health_is_told_to_holders_of_a_certificate_only()
    {
        using DataPlaneRig server = Rig(certificates.Server);
        int port = server.Plane.Endpoint.Port;
        TimeSpan patience = TimeSpan.FromSeconds(20);
        Assert.Equal("""{"ok":true}""", DataPlaneHealth.Request("127.0.0.1", port, patience, NodeCertificate.Load(certificates.Worker)));
        Assert.Throws<IOException>(() => DataPlaneHealth.Request("127.0.0.1", port, patience));
        Assert.Throws<IOException>(
            () => DataPlaneHealth.Request("127.0.0.1", port, patience, NodeCertificate.Load(certificates.Stranger)));
    }

    private static DataPlaneRig Rig(string? folder, bool useUnixSockets = false, TimeSpan? handshake = null) =>
        new(folder ?? "plain", Count, new DataPlaneOptions
        {
            Node = "",
            UseUnixSockets = useUnixSockets,
            HandshakeTimeout = handshake ?? TimeSpan.FromSeconds(5),
            Certificate = NodeCertificate.Load(folder),
        });

    // TLS 1.3 tells a client only with its first read that its certificate was refused.
    private static void Intrude(DataPlaneRig server, SslClientAuthenticationOptions options)
    {
        using Socket socket = server.Raw();
        using var tls = new SslStream(new NetworkStream(socket));
        tls.AuthenticateAsClient(options);
        tls.Write(
            Handshake.Encode(
                HandshakeKind.Hello, Handshake.HelloBody(server.Plane.Token.Span, new Hello("run-1", "stranger"))));
        if (tls.Read(new byte[1]) == 0)
            throw new IOException("closed");
    }

    private static bool Anybody(object sender, X509Certificate? certificate, X509Chain? chain,
        SslPolicyErrors errors) => certificate is not null;

    /// <summary>Stands between two ends and keeps what the dialer says.</summary>
    private sealed class RecordingTap : IDisposable
    {
        private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
        private readonly MemoryStream _recorded = new();

        public RecordingTap(int port)
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            new Thread(() =>
            {
                using Socket near = _listener.Accept();
                using var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                far.Connect(IPAddress.Loopback, port);
                var back = new Thread(() => Pump(far, near, null));
                back.Start();
                Pump(near, far, _recorded);
                back.Join();
            })
            { IsBackground = true }.Start();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public byte[] Recorded()
        {
            lock (_recorded)
                return _recorded.ToArray();
        }

        public void Dispose() => _listener.Dispose();

        private static void Pump(Socket from, Socket to, MemoryStream? copy)
        {
            var buffer = new byte[1 << 16];
            try
            {
                while (from.Receive(buffer) is > 0 and var count)
                {
                    lock (copy ?? new MemoryStream())
                        copy?.Write(buffer, 0, count);
                    to.Send(buffer.AsSpan(0, count));
                }
                to.Shutdown(SocketShutdown.Both);
            }
            catch (SocketException)
            {
                // One of the ends is gone.
            }
        }
    }
}
