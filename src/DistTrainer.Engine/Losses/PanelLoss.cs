using System.Numerics.Tensors;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Losses;

/// <summary>
/// What all losses share: they work panel by panel with vectors across samples, in float; the samples' losses are then
/// added in double, row after row within each data shard. So a sample's loss and gradient do not depend on its row.
/// </summary>
internal abstract class PanelLoss : ILoss
{
    /// <inheritdoc/>
    public void Evaluate(
        ActivationPanels outputs, ReadOnlySpan<float> targets, ReadOnlySpan<float> weights,
        ReadOnlySpan<int> dataShardBounds, ActivationPanels outputGradient, Span<LossSums> sums)
    {
        int width = TargetWidth(outputs.Features);
        CheckArguments(outputs, targets.Length, width, weights.Length, dataShardBounds, outputGradient, sums.Length);
        bool withGradient = !outputGradient.Values.IsEmpty;
        Span<float> losses = stackalloc float[ActivationPanels.Width];
        Span<float> scores = stackalloc float[ActivationPanels.Width];
        sums.Clear();
        int shard = 0;
        for (int panel = 0; panel < outputs.PanelCount; panel++)
        {
            int first = panel * ActivationPanels.Width;
            int rows = Math.Min(ActivationPanels.Width, outputs.Rows - first);
            Span<float> gradient = withGradient ? outputGradient.Panel(panel) : default;
            EvaluatePanel(
                outputs.Panel(panel), targets.Slice(first * width, rows * width), first, gradient, losses, scores);
            ClearUnusedLanes(gradient, rows);
            ReadOnlySpan<float> own = weights.IsEmpty ? weights : weights.Slice(first, rows);
            Weigh(gradient, own);
            for (int lane = 0; lane < rows; lane++)
            {
                while (first + lane >= dataShardBounds[shard + 1])
                    shard++;
                LossSums one = SumsOf(losses[lane], scores[lane]);
                sums[shard] += own.IsEmpty ? one : one.Weighted(own[lane]);
            }
        }
    }

    /// <inheritdoc/>
    public void Predict(ActivationPanels outputs, Span<float> predictions)
    {
        if (predictions.Length != outputs.Rows * outputs.Features)
            throw new ArgumentException(
                $"There is room for {predictions.Length} predictions; {outputs.Rows} rows of {outputs.Features} "
                + $"outputs need {outputs.Rows * outputs.Features}.", nameof(predictions));
        for (int panel = 0; panel < outputs.PanelCount; panel++)
        {
            int first = panel * ActivationPanels.Width;
            int rows = Math.Min(ActivationPanels.Width, outputs.Rows - first);
            PredictPanel(outputs.Panel(panel), predictions.Slice(first * outputs.Features, rows * outputs.Features));
        }
    }

    /// <summary>Values of a row of targets.</summary>
    protected abstract int TargetWidth(int outputs);

    /// <summary>One panel's losses, scores and, unless it is empty, gradient.</summary>
    /// <param name="outputs">[outputs, 32].</param>
    /// <param name="targets">[rows, target width], only the used rows.</param>
    /// <param name="firstRow">Number of the panel's first row, for messages.</param>
    /// <param name="gradient">[outputs, 32], overwritten; unused lanes may get anything.</param>
    /// <param name="losses">[32], overwritten.</param>
    /// <param name="scores">[32], overwritten; what <see cref="SumsOf"/> understands.</param>
    protected abstract void EvaluatePanel(
        ReadOnlySpan<float> outputs, ReadOnlySpan<float> targets, int firstRow, Span<float> gradient,
            Span<float> losses, Span<float> scores);

    /// <summary>One panel's predictions.</summary>
    /// <param name="outputs">[outputs, 32].</param>
    /// <param name="predictions">[rows, outputs] row-major, only the used rows; overwritten.</param>
    protected abstract void PredictPanel(ReadOnlySpan<float> outputs, Span<float> predictions);

    /// <summary>One sample's entry in the sums.</summary>
    protected abstract LossSums SumsOf(float loss, float score);

    /// <summary>predictions[(firstLane + i) · outputs + output] = values[i] for the lanes that are rows.</summary>
    protected static void Scatter(
        Vector256<float> values, int firstLane, int output, int outputs, Span<float> predictions)
    {
        int rows = Math.Min(predictions.Length / outputs, firstLane + Vector256<float>.Count);
        for (int row = firstLane; row < rows; row++)
            predictions[(row * outputs) + output] = values.GetElement(row - firstLane);
    }

    private static void ClearUnusedLanes(Span<float> gradient, int rows)
    {
        if (rows == ActivationPanels.Width)
            return;
        for (int start = 0; start < gradient.Length; start += ActivationPanels.Width)
            gradient[(start + rows)..(start + ActivationPanels.Width)].Clear();
    }

    /// <summary>gradient[output, lane] *= weights[lane].</summary>
    private static void Weigh(Span<float> gradient, ReadOnlySpan<float> weights)
    {
        for (int start = 0; !weights.IsEmpty && start < gradient.Length; start += ActivationPanels.Width)
        {
            Span<float> lanes = gradient.Slice(start, weights.Length);
            TensorPrimitives.Multiply(lanes, weights, lanes);
        }
    }

    private static void CheckArguments(
        ActivationPanels outputs, int targets, int width, int weights, ReadOnlySpan<int> bounds,
        ActivationPanels gradient, int sums)
    {
        if (weights != 0 && weights != outputs.Rows)
            throw new ArgumentException(
                $"There are {weights} weights; {outputs.Rows} rows need one each, or none.", nameof(weights));
        if (targets != outputs.Rows * width)
            throw new ArgumentException(
                $"There are {targets} targets; {outputs.Rows} rows of {width} need {outputs.Rows * width}.", nameof(
                    targets));
        if (bounds.Length != sums + 1 || bounds[0] != 0 || bounds[^1] != outputs.Rows)
            throw new ArgumentException(
                $"{bounds.Length} data-shard bounds must be one more than {sums} sums, begin at 0 and end at "
                + $"{outputs.Rows} rows.", nameof(bounds));
        for (int i = 1; i < bounds.Length; i++)
        {
            if (bounds[i] < bounds[i - 1])
                throw new ArgumentException(
                    $"Data-shard bound {i} is {bounds[i]}; bounds must not fall, and the one before is "
                    + $"{bounds[i - 1]}.", nameof(bounds));
        }
        if (!gradient.Values.IsEmpty && (gradient.Features != outputs.Features || gradient.Rows != outputs.Rows))
            throw new ArgumentException(
                $"The gradient is [{gradient.Rows}, {gradient.Features}]; the outputs are [{outputs.Rows}, "
                + $"{outputs.Features}].", nameof(gradient));
    }
}
