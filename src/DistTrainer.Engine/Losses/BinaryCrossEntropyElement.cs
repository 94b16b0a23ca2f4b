using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Losses;

/// <summary>
/// Sigmoid and binary cross-entropy: max(x, 0) − x y + ln(1 + e^−|x|), derivative σ(x) − y. The score is 1 where the
/// output
/// is on the wrong side: x &gt; 0 must hold exactly where y &gt; ½.
/// </summary>
internal readonly struct BinaryCrossEntropyElement : ILossElement
{
    /// <summary>The part.</summary>
    public static LossPart Part { get; } = new(
        "binary-cross-entropy", TaskKind.Binary, _ =>
            new ElementwiseLoss<BinaryCrossEntropyElement>(default, graph => graph.Chain("Sigmoid")))
    {
        Aliases = ["bce"],
        HasOutputFunction = true,
    };

    /// <inheritdoc/>
    public static bool TargetsAreProbabilities => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Evaluate(
        Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score)
    {
        Vector256<float> positive = Vector256.GreaterThan(output, Vector256<float>.Zero);
        score = (positive ^ Vector256.GreaterThan(target, Vector256.Create(0.5f))) & Vector256<float>.One;
        gradient = VectorMath.Sigmoid(output) - target;
        Vector256<float> linear = Vector256.FusedMultiplyAdd(-output, target, positive & output);
        return linear + VectorMath.LogOnePlus(VectorMath.Exp(-Vector256.Abs(output)));
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Predict(Vector256<float> output) => VectorMath.Sigmoid(output);

    /// <inheritdoc/>
    public static LossSums SumsOf(float loss, float score) => new(1, loss, score == 0 ? 1 : 0, 0);
}
