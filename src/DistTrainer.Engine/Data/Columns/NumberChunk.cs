using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Data.Columns;

/// <summary>
/// Room for some values of a column, outside the collector's heap: a place in one of the blocks of some megabytes that
/// chunks of all columns share in the order in which they come up. A block's memory is free again as soon as all its
/// chunks are, and at the latest when nobody holds one of them.
/// </summary>
/// <param name="block">The block.</param>
/// <param name="offset">The first value's place in it.</param>
internal readonly struct NumberChunk(NumberChunk.Block block, int offset)
{
    /// <summary>Values of a chunk; a power of two.</summary>
    public const int Length = 1024;

    private static readonly Lock s_taking = new();
    private static Block s_open = new();

    /// <summary>The values.</summary>
    public Span<float> Values => block.Memory.Slice(offset, Length);

    /// <summary>Takes room; what is in it is left from others.</summary>
    public static NumberChunk Take()
    {
        lock (s_taking)
        {
            if (s_open.IsFull)
                s_open = new();
            return new(s_open, s_open.Take());
        }
    }

    /// <summary>Gives the room back; nobody reads it any more.</summary>
    public void Free() => block.Free();

    /// <summary>Memory of many chunks.</summary>
    internal sealed class Block
    {
        private const int Chunks = 1024;
        private AlignedBuffer? _memory;
        private int _taken;
        private int _freed;

        /// <summary>Whether all chunks are taken.</summary>
        public bool IsFull => _taken == Chunks;

        /// <summary>All values.</summary>
        public Span<float> Memory => _memory!.Span;

        /// <summary>Takes the next chunk.</summary>
        /// <returns>Its first value's place.</returns>
        public int Take()
        {
            _memory ??= new AlignedBuffer(Chunks * Length, zeroed: false);
            return _taken++ * Length;
        }

        /// <summary>One of its chunks is not needed any more.</summary>
        public void Free()
        {
            if (Interlocked.Increment(ref _freed) == Chunks)
                _memory!.Dispose();
        }
    }
}
