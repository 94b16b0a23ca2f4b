using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Losses;

/// <summary>
/// Softmax and cross-entropy against a class number c, with label smoothing ε as PyTorch has it. With C classes, logits
/// x, m = max x, s = x − m, L = ln Σ eˢ and target q = (1 − ε) · onehot(c) + ε / C: loss = −Σ q ln softmax(x) = L − (1
/// − ε) s_c − ε / C · Σ s; gradient = softmax(x) − q. Any logit that is not finite makes the loss NaN, also a −∞ that
/// softmax would forgive.
/// </summary>
internal sealed class CrossEntropyLoss(float smoothing) : PanelLoss, IOnnxLoss
{
    private const int Stride = ActivationPanels.Width;

    private static readonly Setting<float> s_smoothing = Setting.Number(
        "label-smoothing", "Share of the target probability spread over all classes", 0, 0, 1, ")");

    /// <summary>The part.</summary>
    public static LossPart Part { get; } = new(
        "cross-entropy", TaskKind.Classification, settings =>
            new CrossEntropyLoss(settings.Get(s_smoothing)), s_smoothing)
    {
        HasOutputFunction = true,
    };

    /// <inheritdoc/>
    public void WriteOnnx(IOnnxGraph graph) => graph.Chain("Softmax").With("axis", 1L);

    /// <inheritdoc/>
    protected override int TargetWidth(int outputs) => 1;

    /// <inheritdoc/>
    protected override LossSums SumsOf(float loss, float score) => new(1, loss, (long)score, 0);

    /// <inheritdoc/>
    protected override void EvaluatePanel(
        ReadOnlySpan<float> outputs, ReadOnlySpan<float> targets, int firstRow, Span<float> gradient,
            Span<float> losses, Span<float> scores)
    {
        int classes = outputs.Length / Stride;
        CheckClasses(targets, firstRow, classes);
        Span<float> wanted = stackalloc float[Stride];
        wanted.Clear();
        targets.CopyTo(wanted);
        for (int lane = 0; lane < Stride; lane += Vector256<float>.Count)
        {
            Vector256<float> target = Vector256.Create<float>(wanted[lane..]);
            Vector256<float> maximum = Maximum(outputs[lane..], out Vector256<float> best);
            Vector256<float> loss = Loss(
                outputs[lane..], maximum, target, gradient.IsEmpty ? gradient
                : gradient[lane..], out Vector256<float> sum);
            loss.CopyTo(losses[lane..]);
            (Vector256.Equals(best, target) & Vector256<float>.One).CopyTo(scores[lane..]);
            if (!gradient.IsEmpty)
                FinishGradient(target, Vector256<float>.One / sum, gradient[lane..]);
        }
    }

    /// <inheritdoc/>
    protected override void PredictPanel(ReadOnlySpan<float> outputs, Span<float> predictions)
    {
        int classes = outputs.Length / Stride;
        for (int lane = 0; lane < Stride; lane += Vector256<float>.Count)
        {
            ref float x = ref MemoryMarshal.GetReference(outputs[lane..]);
            Vector256<float> maximum = Maximum(outputs[lane..], out _);
            Vector256<float> sum = Vector256<float>.Zero;
            for (int i = 0; i < classes; i++)
                sum += VectorMath.Exp(Vector256.LoadUnsafe(ref x, (nuint)(i * Stride)) - maximum);
            Vector256<float> inverse = Vector256<float>.One / sum;
            for (int i = 0; i < classes; i++)
                Scatter(
                    VectorMath.Exp(Vector256.LoadUnsafe(ref x, (nuint)(i * Stride)) - maximum) * inverse, lane, i,
                    classes, predictions);
        }
    }

