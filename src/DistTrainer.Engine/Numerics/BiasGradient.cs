using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Numerics;

/// <summary>Sums of output gradients over rows, for biases.</summary>
internal static class BiasGradient
{
    private const int Lanes = 8;
    private const int MaximumDepth = 32;

    /// <summary>
    /// gradient[o] = Σ over data shards, in the fixed tree, of Σ over the data shard's rows b of dy[o, b]. Within a
    /// data shard row b goes to lane (b − start) mod 8; lanes are folded 8 → 4 → 2 → 1. Overwrites
    /// <paramref name="gradient"/>.
    /// </summary>
    /// <param name="outputGradient">dy [rows, outputs].</param>
    /// <param name="bounds">First rows of the data shards of one complete subtree, and the end of the last.</param>
    /// <param name="gradient">[outputs].</param>
    public static void Compute(ActivationPanels outputGradient, ReadOnlySpan<int> bounds, Span<float> gradient)
    {
        Span<float> stack = stackalloc float[MaximumDepth];
        for (int o = 0; o < gradient.Length; o++)
        {
            int depth = 0;
            for (int shard = 0; shard + 1 < bounds.Length; shard++)
            {
                stack[depth] = Sum(outputGradient, o, bounds[shard], bounds[shard + 1]);
                for (int carry = shard; (carry & 1) == 1; carry >>= 1, depth--)
                    stack[depth - 1] += stack[depth];
                depth++;
            }
            gradient[o] = stack[0];
        }
    }

    private static float Sum(ActivationPanels dy, int output, int start, int end)
    {
        Vector256<float> lanes = Vector256<float>.Zero;
        for (int row = start; row < end; row += Lanes)
        {
            int lane = row % ActivationPanels.Width;
            if (row + Lanes <= end && lane + Lanes <= ActivationPanels.Width)
            {
                int index = (((row / ActivationPanels.Width * dy.Features) + output) * ActivationPanels.Width) + lane;
                lanes += Vector256.Create<float>(dy.Values.Slice(index, Lanes));
            }
            else
            {
                lanes += Group(dy, output, row, Math.Min(Lanes, end - row));
            }
        }
        Vector128<float> four = lanes.GetLower() + lanes.GetUpper();
        return (four[0] + four[2]) + (four[1] + four[3]);
    }

    /// <summary>Fewer rows than lanes, or rows of two panels; the other lanes are zero.</summary>
    private static Vector256<float> Group(ActivationPanels dy, int output, int row, int count)
    {
        Span<float> group = stackalloc float[Lanes];
        group.Clear();
        for (int i = 0; i < count; i++)
            group[i] = dy[row + i, output];
        return Vector256.Create<float>(group);
    }
}
