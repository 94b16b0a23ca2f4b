using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace DistTrainer.Transport;

/// <summary>
/// Options of the data plane's sockets. They stay blocking: a socket that was ever asynchronous goes through the thread
/// pool.
/// </summary>
internal static partial class SocketSetup
{
    private const int UnixBufferBytes = 1 << 20;
    private const int UserTimeoutMilliseconds = 30_000;
    private const int LinuxTcp = 6;
    private const int LinuxTcpUserTimeout = 18;
    private const int LinuxSocketLevel = 1;
    private const int LinuxPeerCredentials = 17;

    /// <summary>Sets the options of a connected socket, or of one before it connects.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="options">Buffer sizes.</param>
    public static void Apply(Socket socket, DataPlaneOptions options)
    {
        bool isUnix = socket.AddressFamily == AddressFamily.Unix;
        int standard = isUnix ? UnixBufferBytes : 0;
        int send = options.SendBufferBytes > 0 ? options.SendBufferBytes : standard;
        int receive = options.ReceiveBufferBytes > 0 ? options.ReceiveBufferBytes : standard;
        if (send > 0)
            socket.SendBufferSize = send;
        if (receive > 0)
            socket.ReceiveBufferSize = receive;
        if (isUnix)
            return;
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 10);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 2);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        // Keep-alive says nothing while data is under way; without this a machine that lost its power is tried for a
        // quarter of an hour.
        if (OperatingSystem.IsLinux())
            socket.SetRawSocketOption(LinuxTcp, LinuxTcpUserTimeout, BitConverter.GetBytes(UserTimeoutMilliseconds));
    }

    /// <summary>
    /// The process at the other end of a Unix-domain socket, as the system knows it; 0: it cannot be seen from here.
    /// </summary>
    /// <param name="socket">A connected socket.</param>
    public static int PeerProcess(Socket socket) => PeerCredentials(socket)?.Process ?? 0;

    /// <summary>
    /// Whether the process at the other end of a Unix-domain socket runs as the same user as this one.
    /// </summary>
    /// <param name="socket">A connected socket.</param>
    public static bool IsSameUser(Socket socket) => PeerCredentials(socket) is { } peer && peer.User == EffectiveUser();

    private static (int Process, int User)? PeerCredentials(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        Span<byte> credentials = stackalloc byte[3 * sizeof(int)]; // process, user, group
        return socket.GetRawSocketOption(LinuxSocketLevel, LinuxPeerCredentials, credentials) == credentials.Length
            ? (BitConverter.ToInt32(credentials), BitConverter.ToInt32(credentials[sizeof(int)..]))
            : null;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial int EffectiveUser();
}
