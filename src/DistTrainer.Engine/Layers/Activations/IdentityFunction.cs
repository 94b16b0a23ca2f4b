using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>f(x) = x.</summary>
internal readonly struct IdentityFunction : IActivationFunction
{
    /// <summary>The part.</summary>
    public static ActivationPart Part { get; } = ActivationLayer.PartOf(
        "identity", new IdentityFunction(), _ => { }, isIdentity: true, "none", "linear");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) => gradient;
}
