using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>f(x) = x σ(x), f′ = σ (1 + x (1 − σ)).</summary>
internal readonly struct SiluFunction : IActivationFunction
{
    /// <summary>The part.</summary>
    public static ActivationPart Part { get; } = ActivationLayer.PartOf(
        "silu", new SiluFunction(), WriteOnnx, isIdentity: false, "swish");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => x * VectorMath.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient)
    {
        Vector256<float> s = VectorMath.Sigmoid(x);
        return gradient * (s * Vector256.FusedMultiplyAdd(x, Vector256<float>.One - s, Vector256<float>.One));
    }

    private static void WriteOnnx(IOnnxGraph graph)
    {
        string x = graph.Last;
        graph.Chain("Sigmoid");
        graph.Chain("Mul", x);
    }
}
