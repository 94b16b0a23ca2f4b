using System.Net.Sockets;
using System.Runtime.InteropServices;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Transport;

/// <summary>
/// Writes what a queue holds to a peer, cut into frames; runs on the connection's writer thread, but for small messages
/// that find it idle.
/// </summary>
/// <param name="wire">The peer.</param>
/// <param name="queue">Where the entries come from.</param>
/// <param name="chunkBytes">Payload of a floats frame at most.</param>
internal sealed class FrameWriter(Wire wire, SendQueue queue, int chunkBytes)
{
    private const int MaxNowBytes = 4 << 10;
    private readonly SendBuffer _stage = new(16 << 10);
    private readonly byte[] _body = new byte[Frame.MaxMessageBytes];
    private byte[] _copy = [];
    private volatile bool _copiesFloats;

    /// <summary>
    /// Whether floats may change while they wait or are sent, since the peer is so slow that nobody needs them any
    /// more: each frame is copied first, so that its checksum is right.
    /// </summary>
    public bool CopiesFloats { get => _copiesFloats; set => _copiesFloats = value; }

    /// <summary>Writes until the queue is closed.</summary>
    /// <exception cref="SocketException">The socket fails.</exception>
    public void Run()
    {
        do
        {
            while (queue.TryTake(out SendQueue.Item item, _body))
            {
                if (item.Buffer is null)
                    WriteMessage(item.MessageKind, _body.AsSpan(0, (int)item.Length));
                else
                    WriteFloats(item);
                queue.Written(item);
            }
            Flush();
        }
        while (queue.Wait());
    }

    /// <summary>
    /// Writes a small message at once if that cannot block; the queue's lock is held and its writer waits.
    /// </summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="body">Its body.</param>
    /// <returns>False if it was not written: it is long, the socket is full, or it fails, which the writer thread will
    /// find out.</returns>
    public bool TryWriteNow(byte kind, ReadOnlySpan<byte> body)
    {
        try
        {
            // Writable means that at least a quarter of the socket's buffer is free, many times a short message.
            if (body.Length > MaxNowBytes || !wire.Socket.Poll(0, SelectMode.SelectWrite))
                return false;
            WriteMessage(kind, body);
            Flush();
            return true;
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            _stage.Clear();
            return false;
        }
    }

    private void WriteFloats(in SendQueue.Item item)
    {
        ReadOnlySpan<float> floats = item.Buffer!.Span.Slice(item.BufferOffset, item.Header.Count);
        int chunk = chunkBytes / item.Header.BytesOfOne, done = 0;
        do
        {
            int count = Math.Min(chunk, floats.Length - done);
            ReadOnlySpan<float> part = floats.Slice(done, count);
            ReadOnlySpan<byte> bytes = item.Header.AreRounded ? UpperHalves(part)
                : CopiesFloats ? Copied(MemoryMarshal.AsBytes(part)) : MemoryMarshal.AsBytes(part);
            MakeRoom(Frame.FloatsHeaderBytes);
            Frame.WriteFloats(
                item.Header with { Offset = item.Header.Offset + done, Count = count }, Crc32C.Compute(bytes), _stage);
            WritePayload(bytes);
            done += count;
        }
        while (done < floats.Length);
        GC.KeepAlive(item.Buffer);
    }

    private ReadOnlySpan<byte> Copied(ReadOnlySpan<byte> bytes)
    {
        Span<byte> copy = Copy(bytes.Length);
        bytes.CopyTo(copy);
        return copy;
    }

    private ReadOnlySpan<byte> UpperHalves(ReadOnlySpan<float> floats)
    {
        Span<byte> halves = Copy(Bfloat16.Bytes * floats.Length);
        Bfloat16.Encode(floats, halves);
        return halves;
    }

    private Span<byte> Copy(int length)
    {
        if (_copy.Length == 0)
            _copy = new byte[chunkBytes];
        return _copy.AsSpan(0, length);
    }

    private void WriteMessage(byte kind, ReadOnlySpan<byte> body)
    {
        MakeRoom(Frame.MessageHeaderBytes);
        Frame.WriteMessage(kind, body, _stage);
        WritePayload(body);
    }

    // What fits goes into the stage: small frames leave together, and a header leaves with the beginning of its
    // payload.
    private void WritePayload(ReadOnlySpan<byte> payload)
    {
        int head = Math.Min(payload.Length, _stage.Free);
        payload[..head].CopyTo(_stage.GetSpan());
        _stage.Advance(head);
        if (head == payload.Length)
            return;
        Flush();
        wire.Send(payload[head..]);
    }

    private void MakeRoom(int bytes)
    {
        if (_stage.Free < bytes)
            Flush();
    }

    private void Flush()
    {
        wire.Send(_stage.Written);
        _stage.Clear();
    }
}
