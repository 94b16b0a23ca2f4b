using System.Numerics.Tensors;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.ParameterServer.Compression;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.ParameterServer;

/// <summary>
/// The contributions to one parameter shard's open step, and their sum in the order of <see cref="GradientTree"/>,
/// whatever their order of arrival and whichever subtrees were summed before. They are kept by reference; the sum is
/// made piece by piece in scratch memory of the first-level cache, so it costs one read of each contribution.
/// </summary>
internal sealed class GradientSum : IDisposable
{
    /// <summary>
    /// Elements of one piece: 8 KiB, so that scratch and the update's own vectors fit the first-level cache.
    /// </summary>
    public const int PieceLength = 2048;

    private readonly int _dataShards;
    private readonly int _length;
    private readonly AlignedBuffer _scratch;
    private readonly TreeNode[] _nodes;
    private readonly AlignedBuffer?[] _buffers;
    private readonly int[] _offsets;
    private readonly TreeAddition[] _additions;
    private readonly bool[] _rounds;
    private readonly IGradientCodec? _codec;
    private readonly int _rounded;
    private int _count;
    private int _covered;

    /// <summary>Makes room for the contributions of one step.</summary>
    /// <param name="dataShards">Leaves of the tree, ≥ 1.</param>
    /// <param name="length">Elements of the parameter shard.</param>
    /// <param name="codec">Rounds the sum of each group; null: nothing does.</param>
    /// <param name="rounded">Data shards of a group, a power of two. Contributions of as many or more are sums of
    /// groups that were rounded.</param>
    public GradientSum(int dataShards, int length, IGradientCodec? codec = null, int rounded = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dataShards, 1);
        _dataShards = dataShards;
        _length = length;
        _scratch = new AlignedBuffer(GradientTree.Places(dataShards) * PieceLength);
        _nodes = new TreeNode[dataShards];
        _buffers = new AlignedBuffer?[dataShards];
        _offsets = new int[dataShards];
        _additions = new TreeAddition[dataShards - 1];
        _rounds = new bool[dataShards - 1];
        (_codec, _rounded) = (codec, rounded);
    }

    /// <summary>Whether all data shards are in.</summary>
    public bool IsComplete => Ends.IsComplete(_covered, _dataShards);

    /// <summary>Floats that each contribution has here.</summary>
    public int Length => _length;

    /// <summary>
    /// Takes a contribution. One whose data shards are all in is a duplicate; one that holds more than smaller ones
    /// before it takes their place, which changes no bit.
    /// </summary>
    public PushOutcome Add(in GradientPush push)
    {
        if (!GradientTree.IsNode(push.Node, _dataShards) || push.Gradient is null
            || push.GradientOffset < 0 || push.GradientOffset > push.Gradient.Length - _length)
            return PushOutcome.Invalid;

        // Two subtrees are disjoint, or one holds the other.
        int at = 0;
        while (at < _count && _nodes[at].End <= push.Node.Start)
            at++;
        int after = at, held = 0;
        for (; after < _count && _nodes[after].Start < push.Node.End; after++)
            held += _nodes[after].Count;
        if (held >= push.Node.Count)
            return PushOutcome.Duplicate;
        if (!push.IsKnownFinite
            && !TensorPrimitives.IsFiniteAll<float>(push.Gradient.Span.Slice(push.GradientOffset, _length)))
            return PushOutcome.Poisoned;

        Replace(at, after, push);
        _covered += push.Node.Count - held;
        if (!IsComplete)
            return PushOutcome.Accepted;
        GradientTree.Compile(_nodes.AsSpan(0, _count), _dataShards, _additions);
        if (_codec is not null)
            FindRounded();
        return PushOutcome.Completed;
    }

    /// <summary>Forgets all contributions.</summary>
    public void Clear()
    {
        Array.Clear(_buffers);
        _count = 0;
        _covered = 0;
    }

    /// <summary>The stretches of data shards that no contribution covers yet, in order.</summary>
    public IReadOnlyList<(int Start, int Count)> Missing()
    {
        var missing = new List<(int Start, int Count)>();
        int next = 0;
        for (int i = 0; i <= _count; i++)
        {
            int start = i < _count ? _nodes[i].Start : _dataShards;
            if (start > next)
                missing.Add((next, start - next));
            next = i < _count ? _nodes[i].End : next;
        }
        return missing;
    }

    /// <summary>The sum of one piece as its last two terms; valid until the next call.</summary>
    /// <param name="start">First element, counted from the parameter shard's start.</param>
    /// <param name="length">At most <see cref="PieceLength"/>.</param>
    public GradientTerms Terms(int start, int length)
    {
        if (_count == 1)
            return new GradientTerms(Operand(0, start, length));
        if (_rounds[_count - 2])
            return new GradientTerms(Piece(start, length));
        Execute(_count - 2, start, length);
        TreeAddition last = _additions[_count - 2];
        return new GradientTerms(Operand(last.Left, start, length), Operand(last.Right, start, length));
    }

    /// <summary>The sum of one piece; valid until the next call.</summary>
    /// <param name="start">First element, counted from the parameter shard's start.</param>
    /// <param name="length">At most <see cref="PieceLength"/>.</param>
    public ReadOnlySpan<float> Piece(int start, int length)
    {
        Execute(_count - 1, start, length);
        return _count == 1 ? Operand(0, start, length) : Operand(_additions[_count - 2].Target, start, length);
    }

    /// <summary>Gives the scratch memory back.</summary>
    public void Dispose() => _scratch.Dispose();

    /// <summary>
    /// Puts a contribution in the place of those from <paramref name="at"/> up to <paramref name="after"/>.
    /// </summary>
    private void Replace(int at, int after, in GradientPush push)
    {
        int rest = _count - after;
        Array.Copy(_nodes, after, _nodes, at + 1, rest);
        Array.Copy(_buffers, after, _buffers, at + 1, rest);
        Array.Copy(_offsets, after, _offsets, at + 1, rest);
        _nodes[at] = push.Node;
        _buffers[at] = push.Gradient;
        _offsets[at] = push.GradientOffset;
        _count = at + 1 + rest;
    }

    // An addition that completes a group gives a sum that is rounded before it is added to others.
    private void FindRounded()
    {
        Span<int> places = stackalloc int[GradientTree.Places(_dataShards)];
        for (int i = 0; i < _count - 1; i++)
        {
            TreeAddition addition = _additions[i];
            int size = SizeOf(addition.Left, places) + SizeOf(addition.Right, places);
            places[~addition.Target] = size;
            _rounds[i] = size == _rounded;
        }
    }

    private int SizeOf(int operand, Span<int> places) => operand < 0 ? places[~operand] : _nodes[operand].Count;

    private void Execute(int additions, int start, int length)
    {
        for (int i = 0; i < additions; i++)
        {
            TreeAddition addition = _additions[i];
            Span<float> sum = Place(addition.Target, length);
            TensorPrimitives.Add(
                Operand(addition.Left, start, length), Operand(addition.Right, start, length), sum);
            if (_rounds[i])
                _codec!.Round(sum, sum);
        }
    }

    private Span<float> Operand(int operand, int start, int length) =>
        operand < 0 ? Place(operand, length) : _buffers[operand]!.Span.Slice(_offsets[operand] + start, length);

    private Span<float> Place(int operand, int length) => _scratch.Span.Slice(~operand * PieceLength, length);
}
