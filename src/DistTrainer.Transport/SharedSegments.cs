using System.Buffers;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Transport;

/// <summary>
/// One process offers another a buffer of its own to map: MessagePack array <c>[segment, oldest, descriptor, floats,
/// tag]</c>.
/// </summary>
/// <param name="Number">Its number on this connection and from this side, ≥ 1.</param>
/// <param name="Oldest">Those with a smaller number are not named any more.</param>
/// <param name="Descriptor">See <see cref="SharedMemory.Descriptor"/>.</param>
/// <param name="Length">Floats.</param>
/// <param name="Tag">See <see cref="SharedMemory.Tag"/>.</param>
internal readonly record struct SegmentOffer(int Number, int Oldest, int Descriptor, int Length, byte[] Tag);

/// <summary>
/// The buffers that the two ends of a connection share, each written by one of them and mapped for reading by the
/// other. A buffer is offered when it is first to be sent. Until the peer has mapped it, and for good if the peer
/// cannot (another container, another user), its floats are sent.
/// </summary>
/// <param name="connection">Carries offers and answers.</param>
/// <param name="peerProcess">The peer's process, as this one sees it; 0: nothing is shared.</param>
internal sealed class SharedSegments(DataConnection connection, int peerProcess)
{
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _message = new();
    private readonly Dictionary<AlignedBuffer, int> _offered = [];
    private readonly Dictionary<int, AlignedBuffer> _unanswered = [];
    private readonly HashSet<int> _accepted = [];
    private readonly Dictionary<int, AlignedBuffer> _mapped = [];
    private int _last;
    private int _oldest = 1;
    private int _peerOldest = 1;

    /// <summary>Whether the peer is a process of this machine that may map this one's memory.</summary>
    public bool MayBeShared => peerProcess != 0;

    /// <summary>
    /// The number under which the peer has mapped a buffer of this process; 0: it has not, send the floats.
    /// </summary>
    public int NumberOf(AlignedBuffer buffer)
    {
        if (peerProcess == 0 || buffer.Shared is not { } memory)
            return 0;
        lock (_gate)
        {
            if (_offered.TryGetValue(buffer, out int number))
                return _accepted.Contains(number) ? number : 0;
            number = ++_last;
            _offered[buffer] = number;
            _unanswered[number] = buffer;
            _message.ResetWrittenCount();
            SegmentMessages.Write(
                _message, new SegmentOffer(number, _oldest, memory.Descriptor, buffer.Length, memory.Tag.ToArray()));
            connection.Send(SegmentMessages.Offer, _message.WrittenSpan);
            return 0;
        }
    }

    /// <summary>
    /// The buffers that were offered are not used any more; the peer hears of it with the next offer.
    /// </summary>
    public void Forget()
    {
        lock (_gate)
        {
            // What the peer has not answered yet stays in _unanswered: its descriptor must not become another file's
            // before.
            _offered.Clear();
            _accepted.Clear();
            _oldest = _last + 1;
        }
    }

    /// <summary>Takes the peer's answer to an offer.</summary>
    /// <param name="number">The segment.</param>
    /// <param name="isMapped">Whether the peer has mapped it.</param>
    /// <exception cref="InvalidDataException">There is no such offer.</exception>
    public void TakeAnswer(int number, bool isMapped)
    {
        lock (_gate)
        {
            if (!_unanswered.Remove(number))
                throw new InvalidDataException($"segment {number} was answered, but no offer of it is open.");
            if (isMapped && number >= _oldest)
                _accepted.Add(number);
        }
    }

    /// <summary>Maps what the peer offers, and answers; on the reader thread.</summary>
    /// <param name="offer">The offer.</param>
    /// <param name="length">Floats that it must have.</param>
    /// <exception cref="InvalidDataException">It is not what was promised.</exception>
    public void TakeOffer(in SegmentOffer offer, int length)
    {
        if (offer.Oldest < _peerOldest || offer.Number < offer.Oldest || _mapped.ContainsKey(offer.Number))
            throw new InvalidDataException(
                $"segment {offer.Number}, the oldest being {offer.Oldest}, was offered before or is too old.");
        if (offer.Length != length)
            throw new InvalidDataException($"segment {offer.Number} has {offer.Length} floats; allowed are {length}.");
        _peerOldest = offer.Oldest;
        foreach (int old in _mapped.Keys.Where(number => number < _peerOldest).ToArray())
            _mapped.Remove(old); // whoever still reads it holds a reference; the last one unmaps it
        bool isMapped = false;
        try
        {
            if (peerProcess != 0
                && AlignedBuffer.OpenShared(peerProcess, offer.Descriptor, length, offer.Tag) is { } buffer)
                isMapped = _mapped.TryAdd(offer.Number, buffer);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException(
                $"segment {offer.Number}, descriptor {offer.Descriptor} of process {peerProcess}, is not to be "
                + $"mapped: {e.Message}.", e);
        }
        var answer = new ArrayBufferWriter<byte>();
        SegmentMessages.WriteAnswer(answer, offer.Number, isMapped);
        connection.Send(SegmentMessages.Answer, answer.WrittenSpan);
    }

    /// <summary>
    /// A buffer of the peer, only to be read; null if the peer has given it up since. On the reader thread.
    /// </summary>
    /// <exception cref="InvalidDataException">There is no such segment.</exception>
    public AlignedBuffer? Mapped(int number) => _mapped.TryGetValue(number, out AlignedBuffer? buffer) ? buffer
        : number > 0 && number < _peerOldest ? null
        : throw new InvalidDataException($"segment {number} is not mapped here.");

    /// <summary>The connection is closed: lets go of all buffers. On the reader thread.</summary>
    public void Close()
    {
        _mapped.Clear();
        lock (_gate)
        {
            _offered.Clear();
            _accepted.Clear();
            _unanswered.Clear();
        }
    }
}
