namespace DistTrainer.Engine;

/// <summary>A complete subtree of the gradient tree: the data shards Start … Start + Count − 1, Count a power of two.</summary>
/// <param name="Start">First data shard; a multiple of <paramref name="Count"/>.</param>
/// <param name="Count">Number of data shards; a power of two.</param>
public readonly record struct TreeNode(int Start, int Count)
{
    /// <summary>One past the last data shard.</summary>
    public int End => Start + Count;
}

/// <summary>
/// The one order in which data shards are summed, whoever computed them. Over n leaves: the left subtree takes the
/// largest power of two below n leaves, the right one the rest (the shape of a Merkle tree, RFC 6962). A worker that
/// owns a contiguous range of leaves may sum the complete subtrees in it beforehand; the result is the same bits.
/// </summary>
public static class GradientTree
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
            int size = start == 0 ? int.MaxValue / 2 + 1 : start & -start;
            while (size > end - start)
                size >>= 1;
            nodes.Add(new TreeNode(start, size));
            start += size;
        }
        return nodes;
    }

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
