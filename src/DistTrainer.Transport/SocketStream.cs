using System.Net.Sockets;

namespace DistTrainer.Transport;

/// <summary>
/// What TLS reads from and writes to: a blocking socket whose reads have one deadline together, so that a byte now and
/// then does not keep a handshake open.
/// </summary>
/// <param name="socket">The socket; it is not disposed here.</param>
internal sealed class SocketStream(Socket socket) : NetworkStream(socket, ownsSocket: false)
{
    /// <summary>
    /// When reading must be done, in <see cref="Environment.TickCount64"/>; null: whenever it will be.
    /// </summary>
    public long? Deadline { get; set; }

    /// <summary>Reads what has come, and waits for it until the deadline.</summary>
    /// <exception cref="TimeoutException">Nothing came in time.</exception>
    public override int Read(Span<byte> buffer)
    {
        const string TooLate = "The peer did not finish its handshake in time.";
        if (Deadline is not { } deadline)
            return Socket.Receive(buffer);
        long left = deadline - Environment.TickCount64;
        if (left <= 0)
            throw new TimeoutException(TooLate);
        Socket.ReceiveTimeout = (int)Math.Min(left, int.MaxValue);
        try
        {
            return Socket.Receive(buffer);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new TimeoutException(TooLate, e);
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <summary>Writes all.</summary>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
            buffer = buffer[Socket.Send(buffer)..];
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
}
