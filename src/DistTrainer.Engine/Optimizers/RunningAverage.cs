using System.Runtime.Intrinsics;
using DistTrainer.Engine.Models;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// How a tensor that is not trained follows what its layer measures (<see cref="ParameterKind.RunningAverage"/>):
/// s = s + momentum · (mean − s), with the mean over all samples of the step; PyTorch's batch normalization keeps its
/// running mean so. No rate, clipping, penalty or decay acts on it.
/// </summary>
internal static class RunningAverage
{
    /// <summary>Updates one in place; allocates nothing.</summary>
    /// <param name="momentum">Share of the step's mean in the new value, 0 to 1.</param>
    /// <param name="scale">What the sum is multiplied by to get the mean: 1 / samples.</param>
    /// <param name="sum">[n], what the layers measured, summed over the samples; perhaps as two terms.</param>
    /// <param name="average">[n], n ≥ 1; changed in place.</param>
    public static void Update(float momentum, float scale, GradientTerms sum, Span<float> average) =>
        ElementwiseUpdate.Run(new Rule(momentum), GradientAdjustment.ScaleOnly(scale), sum, null, 0, average);

    private readonly struct Rule(float momentum) : IUpdateRule
    {
        private readonly float _momentum = momentum;

        public static int SlotCount => 0;

        public Vector256<float> Apply(
            Vector256<float> parameter, Vector256<float> gradient,
            ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2) =>
            parameter + ((gradient - parameter) * _momentum);
    }
}
