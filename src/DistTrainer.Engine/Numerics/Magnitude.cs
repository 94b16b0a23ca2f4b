using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Numerics;

/// <summary>Largest absolute values, to see that sums of products cannot leave the finite numbers.</summary>
internal static class Magnitude
{
    private const float Limit = 1e38f;

    /// <summary>
    /// max |v|; +∞ where any value is infinite or NaN. Compares bit patterns, which order like absolute values.
    /// </summary>
    public static float Largest(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector256<int>> vectors = MemoryMarshal.Cast<float, Vector256<int>>(values);
        Vector256<int> mask = Vector256.Create(int.MaxValue);
        // Four maxima, so that none waits for the one before.
        Vector256<int> m0 = default, m1 = default, m2 = default, m3 = default;
        int i = 0;
        for (; i + 3 < vectors.Length; i += 4)
        {
            m0 = Vector256.Max(m0, vectors[i] & mask);
            m1 = Vector256.Max(m1, vectors[i + 1] & mask);
            m2 = Vector256.Max(m2, vectors[i + 2] & mask);
            m3 = Vector256.Max(m3, vectors[i + 3] & mask);
        }
        for (; i < vectors.Length; i++)
            m0 = Vector256.Max(m0, vectors[i] & mask);
        Vector256<int> largest = Vector256.Max(Vector256.Max(m0, m1), Vector256.Max(m2, m3));
        int bits = 0;
        for (int lane = 0; lane < 8; lane++)
            bits = Math.Max(bits, largest[lane]);
        foreach (float value in values[(vectors.Length * 8)..])
            bits = Math.Max(bits, BitConverter.SingleToInt32Bits(value) & int.MaxValue);
        float result = BitConverter.Int32BitsToSingle(bits);
        return float.IsNaN(result) ? float.PositiveInfinity : result;
    }

    /// <summary>
    /// Whether every value of a gradient is finite and far below the largest float; no partial sum of it was infinite
    /// then.
    /// </summary>
    public static bool IsFarFromInfinite(ReadOnlySpan<float> gradient) => Largest(gradient) < Limit;

    /// <summary>
    /// Whether every sum of up to rows products, and every partial sum, must be finite:
    /// rows · max|x| · max|dy| is far below the largest float (and likewise the sums of dy alone).
    /// </summary>
    public static bool SumsStayFinite(ActivationPanels x, ActivationPanels dy)
    {
        double gradient = Largest(dy.Values), bound = Math.Max(1, x.Rows) * gradient * Math.Max(1, Largest(x.Values));
        return bound < Limit;
    }

    /// <summary>
    /// Whether every sum of up to rows values of one feature, and every partial sum, must be finite: rows · max|dy| is
    /// far below the largest float.
    /// </summary>
    public static bool SumsStayFinite(ActivationPanels dy) =>
        Math.Max(1, dy.Rows) * (double)Largest(dy.Values) < Limit;
}
