using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Numerics;

/// <summary>
/// Elementary functions on eight floats. They are built from exactly rounded operations alone (+ − · /, fused
/// multiply-add, integer shifts), so they are the same bits on every instruction set, which the platform's own
/// functions are not. Error bounds are in units in the last place of the true value; the tests measure them. A NaN goes
/// in and comes out as a NaN. Coefficients: least maximal relative error over the stated interval, then rounded to
/// float one after the other.
/// </summary>
public static partial class VectorMath
{
    // n · Ln2High is exact for the exponents of floats; the pair is ln 2 to 33 bits more than a float (Cephes).
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;
    private const float SmallestNormal = 1.17549435e-38f;

    /// <summary>
    /// eˣ, error ≤ 1.1 ulp. Below x = ln 2⁻¹²⁶ (about −87.34), where the value is no longer a normal number, it is 0;
    /// from x = 88.72284 on it is +∞. With n = ⌊x / ln 2⌉ and r = x − n ln 2: eˣ = 2ⁿ (1 + r + r² P(r)), |r| ≤ ln 2 /
    /// 2.
    /// </summary>
    /// <param name="x">Any floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Exp(Vector256<float> x)
    {
        // Adding 1.5 · 2²³ leaves the nearest integer in the low bits of the sum.
        Vector256<float> round = Vector256.Create(12582912f);
        Vector256<float> shifted = Fma(x, Vector256.Create(1.44269504f), round);
        Vector256<float> n = shifted - round;
        Vector256<float> r = Fma(n, Vector256.Create(-Ln2High), x);
        r = Fma(n, Vector256.Create(-Ln2Low), r);
        Vector256<float> p = Vector256.Create(0.0013937788316980004f);
        p = Fma(p, r, Vector256.Create(0.008368799462914467f));
        p = Fma(p, r, Vector256.Create(0.041666433215141296f));
        p = Fma(p, r, Vector256.Create(0.1666651964187622f));
        p = Fma(p, r, Vector256.Create(0.5f));
        p = Fma(p, r * r, r) + Vector256<float>.One;
        Vector256<float> y = (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();
        y = Vector256.ConditionalSelect(
            Vector256.GreaterThan(x, Vector256.Create(88.72283f)), Vector256.Create(float.PositiveInfinity), y);
        y = Vector256.AndNot(y, Vector256.LessThan(x, Vector256.Create(-87.33654f)));
        return Vector256.ConditionalSelect(Vector256.Equals(x, x), y, x);
    }

    /// <summary>
    /// The natural logarithm, error ≤ 1 ulp, denormal inputs included. ±0 gives −∞, a negative x NaN, +∞ gives +∞.
    /// </summary>
    /// <param name="x">Any floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Log(Vector256<float> x)
    {
        Vector256<float> small = Vector256.LessThan(x, Vector256.Create(SmallestNormal));
        Vector256<float> normal = Vector256.ConditionalSelect(small, x * Vector256.Create(8388608f), x);
        Vector256<int> halfRootTwo = Vector256.Create(0x3F3504F3);
        Vector256<int> bits = normal.AsInt32() - halfRootTwo;
        Vector256<float> exponent = Vector256.ConvertToSingle(bits >> 23) - (small & Vector256.Create(23f));
        Vector256<float> f = ((bits & Vector256.Create(0x7FFFFF)) + halfRootTwo).AsSingle() - Vector256<float>.One;
        Vector256<float> y = LogOfReduced(f, exponent);
        Vector256<float> infinity = Vector256.Create(float.PositiveInfinity);
        Vector256<float> special = Vector256.ConditionalSelect(
            Vector256.LessThan(x, Vector256<float>.Zero), Vector256.Create(float.NaN), x);
        special = Vector256.ConditionalSelect(Vector256.Equals(x, Vector256<float>.Zero), -infinity, special);
        Vector256<float> ordinary = Vector256.GreaterThan(x, Vector256<float>.Zero) & Vector256.LessThan(x, infinity);
        return Vector256.ConditionalSelect(ordinary, y, special);
    }

    /// <summary>ln(1 + u), error ≤ 1.5 ulp also where u is tiny: 1 + u is never formed.</summary>
    /// <param name="u">In [0, 1]; what comes out for others has no meaning, except NaN for NaN.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LogOnePlus(Vector256<float> u)
    {
        Vector256<float> large = Vector256.GreaterThan(u, Vector256.Create(0.41421357f));
        Vector256<float> halved = (u - Vector256<float>.One) * Vector256.Create(0.5f); // (1 + u) / 2 − 1, exact
        return LogOfReduced(Vector256.ConditionalSelect(large, halved, u), large & Vector256<float>.One);
    }

    /// <summary>tanh x, error ≤ 2 ulp: x + x³ P(x²) for |x| &lt; 0.625, else ±(1 − 2 / (e²ˣ + 1)).</summary>
    /// <param name="x">Any floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Tanh(Vector256<float> x)
    {
        Vector256<float> magnitude = Vector256.Abs(x);
        Vector256<float> z = x * x;
        Vector256<float> p = Vector256.Create(-0.005716996267437935f);
        p = Fma(p, z, Vector256.Create(0.020650377497076988f));
        p = Fma(p, z, Vector256.Create(-0.05374335125088692f));
        p = Fma(p, z, Vector256.Create(0.13331487774848938f));
        p = Fma(p, z, Vector256.Create(-0.3333328366279602f));
        Vector256<float> near = Fma(p * z, magnitude, magnitude);
        Vector256<float> far =
            Vector256<float>.One - (Vector256.Create(2f) / (Exp(magnitude + magnitude) + Vector256<float>.One));
        Vector256<float> y = Vector256.ConditionalSelect(
            Vector256.LessThan(magnitude, Vector256.Create(0.625f)), near, far);
        return y | (x & Vector256.Create(-0f));
    }

    /// <summary>1 / (1 + e⁻ˣ), error ≤ 2.5 ulp; 0 below x = ln 2⁻¹²⁶ (about −87.34).</summary>
    /// <param name="x">Any floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sigmoid(Vector256<float> x)
    {
        Vector256<float> e = Exp(-Vector256.Abs(x));
        Vector256<float> numerator = Vector256.ConditionalSelect(
            Vector256.LessThan(x, Vector256<float>.Zero), e, Vector256<float>.One);
        return numerator / (Vector256<float>.One + e);
    }

    /// <summary>
    /// The distribution function Φ(x) and density φ(x) of the standard normal distribution, error ≤ 4 ulp each where
    /// the value is a normal number; both are 0 beyond. For a = |x| &lt; 1: Φ(x) = ½ + x Q(x²); else, with t = (a − 2)
    /// / (a + 2): Φ(−a) = e^(−a²/2) P(t) / (a + 2).
    /// </summary>
    /// <param name="x">Any floats.</param>
    /// <param name="density">φ(x).</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> NormalCdf(Vector256<float> x, out Vector256<float> density)
    {
        Vector256<float> limit = Vector256.Create(16f);
        Vector256<float> a = Vector256.Abs(x);
        a = Vector256.ConditionalSelect(Vector256.GreaterThan(a, limit), limit, a);
        Vector256<float> square = a * a;
        Vector256<float> rest = Fma(a, a, -square); // a² = square + rest, exactly
        Vector256<float> half = Vector256.Create(-0.5f);
        Vector256<float> e = Exp(square * half);
        e = Fma(e, rest * half, e);
        density = e * Vector256.Create(0.3989422804014327f);
        Vector256<float> u = Vector256<float>.One / (a + Vector256.Create(2f));
        Vector256<float> t = Fma(Vector256.Create(-4f), u, Vector256<float>.One);
        Vector256<float> p = Vector256.Create(0.0004818484012503177f);
        p = Fma(p, t, Vector256.Create(0.0011753870639950037f));
        p = Fma(p, t, Vector256.Create(-0.0019565990660339594f));
        p = Fma(p, t, Vector256.Create(-0.006796601228415966f));
        p = Fma(p, t, Vector256.Create(-0.0004651061608456075f));
        p = Fma(p, t, Vector256.Create(0.03672290965914726f));
        p = Fma(p, t, Vector256.Create(0.028797578066587448f));
        p = Fma(p, t, Vector256.Create(-0.33140453696250916f));
        p = Fma(p, t, Vector256.Create(0.6724079847335815f));
        Vector256<float> lower = e * (u * p);
        Vector256<float> far = Vector256.ConditionalSelect(
            Vector256.LessThan(x, Vector256<float>.Zero), lower, Vector256<float>.One - lower);
        return Vector256.ConditionalSelect(Vector256.LessThan(a, Vector256<float>.One), CdfNearZero(x, square), far);
    }

    /// <summary>½ + x Q(x²), |x| ≤ 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> CdfNearZero(Vector256<float> x, Vector256<float> square)
    {
        Vector256<float> q = Vector256.Create(-7.83805353421485e-06f);
        q = Fma(q, square, Vector256.Create(0.00011410792649257928f));
        q = Fma(q, square, Vector256.Create(-0.0011871246388182044f));
        q = Fma(q, square, Vector256.Create(0.009973795153200626f));
        q = Fma(q, square, Vector256.Create(-0.06649048626422882f));
        q = Fma(q, square, Vector256.Create(0.3989422917366028f));
        return Fma(q, x, Vector256.Create(0.5f));
    }

    /// <summary>ln(1 + f) + exponent · ln 2, with √½ ≤ 1 + f &lt; √2: f − f²/2 + f³ P(f).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> LogOfReduced(Vector256<float> f, Vector256<float> exponent)
    {
        Vector256<float> p = Vector256.Create(-0.07635115087032318f);
        p = Fma(p, f, Vector256.Create(0.12760230898857117f));
        p = Fma(p, f, Vector256.Create(-0.13159112632274628f));
        p = Fma(p, f, Vector256.Create(0.14201830327510834f));
        p = Fma(p, f, Vector256.Create(-0.16623495519161224f));
        p = Fma(p, f, Vector256.Create(0.20001234114170074f));
        p = Fma(p, f, Vector256.Create(-0.25000816583633423f));
        p = Fma(p, f, Vector256.Create(0.3333333134651184f));
        Vector256<float> curve = Fma(p, f, Vector256.Create(-0.5f)) * (f * f);
        curve = Fma(exponent, Vector256.Create(Ln2Low), curve);
        return Fma(exponent, Vector256.Create(Ln2High), f + curve);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        Vector256.FusedMultiplyAdd(a, b, c);
}
