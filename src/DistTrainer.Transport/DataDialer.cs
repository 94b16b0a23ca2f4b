using System.Net;
using System.Net.Sockets;

namespace DistTrainer.Transport;

/// <summary>
/// One attempt to reach a peer, on a thread of its own, because a blocking connect has no timeout; once the peer is
/// reached and the handshake done, the thread stays as the connection's reader thread.
/// </summary>
/// <param name="plane">Takes the connection.</param>
/// <param name="options">Its options.</param>
/// <param name="endpoint">Whom to reach.</param>
/// <param name="hello">The hello's body.</param>
/// <param name="deadline">When to give up, in <see cref="Environment.TickCount64"/>.</param>
internal sealed class DataDialer(
    DataPlane plane, DataPlaneOptions options, DataEndpoint endpoint, byte[] hello, long deadline)
{
    private const int RetryMilliseconds = 20;
    private readonly object _gate = new();
    private Socket? _socket;
    private bool _isDone;
    private bool _isGivenUp;
    private DataConnection? _connection;
    private Exception? _error;

    /// <summary>Reaches the peer.</summary>
    /// <exception cref="IOException">The peer cannot be reached in time, refuses, or answers with something
    /// else.</exception>
    public DataConnection Run()
    {
        new Thread(Dial, DataConnection.StackBytes)
        {
            IsBackground = true,
            Name = $"data from {endpoint.Host}:{endpoint.Port}"
        }.Start();
        lock (_gate)
        {
            while (!_isDone && deadline - Environment.TickCount64 is > 0 and var left)
                Monitor.Wait(_gate, (int)Math.Min(left, int.MaxValue));
            if (_connection is not null)
                return _connection;
            _isGivenUp = true;
            _socket?.Dispose();
            throw new IOException(
                $"No data connection to {endpoint.Host}:{endpoint.Port}: {_error?.Message ?? "no answer in time."}",
                _error);
        }
    }

    private void Dial()
    {
        try
        {
            Socket socket = Reach();
            socket.SendTimeout = (int)Math.Max(1, deadline - Environment.TickCount64);
            Wire wire = options.Certificate is { } certificate && socket.AddressFamily != AddressFamily.Unix
                ? Wire.Dial(socket, certificate, endpoint.Host, deadline)
                : new Wire(socket);
            Handshake.Send(wire, HandshakeKind.Hello, hello);
            (HandshakeKind kind, byte[] body) = Handshake.Receive(wire, deadline);
            string text = Handshake.ReadText(body);
            if (kind != HandshakeKind.Welcome)
                throw new IOException(kind == HandshakeKind.Refused ? $"refused: {text}"
                    : $"the answer is of kind {(byte)kind}; allowed are 2 (welcome) and 3 (refused).");
            lock (_gate)
                _connection = _isGivenUp ? null : plane.Open(wire, text, isDialed: true);
            End(null);
        }
        catch (Exception e)
        {
            End(e);
        }
        _connection?.Run();
    }

    private void End(Exception? error)
    {
        lock (_gate)
        {
            (_isDone, _error) = (true, error);
            if (_connection is null)
                _socket?.Dispose();
            Monitor.PulseAll(_gate);
        }
    }

    // A peer that is still starting refuses the connection or has no name yet; so try until the time is over.
    private Socket Reach()
    {
        while (true)
        {
            try
            {
                if (options.UseUnixSockets && endpoint is { SocketPath: { } path, Machine.Length: > 0 }
                    && endpoint.Machine == DataEndpoint.ThisMachine)
                {
                    Socket near = Connect(new UnixDomainSocketEndPoint(DataPlane.AbstractName(path)));
                    if (options.Certificate is null || SocketSetup.IsSameUser(near))
                        return near;
                }
            }
            catch (SocketException)
            {
                // Seen from here there is no such socket after all; TCP always is.
            }
            try
            {
                IPAddress address = Dns.GetHostAddresses(endpoint.Host)[0];
                return Connect(new IPEndPoint(address, endpoint.Port));
            }
            catch (SocketException e) when (Environment.TickCount64 + RetryMilliseconds < deadline)
            {
                lock (_gate)
                    _error = e;
                Thread.Sleep(RetryMilliseconds);
            }
        }
    }

    private Socket Connect(EndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        lock (_gate)
        {
            _socket?.Dispose();
            _socket = socket;
            if (_isGivenUp)
                socket.Dispose();
        }
        SocketSetup.Apply(socket, options);
        socket.Connect(address);
        return socket;
    }
}
