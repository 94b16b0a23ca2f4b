using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// Sums of squares in double with 16 fixed lanes: element i goes to lane i % 16, and the lanes are folded in halves
/// (l₀+l₈, l₁+l₉, …, then again). The order depends on the length only. Squares of floats are exact in double.
/// </summary>
public static class SquareSum
{
    private const int Lanes = 16;

    /// <summary>Σ (scale · xᵢ)², each product with the scale rounded to float.</summary>
    /// <param name="values">[n], n ≥ 0.</param>
    /// <param name="scale">Factor of every element.</param>
    public static double Of(ReadOnlySpan<float> values, float scale = 1)
    {
        Vector256<double> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        ref float x = ref MemoryMarshal.GetReference(values);
        int whole = values.Length & -Lanes;
        for (nuint i = 0; i < (nuint)whole; i += Lanes)
        {
            Vector256<float> a = Vector256.LoadUnsafe(ref x, i) * scale;
            Vector256<float> b = Vector256.LoadUnsafe(ref x, i + 8) * scale;
            sum0 += SquareLower(a);
            sum1 += SquareUpper(a);
            sum2 += SquareLower(b);
            sum3 += SquareUpper(b);
        }
        Span<float> rest = stackalloc float[Lanes];
        rest.Clear();
        values[whole..].CopyTo(rest);
        Vector256<float> c = Vector256.Create<float>(rest) * scale;
        Vector256<float> d = Vector256.Create<float>(rest[8..]) * scale;
        Vector256<double> lanes =
            (sum0 + SquareLower(c) + (sum2 + SquareLower(d))) + (sum1 + SquareUpper(c) + (sum3 + SquareUpper(d)));
        return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> SquareLower(Vector256<float> x)
    {
        Vector256<double> wide = Vector256.WidenLower(x);
        return wide * wide;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<double> SquareUpper(Vector256<float> x)
    {
        Vector256<double> wide = Vector256.WidenUpper(x);
        return wide * wide;
    }
}
