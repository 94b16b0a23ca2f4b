using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Losses;

/// <summary>
/// To derive a loss from whose predictions are the outputs themselves (regression): a sample's loss is the mean over
/// its outputs of a function of the output and its target.
/// </summary>
/// <remarks>For the same bits everywhere see <see cref="ElementwiseLayer"/>. A loss of another form implements
/// <see cref="ILoss"/>.</remarks>
public abstract class ValueLoss : ILoss
{
    private readonly ElementwiseLoss<Element> _loss;

    /// <summary>Takes the derived class's function.</summary>
    protected ValueLoss() => _loss = new ElementwiseLoss<Element>(new Element(this));

    /// <summary>The loss of one output, on eight samples, and its derivative by the output.</summary>
    /// <param name="output">What the network gives.</param>
    /// <param name="target">What it should give.</param>
    /// <param name="gradient">∂loss/∂output.</param>
    protected abstract Vector256<float> Evaluate(
        Vector256<float> output, Vector256<float> target, out Vector256<float> gradient);

    /// <inheritdoc/>
    public void Evaluate(
        ActivationPanels outputs, ReadOnlySpan<float> targets, ReadOnlySpan<float> weights,
        ReadOnlySpan<int> dataShardBounds, ActivationPanels outputGradient, Span<LossSums> sums) =>
        _loss.Evaluate(outputs, targets, weights, dataShardBounds, outputGradient, sums);

    /// <inheritdoc/>
    public void Predict(ActivationPanels outputs, Span<float> predictions) => _loss.Predict(outputs, predictions);

    private readonly struct Element(ValueLoss loss) : ILossElement
    {
        public static bool TargetsAreProbabilities => false;

        public Vector256<float> Evaluate(
            Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score)
        {
            score = (output - target) * (output - target);
            return loss.Evaluate(output, target, out gradient);
        }

        public static Vector256<float> Predict(Vector256<float> output) => output;

        public static LossSums SumsOf(float loss, float score) => new(1, loss, 0, score);
    }
}
