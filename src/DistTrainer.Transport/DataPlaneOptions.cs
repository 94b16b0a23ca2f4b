using DistTrainer.Transport.Security;

namespace DistTrainer.Transport;

/// <summary>Settings of a process's data plane.</summary>
internal sealed record DataPlaneOptions
{
    /// <summary>This process's node name, as peers log it; see <see cref="NodeName"/>.</summary>
    public required string Node { get; init; }

    /// <summary>Address to listen on; default: all of IPv4.</summary>
    public string BindHost { get; init; } = "0.0.0.0";

    /// <summary>
    /// Host name or address that peers dial; null: <see cref="BindHost"/>, or the machine's name if that is all
    /// addresses.
    /// </summary>
    public string? AnnouncedHost { get; init; }

    /// <summary>TCP port, 0–65535; 0: any free one.</summary>
    public int Port { get; init; }

    /// <summary>Whether peers on the same machine meet over a Unix-domain socket (Linux only).</summary>
    public bool UseUnixSockets { get; init; } = true;

    /// <summary>
    /// With it, connections over TCP are mutual TLS, and Unix-domain sockets are for this process's own user only;
    /// null: neither.
    /// </summary>
    public NodeCertificate? Certificate { get; init; }

    /// <summary>Whether peers that meet over a Unix-domain socket may pass floats in shared memory.</summary>
    public bool SharesMemory { get; init; } = true;

    /// <summary>
    /// Payload of a floats frame at most, in bytes: a multiple of 4, 4 … <see cref="Frame.MaxChunkBytes"/>.
    /// </summary>
    public int ChunkBytes { get; init; } = 512 << 10;

    /// <summary>
    /// Send buffer of a socket, in bytes; 0: the system's choice over TCP, which adapts itself, and 1 MiB (or the
    /// system's limit) over a Unix-domain socket, which measured faster.
    /// </summary>
    public int SendBufferBytes { get; init; }

    /// <summary>
    /// Receive buffer of a socket, in bytes; 0: the system's choice over TCP, which adapts itself, and 1 MiB (or the
    /// system's limit) over a Unix-domain socket, which measured faster.
    /// </summary>
    public int ReceiveBufferBytes { get; init; }

    /// <summary>How long a peer may take for its whole handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections that may be in their handshake at once, ≥ 1; more are closed.</summary>
    public int MaxHandshakes { get; init; } = 64;

    /// <summary>Where warnings about strangers go (one line each, rate limited); called on any thread.</summary>
    public Action<string> Warn { get; init; } = _ => { };
}
