using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using DistTrainer.Transport.Security;

namespace DistTrainer.Transport;

/// <summary>
/// A process's data plane: dedicated connections that carry large ranges of floats straight from and into the buffers
/// where they are used, and small messages in order with them. Nothing of it runs on the thread pool. Every listener
/// has a secret token, which peers learn over the cluster's control plane; who does not know it gets no further than
/// the handshake.
/// </summary>
internal sealed class DataPlane : IDisposable
{
    private const int CloseMilliseconds = 5_000;
    private readonly DataPlaneOptions _options;
    private readonly byte[] _token = RandomNumberGenerator.GetBytes(Handshake.TokenBytes);
    private readonly object _gate = new();
    private readonly HashSet<Socket> _handshakes = [];
    private readonly HashSet<DataConnection> _connections = [];
    private readonly List<DataListener> _listeners = [];
    private bool _isClosed;

    /// <summary>Begins to listen.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="receiver">Takes what arrives, over all connections.</param>
    /// <exception cref="SocketException">The address or port cannot be had.</exception>
    public DataPlane(DataPlaneOptions options, IDataReceiver receiver)
    {
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException(
                "The data plane sends floats as they lie in memory, little-endian; this processor is big-endian.");
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ChunkBytes, sizeof(float));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.ChunkBytes, Frame.MaxChunkBytes);
        ArgumentOutOfRangeException.ThrowIfNotEqual(options.ChunkBytes % sizeof(float), 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxHandshakes, 1);
        (_options, Receiver) = (options, receiver);
        var warning = new RateLimitedWarning(options.Warn);
        IPAddress bind = IPAddress.TryParse(options.BindHost, out IPAddress? literal) ? literal
            : Dns.GetHostAddresses(options.BindHost)[0];
        var tcp = new DataListener(this, options, new IPEndPoint(bind, options.Port), warning);
        _listeners.Add(tcp);
        string? path = null;
        if (options.UseUnixSockets && DataEndpoint.ThisMachine.Length > 0)
        {
            path = $"disttrainer-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}";
            _listeners.Add(new DataListener(this, options, new UnixDomainSocketEndPoint(AbstractName(path)), warning));
        }
        bool isAny = bind.Equals(IPAddress.Any) || bind.Equals(IPAddress.IPv6Any);
        string host = options.AnnouncedHost ?? (isAny ? Dns.GetHostName() : options.BindHost);
        Endpoint = new DataEndpoint(host, ((IPEndPoint)tcp.Address).Port, path, DataEndpoint.ThisMachine);
    }

    /// <summary>What to announce to peers, with <see cref="Token"/>.</summary>
    public DataEndpoint Endpoint { get; }

    /// <summary>16 random bytes that a peer must know to connect.</summary>
    public ReadOnlyMemory<byte> Token => _token;

    /// <summary>Takes what arrives.</summary>
    internal IDataReceiver Receiver { get; }

    /// <summary>
    /// Connects to a peer; blocks. A peer that does not listen yet is tried again until the time is over. The receiver
    /// may hear of the connection (<see cref="IDataReceiver.Opened"/>) before this method returns.
    /// </summary>
    /// <param name="endpoint">As the peer announced it.</param>
    /// <param name="token">As the peer announced it.</param>
    /// <param name="hello">Who we are.</param>
    /// <param name="timeout">For everything, the handshake included.</param>
    /// <exception cref="IOException">The peer cannot be reached in time, refuses (the message has the reason), or
    /// answers with something else.</exception>
    public DataConnection Connect(DataEndpoint endpoint, ReadOnlySpan<byte> token, Hello hello, TimeSpan timeout)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        return new DataDialer(this, _options, endpoint, Handshake.HelloBody(token, hello), deadline).Run();
    }

    /// <summary>Asks any process's data plane how it is; needs no token.</summary>
    /// <param name="host">Its host.</param>
    /// <param name="port">Its data port.</param>
    /// <param name="timeout">For the connection and the answer.</param>
    /// <param name="certificate">To show, and to ask for; null: without TLS.</param>
    /// <returns>The JSON of its <see cref="IDataReceiver.Health"/>.</returns>
    /// <exception cref="IOException">Nobody listens there, or does not answer in time, or answers with something
    /// else.</exception>
    public static string RequestHealth(string host, int port, TimeSpan timeout, NodeCertificate? certificate = null)
    {
        long deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.ConnectAsync(host, port).WaitAsync(timeout).GetAwaiter().GetResult();
            using Wire wire = certificate is null ? new Wire(socket) : Wire.Dial(socket, certificate, host, deadline);
            Handshake.Send(wire, HandshakeKind.HealthRequest, Handshake.Body());
            (HandshakeKind kind, byte[] body) = Handshake.Receive(wire, deadline);
            return kind == HandshakeKind.Health
                ? Handshake.ReadText(body)
                : throw new IOException($"the answer is a frame of kind {(byte)kind}; allowed is 5 (health).");
        }
        catch (Exception e) when (
            e is IOException or SocketException or TimeoutException or InvalidDataException or AuthenticationException)
        {
            throw new IOException($"No health from the data plane at {host}:{port}: {e.Message}", e);
        }
    }

    /// <summary>
    /// Stops listening, closes all connections and waits until their threads are done, so that no buffer is touched any
    /// more. Not to be called by a receiver from within its methods.
    /// </summary>
    public void Dispose()
    {
        DataConnection[] connections;
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            connections = [.. _connections];
            foreach (Socket socket in _handshakes)
                socket.Dispose();
        }
        foreach (DataListener listener in _listeners)
            listener.Dispose();
        foreach (DataConnection connection in connections)
            connection.Close();
        long deadline = Environment.TickCount64 + CloseMilliseconds;
        lock (_gate)
        {
            while (_connections.Count > 0 && deadline - Environment.TickCount64 is > 0 and var left)
                Monitor.Wait(_gate, (int)left);
        }
    }

    /// <summary>The name of an abstract Unix-domain socket begins with a zero byte.</summary>
    /// <param name="path">The rest.</param>
    internal static string AbstractName(string path) => "\0" + path;

    /// <summary>Counts a handshake; false if there are too many.</summary>
    /// <param name="socket">Its socket.</param>
    internal bool TryBeginHandshake(Socket socket)
    {
        lock (_gate)
            return !_isClosed && _handshakes.Count < _options.MaxHandshakes && _handshakes.Add(socket);
    }

    /// <summary>Counts a handshake as over.</summary>
    /// <param name="socket">Its socket.</param>
    internal void EndHandshake(Socket socket)
    {
        lock (_gate)
            _handshakes.Remove(socket);
    }

    /// <summary>Makes a connection of a peer whose handshake is done; null if the data plane is closed.</summary>
    /// <param name="wire">The peer.</param>
    /// <param name="peer">The peer's node name.</param>
    /// <param name="isDialed">Whether this side dialed.</param>
    internal DataConnection? Open(Wire wire, string peer, bool isDialed)
    {
        wire.EndHandshake();
        var connection = new DataConnection(wire, peer, isDialed, Receiver, _options, Forget);
        lock (_gate)
            return !_isClosed && _connections.Add(connection) ? connection : null;
    }

    private void Forget(DataConnection connection)
    {
        lock (_gate)
        {
            _connections.Remove(connection);
            Monitor.PulseAll(_gate);
        }
    }
}
