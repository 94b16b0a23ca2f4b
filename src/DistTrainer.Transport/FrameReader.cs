using System.Runtime.InteropServices;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Transport;

/// <summary>
/// Reads data frames from a peer and gives them to a receiver; runs on the connection's reader thread.
/// </summary>
/// <param name="wire">The peer.</param>
internal sealed class FrameReader(Wire wire)
{
    // Read ahead as far as headers and small messages go; the bulk of a payload is received where it belongs.
    private readonly byte[] _ahead = new byte[4096];
    private byte[] _body = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>Reads one frame.</summary>
    /// <param name="connection">Named to the receiver.</param>
    /// <param name="receiver">Takes the frame.</param>
    /// <returns>False if the peer has ended the connection between two frames.</returns>
    /// <exception cref="InvalidDataException">The frame is damaged or not allowed.</exception>
    /// <exception cref="EndOfStreamException">The peer has ended the connection within the frame.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The socket fails.</exception>
    public bool ReadFrame(DataConnection connection, IDataReceiver receiver)
    {
        if (!TryFill(2))
            return false;
        int headerBytes = Frame.HeaderBytes(_ahead.AsSpan(_start, 2));
        _ = TryFill(headerBytes);
        FrameHeader header = Frame.Read(_ahead.AsMemory(_start, headerBytes));
        _start += headerBytes;
        if (header.Floats is { } floats)
            ReadFloats(connection, receiver, floats, header);
        else
            ReadMessage(connection, receiver, header);
        return true;
    }

    private void ReadFloats(
        DataConnection connection, IDataReceiver receiver, in FloatsHeader floats, in FrameHeader header)
    {
        Span<float> place = receiver.Place(connection, floats);
        if (place.Length != floats.Count && !place.IsEmpty)
            throw new InvalidOperationException(
                $"The place for {floats.Count} floats has {place.Length}; allowed are {floats.Count} or none.");
        Span<byte> bytes = MemoryMarshal.AsBytes(place);
        uint checksum = place.IsEmpty ? Discard(header.Length) : ReadPayload(bytes[^header.Length..]);
        Frame.CheckSame(header.PayloadChecksum, checksum, "floats", "payload");
        if (floats.AreRounded)
            Bfloat16.DecodeInPlace(place);
    }

    private void ReadMessage(DataConnection connection, IDataReceiver receiver, in FrameHeader header)
    {
        if (_body.Length < header.Length)
            _body = new byte[Frame.MaxMessageBytes];
        Span<byte> body = _body.AsSpan(0, header.Length);
        Frame.CheckSame(header.PayloadChecksum, ReadPayload(body), "message", "payload");
        receiver.Receive(connection, header.MessageKind, body);
    }

    private uint Discard(int length)
    {
        uint checksum = 0;
        for (int left = length; left > 0;)
        {
            Span<byte> part = _body.AsSpan(0, Math.Min(left, _body.Length));
            checksum = ReadPayload(part, checksum);
            left -= part.Length;
        }
        return checksum;
    }

    // The checksum is taken piece by piece, while the piece is still in the processor's cache.
    private uint ReadPayload(Span<byte> target, uint checksum = 0)
    {
        int ahead = Math.Min(target.Length, _end - _start);
        _ahead.AsSpan(_start, ahead).CopyTo(target);
        _start += ahead;
        checksum = Crc32C.Append(checksum, target[..ahead]);
        for (target = target[ahead..]; !target.IsEmpty;)
        {
            int count = wire.Receive(target);
            if (count == 0)
                throw new EndOfStreamException(
                    $"The connection ended within the payload of a frame, {target.Length} bytes before its end.");
            checksum = Crc32C.Append(checksum, target[..count]);
            target = target[count..];
        }
        return checksum;
    }

    private bool TryFill(int bytes)
    {
        if (_end - _start >= bytes)
            return true;
        _ahead.AsSpan(_start, _end - _start).CopyTo(_ahead);
        (_start, _end) = (0, _end - _start);
        while (_end < bytes)
        {
            int count = wire.Receive(_ahead.AsSpan(_end));
            if (count == 0 && _end > 0)
                throw new EndOfStreamException("The connection ended within the header of a frame.");
            if (count == 0)
                return false;
            _end += count;
        }
        return true;
    }
}
