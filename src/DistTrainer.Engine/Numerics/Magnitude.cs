using System.Runtime.Intrinsics;

namespace DistTrainer.Engine;

/// <summary>Largest absolute values, to see that sums of products cannot leave the finite numbers.</summary>
internal static class Magnitude
{
    private const float Limit = 1e38f;

    /// <summary>max |v|; +∞ where any value is infinite or NaN. Compares bit patterns, which order like absolute values.</summary>
    /// <param name="values">A multiple of 8 floats, as panels are.</param>
    public static float Largest(ReadOnlySpan<float> values)
    {
        Vector256<int> largest = Vector256<int>.Zero;
        Vector256<int> mask = Vector256.Create(int.MaxValue);
        for (int i = 0; i + 8 <= values.Length; i += 8)
            largest = Vector256.Max(largest, Vector256.Create(values.Slice(i, 8)).AsInt32() & mask);
        int bits = 0;
        for (int lane = 0; lane < 8; lane++)
            bits = Math.Max(bits, largest[lane]);
        float result = BitConverter.Int32BitsToSingle(bits);
        return float.IsNaN(result) ? float.PositiveInfinity : result;
    }

    /// <summary>
    /// Whether every sum of up to rows products, and every partial sum, must be finite:
    /// rows · max|x| · max|dy| is far below the largest float (and likewise the sums of dy alone).
    /// </summary>
    public static bool SumsStayFinite(ActivationPanels x, ActivationPanels dy)
    {
        double gradient = Largest(dy.Values), bound = Math.Max(1, x.Rows) * gradient * Math.Max(1, Largest(x.Values));
        return bound < Limit;
    }
}
