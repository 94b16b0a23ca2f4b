using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>f(x) = 1 / (1 + e⁻ˣ), f′ = y (1 − y).</summary>
internal readonly struct SigmoidFunction : IActivationFunction
{
    /// <summary>The part.</summary>
    public static ActivationPart Part { get; } = ActivationLayer.PartOf(
        "sigmoid", new SigmoidFunction(), graph => graph.Chain("Sigmoid"));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => VectorMath.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        gradient * ((Vector256<float>.One - y) * y);
}
