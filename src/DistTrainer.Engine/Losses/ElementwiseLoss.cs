using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Losses;

/// <summary>The loss of one output against its target, on eight samples.</summary>
internal interface ILossElement
{
    /// <summary>
    /// Whether targets are probabilities, so that they must lie in [0, 1]; otherwise any number will do.
    /// </summary>
    static abstract bool TargetsAreProbabilities { get; }

    /// <summary>The loss, its derivative by the output, and the score.</summary>
    Vector256<float> Evaluate(
        Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score);

    /// <summary>The prediction from an output.</summary>
    static abstract Vector256<float> Predict(Vector256<float> output);

    /// <summary>A sample's entry in the sums, from its loss and the sum of its outputs' scores.</summary>
    static abstract LossSums SumsOf(float loss, float score);
}

/// <summary>loss of a sample = 1/n · Σ over its n outputs of the element's loss, added in the outputs' order.</summary>
/// <param name="element">The loss of one output.</param>
/// <param name="onnx">Adds the prediction to a graph; null where it is the output itself.</param>
internal sealed class ElementwiseLoss<TElement>(TElement element, Action<IOnnxGraph>? onnx = null)
    : PanelLoss, IOnnxLoss
    where TElement : struct, ILossElement
{
    private const int Stride = ActivationPanels.Width;

    /// <inheritdoc/>
    public void WriteOnnx(IOnnxGraph graph) => onnx?.Invoke(graph);

    /// <inheritdoc/>
    protected override int TargetWidth(int outputs) => outputs;

    /// <inheritdoc/>
    protected override LossSums SumsOf(float loss, float score) => TElement.SumsOf(loss, score);

    /// <inheritdoc/>
    protected override void EvaluatePanel(
        ReadOnlySpan<float> outputs, ReadOnlySpan<float> targets, int firstRow, Span<float> gradient,
            Span<float> losses, Span<float> scores)
    {
        int width = outputs.Length / Stride;
        if (TElement.TargetsAreProbabilities)
            CheckProbabilities(targets, firstRow, width);
        Vector256<float> share = Vector256.Create(1f / width);
        ref float x = ref MemoryMarshal.GetReference(outputs);
        ref float g = ref MemoryMarshal.GetReference(gradient);
        Span<float> column = stackalloc float[Stride];
        losses.Clear();
        scores.Clear();
        for (int i = 0; i < width; i++)
        {
            Gather(targets, i, width, column);
            for (int lane = 0; lane < Stride; lane += Vector256<float>.Count)
            {
                nuint offset = (nuint)((i * Stride) + lane);
                Vector256<float> loss = element.Evaluate(
                    Vector256.LoadUnsafe(ref x, offset), Vector256.Create<float>(column[lane..]),
                        out Vector256<float> slope, out Vector256<float> score);
                (Vector256.Create<float>(losses[lane..]) + loss).CopyTo(losses[lane..]);
                (Vector256.Create<float>(scores[lane..]) + score).CopyTo(scores[lane..]);
                if (!gradient.IsEmpty)
                    (slope * share).StoreUnsafe(ref g, offset);
            }
        }
        foreach (ref float loss in losses)
            loss *= 1f / width;
    }

    /// <inheritdoc/>
    protected override void PredictPanel(ReadOnlySpan<float> outputs, Span<float> predictions)
    {
        int width = outputs.Length / Stride;
        for (int i = 0; i < width; i++)
        {
            for (int lane = 0; lane < Stride; lane += Vector256<float>.Count)
                Scatter(
                    TElement.Predict(Vector256.Create(outputs[((i * Stride) + lane)..])), lane, i, width, predictions);
        }
    }

    /// <summary>Target <paramref name="output"/> of every row; 0 where there is no row.</summary>
    private static void Gather(ReadOnlySpan<float> targets, int output, int width, Span<float> column)
    {
        int rows = targets.Length / width;
        for (int row = 0; row < rows; row++)
            column[row] = targets[(row * width) + output];
        column[rows..].Clear();
    }

    private static void CheckProbabilities(ReadOnlySpan<float> targets, int firstRow, int width)
    {
        for (int i = 0; i < targets.Length; i++)
        {
            if (!(targets[i] >= 0 && targets[i] <= 1))
                throw new DistTrainerException(FailureKind.Data, string.Create(CultureInfo.InvariantCulture,
                    $"Row {firstRow + (i / width)} of the batch has target {targets[i]} for output {i % width}; "
                        + $"binary cross-entropy takes 0, 1 or a probability between. Correct the target column, or "
                        + $"choose another loss."));
        }
    }
}
