namespace DistTrainer.ParameterServer;

/// <summary>
/// The part of the flat parameter vector that one parameter shard owns: whole blocks, one after the other.
/// </summary>
/// <param name="Index">Number of the parameter shard, from 0.</param>
/// <param name="Start">First element.</param>
/// <param name="End">One past the last element.</param>
/// <param name="FirstBlock">First block.</param>
/// <param name="LastBlock">Last block, inclusive.</param>
internal readonly record struct ParameterShardRange(int Index, int Start, int End, int FirstBlock, int LastBlock)
{
    /// <summary>Number of elements.</summary>
    public int Length => End - Start;

    /// <summary>Number of blocks.</summary>
    public int BlockCount => LastBlock - FirstBlock + 1;
}

/// <summary>The cut of the flat parameter vector into parameter shards.</summary>
internal static class ParameterShardMap
{
    /// <summary>
    /// Cuts at the block boundaries nearest to equal parts. Where blocks are too few or too large, there are fewer
    /// parameter shards than asked for; none is empty.
    /// </summary>
    /// <param name="blocks">The vector's blocks, at least one.</param>
    /// <param name="parameterShards">Largest number of parameter shards, ≥ 1.</param>
    public static IReadOnlyList<ParameterShardRange> Cut(ParameterBlocks blocks, int parameterShards)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(parameterShards, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks.Count, 1, nameof(blocks));
        var ranges = new List<ParameterShardRange>();
        int first = 0, next = 0;
        for (int part = 1; part <= parameterShards; part++)
        {
            long ideal = (long)blocks.Layout.Length * part / parameterShards;
            while (next < blocks.Count && Math.Abs(blocks[next].End - ideal) <= Math.Abs(blocks[next].Start - ideal))
                next++;
            if (next == first)
                continue;
            ranges.Add(
                new ParameterShardRange(ranges.Count, blocks[first].Start, blocks[next - 1].End, first, next - 1));
            first = next;
        }
        return ranges;
    }
}
