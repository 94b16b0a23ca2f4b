using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Losses;

/// <summary>
/// Huber 1964, with d = x − y: d² / 2 for |d| ≤ δ, else δ (|d| − δ / 2); derivative d, cut to [−δ, δ]. The score is d².
/// </summary>
/// <param name="delta">Where the loss turns linear; &gt; 0.</param>
internal readonly struct HuberElement(float delta) : ILossElement
{
    private static readonly Setting<float> s_delta = Setting.Number(
        "huber-delta", "Error at which the loss turns from quadratic to linear", 1, 0, float.MaxValue, "(");

    /// <summary>The part.</summary>
    public static LossPart Part { get; } = new(
        "huber", TaskKind.Regression, settings =>
            new ElementwiseLoss<HuberElement>(new HuberElement(settings.Get(s_delta))), s_delta);

    private readonly float _delta = delta;

    /// <inheritdoc/>
    public static bool TargetsAreProbabilities => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Evaluate(
        Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score)
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