    /// <summary>The largest logit and the lowest class that has it.</summary>
    private static Vector256<float> Maximum(ReadOnlySpan<float> outputs, out Vector256<float> best)
    {
        ref float x = ref MemoryMarshal.GetReference(outputs);
        Vector256<float> maximum = Vector256.LoadUnsafe(ref x);
        best = Vector256<float>.Zero;
        for (int i = Stride; i < outputs.Length; i += Stride)
        {
            Vector256<float> logit = Vector256.LoadUnsafe(ref x, (nuint)i);
            Vector256<float> larger = Vector256.GreaterThan(logit, maximum);
            maximum = Vector256.ConditionalSelect(larger, logit, maximum);
            best = Vector256.ConditionalSelect(larger, Vector256.Create((float)(i / Stride)), best);
        }
        return maximum;
    }

    /// <summary>
    /// The losses; leaves eˢ in the gradient, unless that is empty, and Σ eˢ in <paramref name="sum"/>.
    /// </summary>
    private Vector256<float> Loss(
        ReadOnlySpan<float> outputs, Vector256<float> maximum, Vector256<float> target, Span<float> gradient,
            out Vector256<float> sum)
    {
        ref float x = ref MemoryMarshal.GetReference(outputs);
        ref float g = ref MemoryMarshal.GetReference(gradient);
        Vector256<float> sumOfShifted = Vector256<float>.Zero;
        Vector256<float> picked = Vector256<float>.Zero;
        Vector256<float> poison = Vector256<float>.Zero; // stays 0 while the logits are finite
        sum = Vector256<float>.Zero;
        int classes = 0;
        for (int i = 0; i < outputs.Length; i += Stride, classes++)
        {
            Vector256<float> logit = Vector256.LoadUnsafe(ref x, (nuint)i);
            Vector256<float> shifted = logit - maximum;
            Vector256<float> exponential = VectorMath.Exp(shifted);
            sum += exponential;
            sumOfShifted += shifted;
            picked = Vector256.ConditionalSelect(
                Vector256.Equals(target, Vector256.Create((float)classes)), shifted, picked);
            poison = Vector256.FusedMultiplyAdd(logit, Vector256<float>.Zero, poison);
            if (!gradient.IsEmpty)
                exponential.StoreUnsafe(ref g, (nuint)i);
        }
        Vector256<float> loss = Vector256.FusedMultiplyAdd(
            picked, Vector256.Create(smoothing - 1f), VectorMath.Log(sum));
        if (smoothing > 0)
            loss = Vector256.FusedMultiplyAdd(sumOfShifted, Vector256.Create(-smoothing / classes), loss);
        return loss + poison;
    }

    /// <summary>gradient = gradient · inverse sum − q.</summary>
    private void FinishGradient(Vector256<float> target, Vector256<float> inverseSum, Span<float> gradient)
    {
        ref float g = ref MemoryMarshal.GetReference(gradient);
        Vector256<float> others = Vector256.Create(-smoothing / ((gradient.Length + Stride - 1) / Stride));
        Vector256<float> own = others + Vector256.Create(smoothing - 1f);
        for (int i = 0; i < gradient.Length; i += Stride)
        {
            Vector256<float> isTarget = Vector256.Equals(target, Vector256.Create((float)(i / Stride)));
            Vector256<float> minusTarget = Vector256.ConditionalSelect(isTarget, own, others);
            Vector256.FusedMultiplyAdd(Vector256.LoadUnsafe(ref g, (nuint)i), inverseSum, minusTarget)
                .StoreUnsafe(ref g, (nuint)i);
        }
    }

    private static void CheckClasses(ReadOnlySpan<float> targets, int firstRow, int classes)
    {
        for (int i = 0; i < targets.Length; i++)
        {
            if (!(targets[i] >= 0 && targets[i] < classes && targets[i] == MathF.Truncate(targets[i])))
                throw new DistTrainerException(FailureKind.Data, string.Create(CultureInfo.InvariantCulture,
                    $"Row {firstRow + i} of the batch has class number {targets[i]}; a network with {classes} outputs "
                        + $"takes whole numbers from 0 to {classes - 1}. Correct the target column, or give the last "
                        + $"layer more units."));
        }
    }
}
