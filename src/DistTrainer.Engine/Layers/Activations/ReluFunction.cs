using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>f(x) = max(0, x), f′(0) = 0. Written as "cleared where x ≤ 0", so that a NaN passes.</summary>
internal readonly struct ReluFunction : IActivationFunction
{
    /// <summary>The part.</summary>
    public static ActivationPart Part { get; } = ActivationLayer.PartOf(
        "relu", new ReluFunction(), graph => graph.Chain("Relu"));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) =>
        Vector256.AndNot(x, Vector256.LessThanOrEqual(x, Vector256<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        Vector256.AndNot(gradient, Vector256.LessThanOrEqual(x, Vector256<float>.Zero));
}
