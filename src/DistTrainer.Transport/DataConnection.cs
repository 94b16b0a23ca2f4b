using System.Net.Sockets;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Transport;

/// <summary>
/// One connection to a peer, after its handshake: floats and small messages, in order, both ways. It has a reader and a
/// writer thread of its own, so neither a busy thread pool nor a full queue holds anything up.
/// </summary>
internal sealed class DataConnection : IDisposable
{
    /// <summary>Virtual size of a data-plane thread's stack in bytes; thousands of them may live at once.</summary>
    internal const int StackBytes = 1 << 20;

    private readonly Wire _wire;
    private readonly IDataReceiver _receiver;
    private readonly SendQueue _queue = new();
    private readonly FrameWriter _writer;
    private readonly FrameReader _reader;
    private readonly Action<DataConnection> _ended;
    private readonly Lock _gate = new();
    private bool _isClosed;
    private Exception? _cause;

    /// <summary>Takes over a peer whose handshake is done.</summary>
    /// <param name="wire">The peer; the connection disposes it.</param>
    /// <param name="peer">The peer's node name.</param>
    /// <param name="isDialed">Whether this side dialed.</param>
    /// <param name="receiver">Takes what arrives.</param>
    /// <param name="options">The data plane's options.</param>
    /// <param name="ended">Called after <see cref="IDataReceiver.Closed"/>.</param>
    internal DataConnection(
        Wire wire, string peer, bool isDialed, IDataReceiver receiver, DataPlaneOptions options,
        Action<DataConnection> ended)
    {
        (_wire, Peer, IsDialed, _receiver, _ended) = (wire, peer, isDialed, receiver, ended);
        IsUnixSocket = wire.Socket.AddressFamily == AddressFamily.Unix;
        _writer = new FrameWriter(wire, _queue, options.ChunkBytes);
        _reader = new FrameReader(wire);
        Segments = new SharedSegments(
            this, IsUnixSocket && options.SharesMemory ? SocketSetup.PeerProcess(wire.Socket) : 0);
    }

    /// <summary>The peer's node name, from the handshake.</summary>
    public string Peer { get; }

    /// <summary>
    /// Whether floats may change while they wait or are sent; see <see cref="FrameWriter.CopiesFloats"/>.
    /// </summary>
    public bool CopiesFloats { set => _writer.CopiesFloats = value; }

    /// <summary>Whether this side dialed.</summary>
    public bool IsDialed { get; }

    /// <summary>Whether the two processes meet over a Unix-domain socket.</summary>
    public bool IsUnixSocket { get; }

    /// <summary>Whether the floats travel encrypted, between two ends that have shown their certificates.</summary>
    public bool IsEncrypted => _wire.IsEncrypted;

    /// <summary>The buffers that the two processes share.</summary>
    public SharedSegments Segments { get; }

    /// <summary>Whatever the receiver wants to find again with the connection.</summary>
    public object? State { get; set; }

    /// <summary>Payload that was sent and not yet handed to the system, in bytes.</summary>
    public long QueuedBytes => _queue.Bytes;

    /// <summary>
    /// Sends a range of floats: puts it in the queue and returns at once, without an allocation once the queue is warm.
    /// The buffer is referenced until it is written, and neither may its floats change nor may it be disposed before. A
    /// closed connection drops it; <see cref="IDataReceiver.Closed"/> tells.
    /// </summary>
    /// <param name="header">What the floats are.</param>
    /// <param name="buffer">Where they lie.</param>
    /// <param name="bufferOffset">First float in the buffer.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range does not lie in the buffer.</exception>
    public void Send(in FloatsHeader header, AlignedBuffer buffer, int bufferOffset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bufferOffset);
        ArgumentOutOfRangeException.ThrowIfNegative(header.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(header.Count, buffer.Length - bufferOffset);
        long bytes = (long)header.Count * header.BytesOfOne;
        _queue.Add(new SendQueue.Item(header, buffer, bufferOffset, 0, bytes), default);
    }

    /// <summary>
    /// Sends a small message behind everything sent before: writes it at once if nothing waits, else copies it and puts
    /// it in the queue; never blocks.
    /// </summary>
    /// <param name="kind">For the receiver.</param>
    /// <param name="body">The message, ≤ 64 KiB.</param>
    /// <exception cref="ArgumentOutOfRangeException">The message is longer.</exception>
    public void Send(byte kind, ReadOnlySpan<byte> body)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(body.Length, Frame.MaxMessageBytes);
        _queue.WriteOrAdd(new SendQueue.Item(default, null, 0, kind, body.Length), body, _writer);
    }

    /// <summary>
    /// Closes at once, drops what still waits in the queue, and returns without waiting for the threads: buffers that
    /// were sent or given as a place may be touched until <see cref="IDataReceiver.Closed"/>. Again: nothing happens.
    /// </summary>
    public void Close() => End(null);

    /// <summary>As <see cref="Close"/>.</summary>
    public void Dispose() => Close();

    /// <summary>Reads until the connection ends; the calling thread is its reader thread.</summary>
    internal void Run()
    {
        var writer = new Thread(RunWriter, StackBytes) { IsBackground = true, Name = $"data to {Peer}" };
        writer.Start();
        ThreadNice.Add(ThreadNice.Compute);
        try
        {
            _receiver.Opened(this);
            while (_reader.ReadFrame(this, _receiver))
            {
            }
            End(new EndOfStreamException($"Node {Peer} has ended the data connection."));
        }
        catch (Exception e)
        {
            End(e);
        }
        writer.Join();
        _wire.Dispose();
        Segments.Close();
        _receiver.Closed(this, _cause);
        _ended(this);
    }

    private void RunWriter()
    {
        ThreadNice.Add(ThreadNice.Compute);
        try
        {
            _writer.Run();
        }
        catch (Exception e)
        {
            End(e);
        }
    }

    // The first one to come decides the cause; the shutdown wakes both threads out of whatever system call they are in.
    private void End(Exception? cause)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            (_isClosed, _cause) = (true, cause);
        }
        _queue.Close();
        try
        {
            _wire.Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer was faster: there is nothing left to shut down.
        }
    }
}
