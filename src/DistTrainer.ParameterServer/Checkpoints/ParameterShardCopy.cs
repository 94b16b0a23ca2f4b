namespace DistTrainer.ParameterServer.Checkpoints;

/// <summary>
/// Everything that one parameter shard must remember after a step, in buffers of its own: it is written to a checkpoint
/// while training goes on, and read from one. Made once and used again; whoever fills it must wait until it is written.
/// </summary>
internal sealed class ParameterShardCopy
{
    private readonly float[][] _slots;
    private float[] _best = [];

    /// <summary>Reserves the buffers of a stretch of the flat vector.</summary>
    /// <param name="start">First element.</param>
    /// <param name="end">One past the last element.</param>
    /// <param name="slotNames">The optimizer's slots, in order.</param>
    public ParameterShardCopy(int start, int end, IReadOnlyList<string> slotNames)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, start);
        (Start, End, SlotNames) = (start, end, slotNames);
        Parameters = new float[Length];
        _slots = [.. slotNames.Select(_ => new float[Length])];
    }

    /// <summary>First element in the flat vector.</summary>
    public int Start { get; }

    /// <summary>One past the last element in the flat vector.</summary>
    public int End { get; }

    /// <summary>Number of elements.</summary>
    public int Length => End - Start;

    /// <summary>The last step that is in; 0 before the first.</summary>
    public long Step { get; internal set; }

    /// <summary>The optimizer's slots, in order.</summary>
    public IReadOnlyList<string> SlotNames { get; }

    /// <summary>The parameters.</summary>
    public float[] Parameters { get; }

    /// <summary>Whether the best parameters so far were kept.</summary>
    public bool HasBest { get; private set; }

    /// <summary>The best parameters so far; empty without <see cref="HasBest"/>.</summary>
    public ReadOnlySpan<float> Best => HasBest ? _best : [];

    /// <summary>The values of one slot, by its index in <see cref="SlotNames"/>.</summary>
    public float[] Slot(int index) => _slots[index];

    /// <summary>Says whether there are best parameters, and gives room for them.</summary>
    internal Span<float> SetBest(bool has)
    {
        HasBest = has;
        if (has && _best.Length == 0)
            _best = new float[Length];
        return has ? _best : [];
    }

    /// <summary>All vectors in the order of a part file: parameters, slots, best.</summary>
    internal IEnumerable<float[]> Vectors() => HasBest ? [Parameters, .. _slots, _best] : [Parameters, .. _slots];
}
