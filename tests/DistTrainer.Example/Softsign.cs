using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Example;

/// <summary>f(x) = x / (1 + sharpness · |x|), f′(x) = 1 / (1 + sharpness · |x|)².</summary>
/// <param name="features">Features that come in and go out.</param>
/// <param name="sharpness">How fast it bends; ≥ 0.</param>
public sealed class Softsign(int features, float sharpness) : ElementwiseLayer("softsign", features)
{
    private static readonly Setting<float> s_sharpness = Setting.Number("sharpness", "How fast it bends", 1, 0, 100);

    /// <summary>The activation as a job names it.</summary>
    public static ActivationPart Part { get; } = new(
        "softsign", (features, settings) => new Softsign(features, settings.Get(s_sharpness)), s_sharpness);

    /// <inheritdoc/>
    protected override Vector256<float> Forward(Vector256<float> x) => x / Divisor(x);

    /// <inheritdoc/>
    protected override Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient)
    {
        Vector256<float> divisor = Divisor(x);
        return gradient / (divisor * divisor);
    }

    private Vector256<float> Divisor(Vector256<float> x) =>
        Vector256.FusedMultiplyAdd(Vector256.Create(sharpness), Vector256.Abs(x), Vector256<float>.One);
}
