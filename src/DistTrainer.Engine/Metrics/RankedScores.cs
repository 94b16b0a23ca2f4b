namespace DistTrainer.Engine.Metrics;

/// <summary>What depends on the order of scores alone.</summary>
internal static class RankedScores
{
    /// <summary>
    /// The area under the receiver operating characteristic: the chance that a positive sample's score is above a
    /// negative one's, with one half where they are equal (Mann and Whitney 1947).
    /// </summary>
    /// <param name="scores">[n].</param>
    /// <param name="isPositive">[n].</param>
    /// <returns>0 to 1; null where there are no positive or no negative samples.</returns>
    public static double? AreaUnderCurve(float[] scores, bool[] isPositive)
    {
        long positives = isPositive.LongCount(positive => positive), negatives = isPositive.Length - positives;
        if (positives == 0 || negatives == 0)
            return null;
        float[] keys = [.. scores];
        bool[] positive = [.. isPositive];
        Array.Sort(keys, positive);
        // Twice the number of pairs in the right order, in whole numbers: nothing rounds before the division.
        decimal pairs = 0;
        long below = 0;
        for (int start = 0, end; start < keys.Length; start = end)
        {
            long equalPositives = 0, equalNegatives = 0;
            for (end = start; end < keys.Length && (end == start || keys[end] == keys[start]); end++)
                (equalPositives, equalNegatives) = positive[end]
                    ? (equalPositives + 1, equalNegatives) : (equalPositives, equalNegatives + 1);
            pairs += (decimal)equalPositives * ((2 * below) + equalNegatives);
            below += equalNegatives;
        }
        return (double)(pairs / 2) / ((double)positives * negatives);
    }

    /// <summary>The middle value; the mean of both in the middle of an even number.</summary>
    /// <param name="values">[n], n ≥ 1; sorted in place.</param>
    public static double Median(double[] values)
    {
        Array.Sort(values);
        int middle = values.Length / 2;
        return values.Length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    }
}
