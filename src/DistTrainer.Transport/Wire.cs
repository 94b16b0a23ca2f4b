using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using DistTrainer.Transport.Security;

namespace DistTrainer.Transport;

/// <summary>
/// A connected peer as a way for bytes: the blocking socket itself, or mutual TLS over it. Everything runs on the
/// calling thread. One thread may receive while another sends.
/// </summary>
internal sealed class Wire : IDisposable
{
    private readonly SocketStream _stream;
    private readonly SslStream? _tls;

    /// <summary>Takes the socket as it is.</summary>
    /// <param name="socket">A connected blocking socket; the wire disposes it.</param>
    public Wire(Socket socket) => (Socket, _stream) = (socket, new SocketStream(socket));

    private Wire(Socket socket, SocketStream stream, SslStream tls) => (Socket, _stream, _tls) = (socket, stream, tls);

    /// <summary>The socket.</summary>
    public Socket Socket { get; }

    /// <summary>Whether the bytes are encrypted and both ends have shown a certificate.</summary>
    public bool IsEncrypted => _tls is not null;

    /// <summary>Listener's side: lets a peer show its certificate.</summary>
    /// <param name="socket">A connected blocking socket.</param>
    /// <param name="certificate">This node's.</param>
    /// <param name="deadline">When the peer must be done, in <see cref="Environment.TickCount64"/>.</param>
    /// <exception cref="AuthenticationException">The peer has no certificate of ours, or does not speak
    /// TLS.</exception>
    /// <exception cref="TimeoutException">It is too slow.</exception>
    public static Wire Accept(Socket socket, NodeCertificate certificate, long deadline) => Secure(
        socket, deadline, (tls, check) => tls.AuthenticateAsServer(certificate.ServerOptions(check)), certificate);

    /// <summary>Dialer's side: shows this node's certificate and looks at the peer's.</summary>
    /// <param name="socket">A connected blocking socket.</param>
    /// <param name="certificate">This node's.</param>
    /// <param name="host">Whom it dialed, for the peer's logs.</param>
    /// <param name="deadline">When the peer must be done, in <see cref="Environment.TickCount64"/>.</param>
    /// <exception cref="AuthenticationException">The peer has no certificate of ours, or does not speak
    /// TLS.</exception>
    /// <exception cref="TimeoutException">It is too slow.</exception>
    public static Wire Dial(Socket socket, NodeCertificate certificate, string host, long deadline) => Secure(
        socket, deadline, (tls, check) =>
            tls.AuthenticateAsClient(certificate.ClientOptions(host, check)), certificate);

    /// <summary>Receives what has come, at least a byte; 0 at the end.</summary>
    /// <param name="target">Where to.</param>
    public int Receive(Span<byte> target) => _tls is null ? Socket.Receive(target) : _tls.Read(target);

    /// <summary>The same within a handshake.</summary>
    /// <param name="target">Where to.</param>
    /// <param name="deadline">When the peer must be done, in <see cref="Environment.TickCount64"/>.</param>
    /// <exception cref="TimeoutException">Nothing came in time.</exception>
    public int Receive(Span<byte> target, long deadline)
    {
        _stream.Deadline = deadline;
        try
        {
            return _tls is null ? _stream.Read(target) : _tls.Read(target);
        }
        catch (IOException e) when (e.InnerException is TimeoutException late)
        {
            throw new TimeoutException(late.Message, e);
        }
    }

    /// <summary>The handshake is over: from now on there is no deadline.</summary>
    public void EndHandshake()
    {
        _stream.Deadline = null;
        Socket.ReceiveTimeout = 0;
        Socket.SendTimeout = 0;
    }

    /// <summary>Sends all of it.</summary>
    /// <param name="bytes">The bytes.</param>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_tls is null)
            _stream.Write(bytes);
        else
            _tls.Write(bytes);
    }

    /// <summary>Closes the socket at once.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        _tls?.Dispose();
        _stream.Dispose();
    }

    private static Wire Secure(
        Socket socket, long deadline, Action<SslStream, RemoteCertificateValidationCallback> authenticate,
        NodeCertificate certificate)
    {
        var stream = new SocketStream(socket) { Deadline = deadline };
        var tls = new SslStream(stream, leaveInnerStreamOpen: true);
        string? problem = null;
        try
        {
            authenticate(tls, (_, peer, _, _) => (problem = certificate.ProblemOf(peer)) is null);
            return new Wire(socket, stream, tls);
        }
        catch (Exception e)
        {
            tls.Dispose();
            throw problem is null ? e is AuthenticationException or TimeoutException ? Plain(e) : e
                : new AuthenticationException(problem, e);
        }
    }

    // TLS' own words name neither cause nor remedy: a stranger without a certificate and one without TLS come to this.
    private static Exception Plain(Exception e) => e is TimeoutException ? e
        : new AuthenticationException($"no mutual TLS could be agreed on: {e.GetBaseException().Message}", e);
}
