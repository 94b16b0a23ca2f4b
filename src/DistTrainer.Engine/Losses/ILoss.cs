using System.Runtime.InteropServices;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Losses;

/// <summary>Sums over samples that a loss reports; sums of them add up in the fixed tree like gradients do.</summary>
/// <param name="Count">Samples.</param>
/// <param name="LossSum">Sum of the samples' losses, each times its sample's weight.</param>
/// <param name="Correct">Classification and binary: correctly classified samples (binary: all outputs on the right
/// side).</param>
/// <param name="SquaredErrorSum">Regression: sum of squared errors over samples and outputs.</param>
/// <param name="Weight">Sum of the samples' weights, which losses and gradients are divided by.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct LossSums(
    long Count, double LossSum, long Correct, double SquaredErrorSum, double Weight)
{
    /// <summary>Sums over samples of weight 1.</summary>
    /// <param name="count">Samples.</param>
    /// <param name="lossSum">Sum of the samples' losses.</param>
    /// <param name="correct">See <see cref="Correct"/>.</param>
    /// <param name="squaredErrorSum">See <see cref="SquaredErrorSum"/>.</param>
    public LossSums(long count, double lossSum, long correct, double squaredErrorSum)
        : this(count, lossSum, correct, squaredErrorSum, count)
    {
    }

    /// <summary>Mean loss of a sample, by weight; 0 where all weigh 0, NaN without samples.</summary>
    public double MeanLoss => Weight > 0 || Count == 0 ? LossSum / Weight : 0;

    /// <summary>Adds two sums; used in a fixed order only.</summary>
    public static LossSums operator +(LossSums left, LossSums right) => new(
        left.Count + right.Count, left.LossSum + right.LossSum, left.Correct + right.Correct,
        left.SquaredErrorSum + right.SquaredErrorSum, left.Weight + right.Weight);

    /// <summary>One sample's sums with its weight.</summary>
    /// <param name="weight">≥ 0.</param>
    public LossSums Weighted(float weight) => this with { LossSum = LossSum * weight, Weight = weight };

    /// <summary>The mean of <paramref name="members"/> sums over the same samples, of which this is the sum; whole
    /// numbers to the nearest, a half to the even one.</summary>
    internal LossSums MeanOf(int members) => new(
        Count / members, LossSum / members, (long)Math.Round((double)Correct / members), SquaredErrorSum / members,
        Weight / members);
}

/// <summary>A loss over the network's outputs; the output non-linearity (softmax, sigmoid) belongs to it.</summary>
public interface ILoss
{
    /// <summary>
    /// For every sample the loss, and (unless <paramref name="outputGradient"/> is empty) the gradient of the
    /// <em>sum</em> of the losses, each times its weight, with respect to the outputs. Unused lanes of the gradient are
    /// set to zero.
    /// </summary>
    /// <param name="outputs">[rows, outputs] of the last layer, before softmax or sigmoid.</param>
    /// <param name="targets">[rows, target width] row-major: a class number (cross-entropy, width 1) or one value an
    /// output.</param>
    /// <param name="weights">One a row, ≥ 0; empty where all are 1.</param>
    /// <param name="dataShardBounds">Row numbers at which data shards begin, and the end of the last: one more than
    /// <paramref name="sums"/>.</param>
    /// <param name="outputGradient">[rows, outputs], overwritten; with no values for evaluation alone.</param>
    /// <param name="sums">One entry a data shard, overwritten; each is summed over its samples in order.</param>
    void Evaluate(
        ActivationPanels outputs, ReadOnlySpan<float> targets, ReadOnlySpan<float> weights,
        ReadOnlySpan<int> dataShardBounds, ActivationPanels outputGradient, Span<LossSums> sums);

    /// <summary>
    /// What the model predicts from its outputs: class probabilities, sigmoid probabilities, or the values themselves.
    /// </summary>
    /// <param name="outputs">[rows, outputs].</param>
    /// <param name="predictions">[rows, outputs] row-major; overwritten.</param>
    void Predict(ActivationPanels outputs, Span<float> predictions);
}
