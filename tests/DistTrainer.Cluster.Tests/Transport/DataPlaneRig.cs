using System.Net;
using System.Net.Sockets;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Transport;

/// <summary>One process's data plane that keeps what arrives.</summary>
internal sealed class DataPlaneRig : IDataReceiver, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private readonly object _gate = new();
    private readonly List<string> _warnings = [];

    public DataPlaneRig(string node, int floats = 0, DataPlaneOptions? options = null)
    {
        Buffer = new AlignedBuffer(floats);
        options ??= new DataPlaneOptions { Node = node, UseUnixSockets = false };
        Plane = new DataPlane(
            options with { Node = node, BindHost = "127.0.0.1", Warn = text => Change(() => _warnings.Add(text)) },
                this);
    }

    public DataPlane Plane { get; }

    public AlignedBuffer Buffer { get; }

    public List<DataConnection> Connections { get; } = [];

    public List<FloatsHeader> Frames { get; } = [];

    public List<(byte Kind, byte[] Body)> Messages { get; } = [];

    public List<Exception?> Causes { get; } = [];

    public IReadOnlyList<string> Warnings => _warnings;

    public string AllowedRun { get; init; } = "run-1";

    public Func<FloatsHeader, bool> Wants { get; init; } = _ => true;

    public Action<byte>? OnMessage { get; init; }

    public bool KeepsRecords { get; init; } = true;

    public DataConnection Connect(DataPlaneRig other, string run = "run-1", string node = "dialer") =>
        Plane.Connect(other.Plane.Endpoint, other.Plane.Token.Span, new Hello(run, node), s_patience);

    public Socket Raw()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000, NoDelay = true };
        socket.Connect(IPAddress.Loopback, Plane.Endpoint.Port);
        return socket;
    }

    /// <summary>A raw socket that has done the handshake.</summary>
    public Socket RawPeer()
    {
        Socket socket = Raw();
        var wire = new Wire(socket);
        Handshake.Send(wire, HandshakeKind.Hello, Handshake.HelloBody(Plane.Token.Span, new Hello("run-1", "raw")));
        Assert.Equal(HandshakeKind.Welcome, Handshake.Receive(wire, Environment.TickCount64 + 20_000).Kind);
        return socket;
    }

    /// <summary>Waits until something has become true.</summary>
    public void Until(Func<bool> condition)
    {
        long deadline = Environment.TickCount64 + (long)s_patience.TotalMilliseconds;
        lock (_gate)
        {
            while (!condition())
            {
                long left = deadline - Environment.TickCount64;
                Assert.True(
                    left > 0,
                    $"waited in vain: {Messages.Count} messages, {Frames.Count} frames, causes "
                    + $"[{string.Join("; ", Causes.Select(c => c?.Message))}]");
                Monitor.Wait(_gate, (int)Math.Min(left, 50));
            }
        }
    }

    public (bool Accepted, string Reason) Admit(Hello hello) =>
        hello.RunId == AllowedRun ? (true, "")
            : (false, $"this node belongs to run {AllowedRun}, not to {hello.RunId}");

    public void Opened(DataConnection connection) => Change(() => Connections.Add(connection));

    public Span<float> Place(DataConnection connection, in FloatsHeader header)
    {
        if (KeepsRecords)
            Keep(header);
        return Wants(header) ? Buffer.Span.Slice(header.Offset, header.Count) : default;
    }

    public void Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body)
    {
        if (KeepsRecords)
        {
            byte[] copy = body.ToArray();
            Change(() => Messages.Add((kind, copy)));
        }
        OnMessage?.Invoke(kind);
    }

    public void Closed(DataConnection connection, Exception? cause) => Change(() => Causes.Add(cause));

    public string Health() => """{"ok":true}""";

    public void Dispose()
    {
        Plane.Dispose();
        Buffer.Dispose();
    }

    // Not within Place: a closure there would be allocated even where no record is kept.
    private void Keep(FloatsHeader header) => Change(() => Frames.Add(header));

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            Monitor.PulseAll(_gate);
        }
    }
}
