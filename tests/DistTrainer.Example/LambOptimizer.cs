using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Example;

/// <summary>
/// LAMB without bias correction (You et al. 2020): m = β₁ m + (1 − β₁) g, v = β₂ v + (1 − β₂) g², u = m / (√v + ε), and
/// p = p − rate · ‖p‖ / ‖u‖ · u for each tensor; the ratio is 1 where a norm is 0. Weight decay is the job's.
/// </summary>
/// <param name="beta1">Decay of the first moment; in [0, 1).</param>
/// <param name="beta2">Decay of the second moment; in [0, 1).</param>
public sealed class LambOptimizer(float beta1, float beta2) : IBlockRule
{
    private const float Epsilon = 1e-6f;
    private static readonly Setting<float> s_beta1 = Setting.Number(
        "beta1", "Decay of the first moment", 0.9f, 0, 1, ")");
    private static readonly Setting<float> s_beta2 = Setting.Number(
        "beta2", "Decay of the second moment", 0.999f, 0, 1, ")");

    /// <summary>The rule as a job names it.</summary>
    public static OptimizerPart Part { get; } = new(
        "lamb", settings =>
            Optimizer.ByBlocks(new LambOptimizer(settings.Get(s_beta1), settings.Get(s_beta2))), s_beta1, s_beta2);

    /// <inheritdoc/>
    public IReadOnlyList<string> SlotNames { get; } = ["exp_avg", "exp_avg_sq"];

    /// <inheritdoc/>
    public bool NeedsWholeTensors => true;

    /// <inheritdoc/>
    public void Update(in BlockUpdate update)
    {
        Span<float> g = update.Gradient, m = update.Slot(0), v = update.Slot(1), p = update.Parameters;
        for (int i = 0; i < p.Length; i++)
        {
            m[i] = (beta1 * m[i]) + ((1 - beta1) * g[i]);
            v[i] = (beta2 * v[i]) + ((1 - beta2) * (g[i] * g[i]));
            g[i] = m[i] / (MathF.Sqrt(v[i]) + Epsilon); // the direction
        }
        double length = Math.Sqrt(SquareSum.Of(p)), step = Math.Sqrt(SquareSum.Of(g));
        float rate = (float)(update.Context.Rate * (length > 0 && step > 0 ? length / step : 1));
        for (int i = 0; i < p.Length; i++)
            p[i] -= rate * g[i];
    }
}
