using System.Numerics;

namespace DistTrainer.ParameterServer;

/// <summary>The norm of the whole gradient from the blocks' sums of squares, in one fixed order.</summary>
internal static class GlobalNorm
{
    /// <summary>
    /// Sum of squares over all blocks, in a binary tree of the shape of
    /// <see cref="DistTrainer.Engine.Numerics.GradientTree"/>.
    /// </summary>
    /// <param name="blockSums">One sum of squares a block, all blocks of the flat vector in order.</param>
    public static double Total(ReadOnlySpan<double> blockSums)
    {
        if (blockSums.Length <= 1)
            return blockSums.IsEmpty ? 0 : blockSums[0];
        int half = 1 << BitOperations.Log2((uint)blockSums.Length - 1);
        return Total(blockSums[..half]) + Total(blockSums[half..]);
    }

    /// <summary>Euclidean norm: the root of <see cref="Total"/>.</summary>
    public static double Norm(ReadOnlySpan<double> blockSums) => Math.Sqrt(Total(blockSums));

    /// <summary>What clipping by norm multiplies the gradient by: min(1, limit / (norm + 1e-6)), as PyTorch.</summary>
    /// <param name="norm">Norm of the whole averaged gradient, ≥ 0.</param>
    /// <param name="limit">Largest norm, &gt; 0.</param>
    public static float ClipFactor(double norm, double limit) => (float)Math.Min(1, limit / (norm + 1e-6));
}
