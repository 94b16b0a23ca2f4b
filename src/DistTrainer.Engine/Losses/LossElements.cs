using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine;

/// <summary>
/// Sigmoid and binary cross-entropy: max(x, 0) − x y + ln(1 + e^−|x|), derivative σ(x) − y. The score is 1 where the output
/// is on the wrong side: x &gt; 0 must hold exactly where y &gt; ½.
/// </summary>
internal readonly struct BinaryCrossEntropyElement : ILossElement
{
    /// <inheritdoc/>
    public static bool TargetsAreProbabilities => true;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Evaluate(Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score)
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

/// <summary>(x − y)², derivative 2 (x − y). The score is the squared error.</summary>
internal readonly struct SquaredErrorElement : ILossElement
{
    /// <inheritdoc/>
    public static bool TargetsAreProbabilities => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Evaluate(Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score)
    {
        Vector256<float> error = output - target;
        gradient = error + error;
        score = error * error;
        return score;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Predict(Vector256<float> output) => output;

    /// <inheritdoc/>
    public static LossSums SumsOf(float loss, float score) => new(1, loss, 0, score);
}

/// <summary>
/// Huber 1964, with d = x − y: d² / 2 for |d| ≤ δ, else δ (|d| − δ / 2); derivative d, cut to [−δ, δ]. The score is d².
/// </summary>
/// <param name="delta">Where the loss turns linear; &gt; 0.</param>
internal readonly struct HuberElement(float delta) : ILossElement
{
    private readonly float _delta = delta;

    /// <inheritdoc/>
    public static bool TargetsAreProbabilities => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Evaluate(Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score)
    {
        Vector256<float> delta = Vector256.Create(_delta);
        Vector256<float> half = Vector256.Create(0.5f);
        Vector256<float> error = output - target;
        Vector256<float> magnitude = Vector256.Abs(error);
        Vector256<float> far = Vector256.GreaterThan(magnitude, delta);
        Vector256<float> signedDelta = delta | (error & Vector256.Create(-0f));
        gradient = Vector256.ConditionalSelect(far, signedDelta, error);
        score = error * error;
        Vector256<float> linear = delta * Vector256.FusedMultiplyAdd(delta, -half, magnitude);
        return Vector256.ConditionalSelect(far, linear, half * score);
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Predict(Vector256<float> output) => output;

    /// <inheritdoc/>
    public static LossSums SumsOf(float loss, float score) => new(1, loss, 0, score);
}
