namespace DistTrainer.ParameterServer;

/// <summary>
/// How values spread. The buckets do not depend on the values: from each power of two to the next there are eight of
/// one width, for either sign. So the histograms of a tensor's parts add up to the tensor's, wherever it was cut.
/// </summary>
/// <param name="Buckets">The first 12 bits (sign, exponent, three of the fraction) of the values in each bucket that
/// has any; ascending.</param>
/// <param name="Counts">How many values each of them has.</param>
/// <param name="Min">The least finite value; +∞ if there is none.</param>
/// <param name="Max">The largest finite value; −∞ if there is none.</param>
/// <param name="Sum">Sum of the finite values.</param>
/// <param name="Squares">Sum of their squares.</param>
public sealed record ValueHistogram(ushort[] Buckets, int[] Counts, float Min, float Max, double Sum, double Squares)
{
    /// <summary>Of no values.</summary>
    public static ValueHistogram Empty { get; } = new([], [], float.PositiveInfinity, float.NegativeInfinity, 0, 0);

    /// <summary>Of some values.</summary>
    public static ValueHistogram Of(ReadOnlySpan<float> values)
    {
        var counter = new HistogramCounter();
        counter.Add(values, 1);
        return counter.Take();
    }

    /// <summary>How many values there are, those that are not finite among them.</summary>
    public long Count => Counts.Sum(count => (long)count);

    /// <summary>
    /// The histogram of both parts' values. Counts do not depend on the cut; the last digits of sums may.
    /// </summary>
    public static ValueHistogram operator +(ValueHistogram left, ValueHistogram right)
    {
        var buckets = new List<ushort>(left.Buckets.Length + right.Buckets.Length);
        var counts = new List<int>(buckets.Capacity);
        for (int l = 0, r = 0; l < left.Buckets.Length || r < right.Buckets.Length;)
        {
            ushort next = Math.Min(
                l < left.Buckets.Length ? left.Buckets[l] : ushort.MaxValue, r < right.Buckets.Length
                ? right.Buckets[r] : ushort.MaxValue);
            int count = 0;
            if (l < left.Buckets.Length && left.Buckets[l] == next)
                count += left.Counts[l++];
            if (r < right.Buckets.Length && right.Buckets[r] == next)
                count += right.Counts[r++];
            buckets.Add(next);
            counts.Add(count);
        }
        return new ValueHistogram(
            [.. buckets], [.. counts], Math.Min(left.Min, right.Min), Math.Max(left.Max, right.Max),
            left.Sum + right.Sum, left.Squares + right.Squares);
    }

    /// <summary>
    /// The finite values' buckets in ascending order, each from its lower limit to its upper one; empty ones are left
    /// out. What is nearer to zero than the least normal number, 2⁻¹²⁶, is one bucket.
    /// </summary>
    public IReadOnlyList<(double Lower, double Upper, long Count)> Finite()
    {
        const int firstNormal = 1 << HistogramCounter.FractionBits, negative = HistogramCounter.Buckets / 2,
            infinite = negative - firstNormal;
        var finite = new List<(double Lower, double Upper, long Count)>(Buckets.Length);
        long nearZero = 0;
        for (int i = Buckets.Length - 1; i >= 0 && Buckets[i] >= negative; i--)
        {
            int magnitude = Buckets[i] - negative;
            if (magnitude < firstNormal)
                nearZero += Counts[i];
            else if (magnitude < infinite)
                finite.Add((-Limit(magnitude + 1), -Limit(magnitude), Counts[i]));
        }
        int positive = 0;
        for (; positive < Buckets.Length && Buckets[positive] < firstNormal; positive++)
            nearZero += Counts[positive];
        if (nearZero > 0)
            finite.Add((-Limit(firstNormal), Limit(firstNormal), nearZero));
        for (; positive < Buckets.Length && Buckets[positive] < infinite; positive++)
            finite.Add((Limit(Buckets[positive]), Limit(Buckets[positive] + 1), Counts[positive]));
        return finite;
    }

    // After the last comes 2¹²⁸, which only a double can hold.
    private static double Limit(int bucket) =>
        Math.ScaleB(
            1 + ((bucket & ((1 << HistogramCounter.FractionBits) - 1)) / (double)(1 << HistogramCounter.FractionBits)),
            (bucket >> HistogramCounter.FractionBits) - 127);
}

/// <summary>
/// Histograms over the part of one tensor that lies in one parameter shard; the parts of a tensor add up.
/// </summary>
/// <param name="Tensor">Index of the tensor in the layout.</param>
/// <param name="Parameters">Of the parameters after the update.</param>
/// <param name="Gradients">Of the averaged gradient, before clipping and regularization.</param>
internal sealed record TensorHistogram(int Tensor, ValueHistogram Parameters, ValueHistogram Gradients);
