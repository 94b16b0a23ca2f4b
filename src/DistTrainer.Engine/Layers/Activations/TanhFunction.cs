using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>f(x) = tanh x, f′ = 1 − y².</summary>
internal readonly struct TanhFunction : IActivationFunction
{
    /// <summary>The part.</summary>
    public static ActivationPart Part { get; } = ActivationLayer.PartOf(
        "tanh", new TanhFunction(), graph => graph.Chain("Tanh"));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => VectorMath.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        gradient * Vector256.FusedMultiplyAdd(-y, y, Vector256<float>.One);
}
