using System.Numerics;

namespace DistTrainer.Transport;

/// <summary>
/// A first-in first-out queue of bytes that grows and never shrinks, so that it allocates nothing once it is warm.
/// </summary>
internal sealed class ByteRing
{
    private byte[] _bytes = new byte[1024];
    private int _head;
    private int _count;

    /// <summary>Puts bytes at the end.</summary>
    /// <param name="source">The bytes.</param>
    public void Write(ReadOnlySpan<byte> source)
    {
        if (_count + source.Length > _bytes.Length)
            Grow(_count + source.Length);
        int tail = (_head + _count) & (_bytes.Length - 1);
        int first = Math.Min(source.Length, _bytes.Length - tail);
        source[..first].CopyTo(_bytes.AsSpan(tail));
        source[first..].CopyTo(_bytes);
        _count += source.Length;
    }

    /// <summary>Takes bytes from the front.</summary>
    /// <param name="target">Filled whole; there must be as many.</param>
    public void Read(Span<byte> target)
    {
        int first = Math.Min(target.Length, _bytes.Length - _head);
        _bytes.AsSpan(_head, first).CopyTo(target);
        _bytes.AsSpan(0, target.Length - first).CopyTo(target[first..]);
        _head = (_head + target.Length) & (_bytes.Length - 1);
        _count -= target.Length;
    }

    private void Grow(int needed)
    {
        var larger = new byte[BitOperations.RoundUpToPowerOf2((uint)needed)];
        int count = _count;
        Read(larger.AsSpan(0, count));
        (_bytes, _head, _count) = (larger, 0, count);
    }
}
