using System.Numerics;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// A complete subtree of the gradient tree: the data shards Start … Start + Count − 1, Count a power of two.
/// </summary>
/// <param name="Start">First data shard; a multiple of <paramref name="Count"/>.</param>
/// <param name="Count">Number of data shards; a power of two.</param>
public readonly record struct TreeNode(int Start, int Count)
{
    /// <summary>One past the last data shard.</summary>
    public int End => Start + Count;
}

/// <summary>
/// One addition of a compiled tree: target = left + right. An operand ≥ 0 is the index of a node that was handed in; a
/// negative one is the complement (~) of an intermediate result's place, and so is the target.
/// </summary>
/// <param name="Left">Left operand.</param>
/// <param name="Right">Right operand.</param>
/// <param name="Target">Where the sum goes; may be the place of one of the operands.</param>
internal readonly record struct TreeAddition(int Left, int Right, int Target);

/// <summary>
/// The one order in which data shards are summed, whoever computed them. Over n leaves: the left subtree takes the
/// largest power of two below n leaves, the right one the rest (the shape of a Merkle tree, RFC 6962). A worker that
/// owns a contiguous range of leaves may sum the complete subtrees in it beforehand; the result is the same bits.
/// </summary>
internal static class GradientTree
{
    /// <summary>Cuts a range of data shards into the largest complete subtrees, in order.</summary>
    /// <param name="start">First data shard, ≥ 0.</param>
    /// <param name="count">Number of data shards, ≥ 0.</param>
    public static IReadOnlyList<TreeNode> Decompose(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var nodes = new List<TreeNode>();
        int end = start + count;
        while (start < end)
        {
            var node = new TreeNode(start, LargestAt(start, end));
            nodes.Add(node);
            start = node.End;
        }
        return nodes;
    }

    /// <summary>How many subtrees <see cref="Decompose"/> gives.</summary>
    /// <param name="start">First data shard, ≥ 0.</param>
    /// <param name="count">Number of data shards, ≥ 0.</param>
    public static int Pieces(int start, int count)
    {
        int pieces = 0;
        for (int end = start + count; start < end; pieces++)
            start += LargestAt(start, end);
        return pieces;
    }

    /// <summary>Data shards of the largest complete subtree that begins at one and ends before another.</summary>
    private static int LargestAt(int start, int end)
    {
        int size = start == 0 ? int.MaxValue / 2 + 1 : start & -start;
        while (size > end - start)
            size >>= 1;
        return size;
    }

    /// <summary>
    /// Whether a node is a complete subtree of the tree over <paramref name="dataShards"/> leaves: a power of two of
    /// leaves, aligned to their number, inside the tree.
    /// </summary>
    public static bool IsNode(TreeNode node, int dataShards) =>
        node.Start >= 0 && node.Count >= 1 && (node.Count & (node.Count - 1)) == 0
        && (node.Start & (node.Count - 1)) == 0 && node.Start <= dataShards - node.Count;

    /// <summary>
    /// Lists the additions that sum given nodes in the order of the tree. Intermediate results
    /// lie in numbered places that are used again as soon as they are free.
    /// </summary>
    /// <param name="nodes">Complete subtrees in rising order that cover all leaves exactly once.</param>
    /// <param name="dataShards">Leaves of the tree, ≥ 1.</param>
    /// <param name="additions">Room for nodes − 1 additions; overwritten. The last one's target is the root.</param>
    /// <exception cref="ArgumentException">The nodes do not cover the leaves exactly once.</exception>
    public static void Compile(ReadOnlySpan<TreeNode> nodes, int dataShards, Span<TreeAddition> additions)
    {
        int node = 0, addition = 0;
        Compile(nodes, new TreeNode(0, dataShards), 0, additions, ref node, ref addition);
        if (node != nodes.Length)
            throw NotCovering(nodes);
    }

    /// <summary>
    /// Places for intermediate results that <see cref="Compile(ReadOnlySpan{TreeNode}, int, Span{TreeAddition})"/> uses
    /// at most, for a tree over <paramref name="dataShards"/> leaves.
    /// </summary>
    public static int Places(int dataShards) => BitOperations.Log2((uint)dataShards) + 1;

    private static int Compile(
        ReadOnlySpan<TreeNode> nodes, TreeNode subtree, int place, Span<TreeAddition> additions,
            ref int node, ref int addition)
    {
        if (node == nodes.Length || nodes[node].Start != subtree.Start || nodes[node].Count > subtree.Count)
            throw NotCovering(nodes);
        if (nodes[node].Count == subtree.Count)
            return node++;
        int half = 1 << BitOperations.Log2((uint)subtree.Count - 1);
        int left = Compile(nodes, subtree with { Count = half }, place, additions, ref node, ref addition);
        var rest = new TreeNode(subtree.Start + half, subtree.Count - half);
        int right = Compile(nodes, rest, left < 0 ? place + 1 : place, additions, ref node, ref addition);
        additions[addition++] = new TreeAddition(left, right, ~place);
        return ~place;
    }

    private static ArgumentException NotCovering(ReadOnlySpan<TreeNode> nodes) =>
        new($"The nodes {string.Join(", ", nodes.ToArray())} do not cover all data shards exactly once, in rising "
            + "order.", nameof(nodes));

    /// <summary>
    /// The range of data shards that worker <paramref name="worker"/> of <paramref name="workers"/> owns: contiguous,
    /// sizes within one of each other.
    /// </summary>
    public static (int Start, int Count) Share(int dataShards, int workers, int worker)
    {
        int start = (int)((long)dataShards * worker / workers);
        return (start, (int)((long)dataShards * (worker + 1) / workers) - start);
    }
}
