using DistTrainer.Engine.Numerics;

namespace DistTrainer.Transport;

/// <summary>
/// What waits for a connection's writer, in order. It never blocks the sender, grows as needed and never shrinks.
/// </summary>
internal sealed class SendQueue
{
    private readonly object _gate = new();
    private readonly Queue<Item> _items = new();
    private readonly ByteRing _bodies = new();
    private long _bytes;
    private bool _isIdle;
    private bool _isClosed;

    /// <summary>One entry.</summary>
    /// <param name="Header">What the floats are.</param>
    /// <param name="Buffer">Where they lie; null: a small message.</param>
    /// <param name="BufferOffset">First float in the buffer.</param>
    /// <param name="MessageKind">Kind of a small message.</param>
    /// <param name="Length">Payload in bytes.</param>
    public readonly record struct Item(
        FloatsHeader Header, AlignedBuffer? Buffer, int BufferOffset, byte MessageKind, long Length);

    /// <summary>Payload that was put in and not yet written to the socket, in bytes.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Puts an entry at the end; a closed queue drops it.</summary>
    /// <param name="item">The entry.</param>
    /// <param name="body">The body of a small message; copied.</param>
    public void Add(in Item item, ReadOnlySpan<byte> body)
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _items.Enqueue(item);
            _bodies.Write(body);
            Interlocked.Add(ref _bytes, item.Length);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>
    /// Writes a small message on the calling thread if nothing is before it, which saves waking the writer; else puts
    /// it at the end.
    /// </summary>
    /// <param name="item">The entry.</param>
    /// <param name="body">Its body.</param>
    /// <param name="writer">The queue's writer.</param>
    public void WriteOrAdd(in Item item, ReadOnlySpan<byte> body, FrameWriter writer)
    {
        lock (_gate)
        {
            if (!_isIdle || _isClosed || _items.Count > 0 || !writer.TryWriteNow(item.MessageKind, body))
                Add(item, body);
        }
    }

    /// <summary>Takes the first entry, if there is one.</summary>
    /// <param name="item">The entry.</param>
    /// <param name="body">Takes the body of a small message; as long as the longest.</param>
    /// <returns>False if the queue is empty or closed.</returns>
    public bool TryTake(out Item item, Span<byte> body)
    {
        lock (_gate)
        {
            if (_isClosed || !_items.TryDequeue(out item))
            {
                item = default;
                return false;
            }
            if (item.Buffer is null)
                _bodies.Read(body[..(int)item.Length]);
            return true;
        }
    }

    /// <summary>Counts an entry as written.</summary>
    /// <param name="item">The entry.</param>
    public void Written(in Item item) => Interlocked.Add(ref _bytes, -item.Length);

    /// <summary>Waits until there is an entry.</summary>
    /// <returns>False once the queue is closed.</returns>
    public bool Wait()
    {
        lock (_gate)
        {
            _isIdle = true;
            while (!_isClosed && _items.Count == 0)
                Monitor.Wait(_gate);
            _isIdle = false;
            return !_isClosed;
        }
    }

    /// <summary>Drops what waits and lets go of its buffers.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _items.Clear();
            Interlocked.Exchange(ref _bytes, 0);
            Monitor.PulseAll(_gate);
        }
    }
}
