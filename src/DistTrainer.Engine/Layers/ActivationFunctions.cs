using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine;

/// <summary>An element-wise function and its pull-back, on eight elements.</summary>
internal interface IActivationFunction
{
    /// <summary>y = f(x).</summary>
    Vector256<float> Forward(Vector256<float> x);

    /// <summary>f′(x) · <paramref name="gradient"/>, with y = f(x) at hand.</summary>
    Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient);
}

/// <summary>f(x) = x.</summary>
internal readonly struct IdentityFunction : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) => gradient;
}

/// <summary>f(x) = max(0, x), f′(0) = 0. Written as "cleared where x ≤ 0", so that a NaN passes.</summary>
internal readonly struct ReluFunction : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) =>
        Vector256.AndNot(x, Vector256.LessThanOrEqual(x, Vector256<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        Vector256.AndNot(gradient, Vector256.LessThanOrEqual(x, Vector256<float>.Zero));
}

/// <summary>f(x) = x for x &gt; 0, else slope · x; f′(0) = slope.</summary>
internal readonly struct LeakyReluFunction(float slope) : IActivationFunction
{
    private readonly float _slope = slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<float>.Zero), x, x * Vector256.Create(_slope));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<float>.Zero), gradient, gradient * Vector256.Create(_slope));
}

/// <summary>f(x) = 1 / (1 + e⁻ˣ), f′ = y (1 − y).</summary>
internal readonly struct SigmoidFunction : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => VectorMath.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        gradient * ((Vector256<float>.One - y) * y);
}

/// <summary>f(x) = tanh x, f′ = 1 − y².</summary>
internal readonly struct TanhFunction : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => VectorMath.Tanh(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient) =>
        gradient * Vector256.FusedMultiplyAdd(-y, y, Vector256<float>.One);
}

/// <summary>f(x) = x Φ(x), f′ = Φ(x) + x φ(x) (Hendrycks and Gimpel 2016, the exact form).</summary>
internal readonly struct GeluFunction : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => x * VectorMath.NormalCdf(x, out _);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient)
    {
        Vector256<float> cdf = VectorMath.NormalCdf(x, out Vector256<float> density);
        return gradient * Vector256.FusedMultiplyAdd(x, density, cdf);
    }
}

/// <summary>f(x) = x σ(x), f′ = σ (1 + x (1 − σ)).</summary>
internal readonly struct SiluFunction : IActivationFunction
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Forward(Vector256<float> x) => x * VectorMath.Sigmoid(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient)
    {
        Vector256<float> s = VectorMath.Sigmoid(x);
        return gradient * (s * Vector256.FusedMultiplyAdd(x, Vector256<float>.One - s, Vector256<float>.One));
    }
}
