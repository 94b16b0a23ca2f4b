using System.Runtime.Intrinsics;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Example;

/// <summary>With d = output − target: δ² (√(1 + (d/δ)²) − 1), derivative d / √(1 + (d/δ)²).</summary>
/// <param name="delta">Where the loss turns linear; &gt; 0.</param>
public sealed class PseudoHuberLoss(float delta) : ValueLoss
{
    private static readonly Setting<float> s_delta = Setting.Number(
        "delta", "Where the loss turns linear", 1, 1e-3f, 1e3f);

    /// <summary>The loss as a job names it.</summary>
    public static LossPart Part { get; } = new(
        "pseudo-huber", TaskKind.Regression, settings => new PseudoHuberLoss(settings.Get(s_delta)), s_delta);

    /// <inheritdoc/>
    protected override Vector256<float> Evaluate(
        Vector256<float> output, Vector256<float> target, out Vector256<float> gradient)
    {
        Vector256<float> error = output - target;
        Vector256<float> share = error / Vector256.Create(delta);
        Vector256<float> root = Vector256.Sqrt(Vector256.FusedMultiplyAdd(share, share, Vector256<float>.One));
        gradient = error / root;
        return (root - Vector256<float>.One) * Vector256.Create(delta * delta);
    }
}
