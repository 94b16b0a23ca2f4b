namespace DistTrainer.Engine.Data;

/// <summary>
/// Learns the scaling of features and targets from the training rows. All sums are in double, in the order of the rows.
/// </summary>
internal static class FeatureScaler
{
    private const float LargestByte = 255f;

    /// <summary>Learns a scaling.</summary>
    /// <param name="raw">All rows.</param>
    /// <param name="train">Numbers of the training rows, at least one.</param>
    /// <param name="targets">[count, <paramref name="targetWidth"/>], encoded but not scaled.</param>
    /// <param name="targetWidth">Targets a sample.</param>
    /// <param name="kind">Rule for the features.</param>
    /// <param name="normalizeTargets">Whether targets are standardized.</param>
    /// <exception cref="DistTrainerException">Bytes were promised and a training value is none.</exception>
    public static Normalization Learn(
        RawData raw, int[] train, float[] targets, int targetWidth, NormalizationKind kind, bool normalizeTargets)
    {
        (float[] offset, float[] scale) = LearnFeatures(raw, train, kind);
        (float[] targetOffset, float[] targetScale) = normalizeTargets
            ? Standardize(
                train, targetWidth, (row, values) => targets.AsSpan(row * targetWidth, targetWidth).CopyTo(values))
            : Unscaled(targetWidth);
        return new(kind, offset, scale, targetOffset, targetScale);
    }

    private delegate void RowCopy(int row, Span<float> values);

    private static (float[] Offset, float[] Scale) LearnFeatures(RawData raw, int[] train, NormalizationKind kind)
    {
        int width = raw.Features.Width;
        switch (kind)
        {
            case NormalizationKind.MinMax:
                (float[] minimum, float[] maximum, _) = Summarize(train, width, raw.Features.CopyRow);
                return (minimum, Scales(minimum, maximum, i => (double)maximum[i] - minimum[i]));
            case NormalizationKind.Standardize:
                return Standardize(train, width, raw.Features.CopyRow);
            case NormalizationKind.UnitBytes:
                RequireBytes(raw, train);
                return (new float[width], Filled(width, 1 / LargestByte));
            default:
                return Unscaled(width);
        }
    }

    /// <summary>
    /// Mean and 1 / standard deviation (of the population, divided by n) of each column, in two passes.
    /// </summary>
    private static (float[] Offset, float[] Scale) Standardize(int[] train, int width, RowCopy copy)
    {
        (float[] minimum, float[] maximum, double[] mean) = Summarize(train, width, copy);
        double[] squares = new double[width];
        float[] values = new float[width], offset = new float[width];
        foreach (int row in train)
        {
            copy(row, values);
            for (int i = 0; i < values.Length; i++)
            {
                double difference = values[i] - mean[i];
                squares[i] += difference * difference;
            }
        }
        // A constant column's mean is its value; the sum may have rounded.
        for (int i = 0; i < width; i++)
            offset[i] = minimum[i] == maximum[i] ? minimum[i] : (float)mean[i];
        return (offset, Scales(minimum, maximum, i => Math.Sqrt(squares[i] / train.Length)));
    }

    private static (float[] Minimum, float[] Maximum, double[] Mean) Summarize(int[] train, int width, RowCopy copy)
    {
        float[] minimum = Filled(width, float.PositiveInfinity), maximum = Filled(width, float.NegativeInfinity),
            values = new float[width];
        double[] mean = new double[width];
        foreach (int row in train)
        {
            copy(row, values);
            for (int i = 0; i < values.Length; i++)
            {
                minimum[i] = Math.Min(minimum[i], values[i]);
                maximum[i] = Math.Max(maximum[i], values[i]);
                mean[i] += values[i];
            }
        }
        for (int i = 0; i < width; i++)
            mean[i] /= train.Length;
        return (minimum, maximum, mean);
    }

    /// <summary>1 / spread; 1 for a constant column, and where the quotient is no normal float.</summary>
    private static float[] Scales(float[] minimum, float[] maximum, Func<int, double> spread)
    {
        float[] scale = new float[minimum.Length];
        for (int i = 0; i < scale.Length; i++)
        {
            float value = minimum[i] == maximum[i] ? 1 : (float)(1 / spread(i));
            scale[i] = float.IsNormal(value) ? value : 1;
        }
        return scale;
    }

    private static void RequireBytes(RawData raw, int[] train)
    {
        if (raw.Features is ByteRows)
            return;
        float[] values = new float[raw.Features.Width];
        foreach (int row in train)
        {
            raw.Features.CopyRow(row, values);
            for (int i = 0; i < values.Length; i++)
            {
                if (values[i] is not (>= 0 and <= LargestByte))
                    throw DataError.Of(
                        $"{raw.RowPlace(row)}: feature {DataError.Quote(raw.FeatureNames[i])} is "
                        + $"{DataError.Number(values[i])}; data.normalization = unit-bytes takes 0 to 255: choose "
                        + "min-max or standardize.");
            }
        }
    }

    private static (float[] Offset, float[] Scale) Unscaled(int width) => (new float[width], Filled(width, 1));

    private static float[] Filled(int width, float value)
    {
        float[] values = new float[width];
        Array.Fill(values, value);
        return values;
    }
}
