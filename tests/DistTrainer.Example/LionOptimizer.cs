using System.Runtime.Intrinsics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Example;

/// <summary>
/// Lion (Chen et al. 2023): p = p − rate · sign(β₁ m + (1 − β₁) g), then m = β₂ m + (1 − β₂) g.
/// </summary>
/// <param name="beta1">Share of the memory in the direction; in [0, 1].</param>
/// <param name="beta2">Decay of the memory; in [0, 1].</param>
public sealed class LionOptimizer(float beta1, float beta2) : CustomOptimizer("exp_avg")
{
    private static readonly Setting<float> s_beta1 = Setting.Number(
        "beta1", "Share of the memory in the direction", 0.9f, 0, 1);
    private static readonly Setting<float> s_beta2 = Setting.Number("beta2", "Decay of the memory", 0.99f, 0, 1);

    /// <summary>The rule as a job names it.</summary>
    public static OptimizerPart Part { get; } = new(
        "lion", settings => new LionOptimizer(settings.Get(s_beta1), settings.Get(s_beta2)), s_beta1, s_beta2);

    /// <inheritdoc/>
    protected override Vector256<float> Apply(
        in UpdateContext context, Vector256<float> parameter, Vector256<float> gradient,
        ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2)
    {
        Vector256<float> direction = Mix(slot0, gradient, beta1);
        slot0 = Mix(slot0, gradient, beta2);
        Vector256<float> rate = Vector256.Create((float)context.Rate);
        Vector256<float> up = Vector256.LessThan(direction, Vector256<float>.Zero) & rate;
        Vector256<float> down = Vector256.GreaterThan(direction, Vector256<float>.Zero) & rate;
        return parameter + up - down;
    }

    private static Vector256<float> Mix(Vector256<float> memory, Vector256<float> gradient, float share) =>
        Vector256.FusedMultiplyAdd(Vector256.Create(share), memory, gradient * (1 - share));
}
