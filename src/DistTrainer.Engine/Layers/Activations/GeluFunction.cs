using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers.Activations;

/// <summary>f(x) = x Φ(x), f′ = Φ(x) + x φ(x) (Hendrycks and Gimpel 2016, the exact form).</summary>
internal readonly struct GeluFunction : IActivationFunction
{
    /// <summary>The part.</summary>
    public static ActivationPart Part { get; } = ActivationLayer.PartOf("gelu", new GeluFunction(), WriteOnnx);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => x * VectorMath.NormalCdf(x, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient)
    {
        Vector256<float> cdf = VectorMath.NormalCdf(x, out Vector256<float> density);
        return gradient * Vector256.FusedMultiplyAdd(x, density, cdf);
    }

    // x · Φ(x) = x · (1 + erf(x / √2)) / 2; the operator Gelu came with opset 20.
    private static void WriteOnnx(IOnnxGraph graph)
    {
        string x = graph.Last;
        graph.Chain("Mul", graph.Scalar(1 / MathF.Sqrt(2)));
        graph.Chain("Erf");
        graph.Chain("Add", graph.Scalar(1));
        graph.Chain("Mul", x);
        graph.Chain("Mul", graph.Scalar(0.5f));
    }
}
