using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace DistTrainer.Transport;

/// <summary>
/// Accepts connections on one socket. Each gets a thread, which does the handshake and then stays as the connection's
/// reader thread.
/// </summary>
internal sealed class DataListener : IDisposable
{
    private const int Backlog = 512;
    private readonly DataPlane _plane;
    private readonly DataPlaneOptions _options;
    private readonly RateLimitedWarning _warning;
    private readonly Socket _socket;
    private readonly Thread _thread;
    private volatile bool _isClosed;

    /// <summary>Binds and begins to accept.</summary>
    /// <param name="plane">Takes the connections.</param>
    /// <param name="options">Its options.</param>
    /// <param name="address">Where to listen.</param>
    /// <param name="warning">Where warnings go.</param>
    public DataListener(DataPlane plane, DataPlaneOptions options, EndPoint address, RateLimitedWarning warning)
    {
        (_plane, _options, _warning) = (plane, options, warning);
        // .NET binds a port whose last connections are not forgotten yet (TIME_WAIT) only where it knows that it is
        // TCP.
        ProtocolType protocol = address.AddressFamily == AddressFamily.Unix
            ? ProtocolType.Unspecified : ProtocolType.Tcp;
        _socket = new Socket(address.AddressFamily, SocketType.Stream, protocol);
        try
        {
            _socket.Bind(address);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
        _socket.Listen(Backlog);
        _thread = new Thread(Accept, DataConnection.StackBytes) { IsBackground = true, Name = "data listener" };
        _thread.Start();
    }

    /// <summary>Where it listens.</summary>
    public EndPoint Address => _socket.LocalEndPoint!;

    /// <summary>Stops accepting.</summary>
    public void Dispose()
    {
        _isClosed = true;
        _socket.Dispose();
        _thread.Join();
    }

    private void Accept()
    {
        while (!_isClosed)
        {
            try
            {
                Start(_socket.Accept());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                if (_isClosed)
                    return;
                _warning.Write($"The data plane could not accept a connection: {e.Message}");
                Thread.Sleep(20); // out of file descriptors, most likely: the next attempt at once would fail as well
            }
        }
    }

    private void Start(Socket socket)
    {
        if (!_plane.TryBeginHandshake(socket))
        {
            _warning.Write(
                $"The data plane closed a connection: {_options.MaxHandshakes} others are still in their handshake.");
            socket.Dispose();
            return;
        }
        new Thread(() => Serve(socket), DataConnection.StackBytes)
        {
            IsBackground = true,
            Name = "data from a peer"
        }.Start();
    }

    private void Serve(Socket socket)
    {
        string from = "this machine";
        DataConnection? connection = null;
        try
        {
            if (socket.AddressFamily != AddressFamily.Unix)
                from = $"{socket.RemoteEndPoint}";
            SocketSetup.Apply(socket, _options);
            socket.SendTimeout = (int)_options.HandshakeTimeout.TotalMilliseconds;
            connection = Greet(socket);
        }
        catch (Exception e)
        {
            if (!_isClosed)
                _warning.Write($"The data plane refused a connection from {from}: {e.Message}");
        }
        finally
        {
            _plane.EndHandshake(socket);
            if (connection is null)
                socket.Dispose();
        }
        connection?.Run();
    }

    private DataConnection? Greet(Socket socket)
    {
        long deadline = Environment.TickCount64 + (long)_options.HandshakeTimeout.TotalMilliseconds;
        Wire wire = Secure(socket, deadline);
        (HandshakeKind kind, byte[] body) = Receive(wire, deadline);
        if (kind == HandshakeKind.HealthRequest)
        {
            Handshake.Send(wire, HandshakeKind.Health, Handshake.Body(_plane.Receiver.Health()));
            return null;
        }
        if (kind != HandshakeKind.Hello)
            throw new InvalidDataException(
                $"A handshake begins with a frame of kind {(byte)kind}; allowed are 1 (hello) and 4 (health request).");
        (byte[] token, Hello hello) = Handshake.ReadHello(body);
        (bool accepted, string reason) = CryptographicOperations.FixedTimeEquals(token, _plane.Token.Span)
            ? _plane.Receiver.Admit(hello)
            : (false, "the token is wrong: it belongs to another process, perhaps to one that ran here before");
        if (!accepted)
        {
            Handshake.Send(wire, HandshakeKind.Refused, Handshake.Body(reason));
            throw new IOException(reason);
        }
        Handshake.Send(wire, HandshakeKind.Welcome, Handshake.Body(_options.Node));
        return _plane.Open(wire, hello.Node, isDialed: false);
    }

    private Wire Secure(Socket socket, long deadline)
    {
        if (_options.Certificate is not { } certificate)
            return new Wire(socket);
        if (socket.AddressFamily != AddressFamily.Unix)
            return Wire.Accept(socket, certificate, deadline);
        return SocketSetup.IsSameUser(socket) ? new Wire(socket)
            : throw new AuthenticationException("the process at the other end runs as another user");
    }

    private static (HandshakeKind Kind, byte[] Body) Receive(Wire wire, long deadline)
    {
        try
        {
            return Handshake.Receive(wire, deadline);
        }
        catch (ProtocolVersionException e)
        {
            Handshake.Send(wire, HandshakeKind.Refused, Handshake.Body(e.Message));
            throw;
        }
    }
}
