using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>f(x) = x for x &gt; 0, else slope · x; f′(0) = slope.</summary>
internal readonly struct LeakyReluFunction(float slope) : IActivationFunction
{
    private static readonly Setting<float> s_slope = Setting.Number(
        "leaky-slope", "Slope for negative inputs", 0.01f, 0, 1);

    /// <summary>The part.</summary>
    public static ActivationPart Part { get; } = new("leaky-relu", Create, s_slope);

    private readonly float _slope = slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<float>.Zero), x, x * Vector256.Create(_slope));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        Vector256.ConditionalSelect(
            Vector256.GreaterThan(x, Vector256<float>.Zero), gradient, gradient * Vector256.Create(_slope));

    private static ActivationLayer<LeakyReluFunction> Create(int features, PartSettings settings)
    {
        float slope = settings.Get(s_slope);
        return new ActivationLayer<LeakyReluFunction>(
            "leaky-relu", new LeakyReluFunction(slope), features, graph =>
                graph.Chain("LeakyRelu").With("alpha", slope));
    }
}
