namespace DistTrainer.Engine.Data;

/// <summary>
/// Learns the scaling of features and targets from the training rows. All sums are in double, in the order of the rows.
/// </summary>
internal static class FeatureScaler
{
    private const double LargestByte = 255;

    // A scaled value may move so much for the sake of an offset of few digits.
    private const double Negligible = 1.0 / (1 << 20);

    /// <summary>Learns a scaling.</summary>
    /// <param name="raw">All rows.</param>
    /// <param name="train">Numbers of the training rows, at least one.</param>
    /// <param name="targets">[count, <paramref name="targetWidth"/>], encoded but not scaled.</param>
    /// <param name="targetWidth">Targets a sample.</param>
    /// <param name="kind">Rule for the features.</param>
    /// <param name="normalizeTargets">Whether targets are standardized.</param>
    /// <exception cref="DistTrainerException">Bytes were promised and a training value is none.</exception>
    public static Normalization Learn(
        RawMatrix raw, int[] train, double[] targets, int targetWidth, NormalizationKind kind, bool normalizeTargets)
    {
        (double[] offset, float[] scale) = LearnFeatures(raw, train, kind);
        float[] bounds = [];
        if (raw.Features is Columns.TableEncoder table)
        {
            if (kind == NormalizationKind.Robust)
                bounds = Filled(offset.Length, Normalization.RobustBound);
            for (int i = 0; i < offset.Length; i++)
            {
                if (table.IsNumber[i])
                    continue;
                (offset[i], scale[i]) = (0, 1); // 0/1 of a value, or an index
                if (bounds.Length > 0)
                    bounds[i] = 0;
            }
        }
        else if (kind == NormalizationKind.Robust)
            bounds = Filled(offset.Length, Normalization.RobustBound);
        (double[] targetOffset, float[] targetScale) = normalizeTargets
            ? Standardize(
                train, targetWidth, (row, values) => targets.AsSpan(row * targetWidth, targetWidth).CopyTo(values))
            : Unscaled(targetWidth);
        return new(kind, offset, scale, targetOffset, targetScale) { Bounds = bounds };
    }

    private delegate void RowCopy(int row, Span<double> values);

    private static (double[] Offset, float[] Scale) LearnFeatures(RawMatrix raw, int[] train, NormalizationKind kind)
    {
        int width = raw.Features.Width;
        switch (kind)
        {
            case NormalizationKind.MinMax:
                Summary range = Summarize(train, width, raw.Features.CopyRow);
                return Scaling(range, range.Minimum, i => range.Maximum[i] - range.Minimum[i]);
            case NormalizationKind.Standardize:
                return Standardize(train, width, raw.Features.CopyRow);
            case NormalizationKind.Robust:
                return Robust(train, raw.Features);
            case NormalizationKind.UnitBytes:
                RequireBytes(raw, train);
                return (new double[width], Filled(width, (float)(1 / LargestByte)));
            default:
                return Unscaled(width);
        }
    }

    /// <summary>
    /// Mean and 1 / standard deviation (of the population, divided by n) of each column, in two passes.
    /// </summary>
    private static (double[] Offset, float[] Scale) Standardize(int[] train, int width, RowCopy copy)
    {
        Summary summary = Summarize(train, width, copy);
        double[] squares = new double[width], values = new double[width];
        foreach (int row in train)
        {
            copy(row, values);
            for (int i = 0; i < values.Length; i++)
            {
                double difference = values[i] - summary.Mean[i];
                squares[i] += difference * difference;
            }
        }
        // A constant column's mean is its value; the sum may have rounded.
        double[] mean = [.. Enumerable.Range(0, width).Select(
            i => summary.IsConstant(i) ? summary.Minimum[i] : summary.Mean[i])];
        return Scaling(summary, mean, i => Math.Sqrt(squares[i] / train.Length));
    }

    /// <summary>
    /// Median and 1 / distance of the quartiles, or 1 / standard deviation where these are equal (after Holzmüller et
    /// al. 2024, "Better by Default").
    /// </summary>
    private static (double[] Offset, float[] Scale) Robust(int[] train, RawRows rows)
    {
        Summary summary = Summarize(train, rows.Width, rows.CopyRow);
        double[] median = new double[rows.Width], spread = new double[rows.Width];
        double[][] columns = [.. Enumerable.Range(0, rows.Width).Select(_ => new double[train.Length])];
        double[] values = new double[rows.Width];
        for (int i = 0; i < train.Length; i++)
        {
            rows.CopyRow(train[i], values);
            for (int column = 0; column < values.Length; column++)
                columns[column][i] = values[column];
        }
        Parallel.For(0, rows.Width, column =>
        {
            double[] sorted = columns[column];
            Array.Sort(sorted);
            median[column] = Quantile(sorted, 0.5);
            double quartiles = Quantile(sorted, 0.75) - Quantile(sorted, 0.25);
            spread[column] = quartiles > 0 ? quartiles : Deviation(sorted);
        });
        return Scaling(summary, median, i => spread[i]);
    }

    private static double Deviation(double[] values)
    {
        double mean = values.Average(), squares = 0;
        foreach (double value in values)
            squares += (value - mean) * (value - mean);
        return Math.Sqrt(squares / values.Length);
    }

    /// <summary>A quantile, between two values linearly.</summary>
    public static double Quantile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        return below + 1 == sorted.Length ? sorted[below]
            : sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below]));
    }

    private static Summary Summarize(int[] train, int width, RowCopy copy)
    {
        double[] minimum = new double[width], maximum = new double[width], mean = new double[width],
            values = new double[width];
        Array.Fill(minimum, double.PositiveInfinity);
        Array.Fill(maximum, double.NegativeInfinity);
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
        return new(minimum, maximum, mean);
    }

    /// <summary>
    /// Offsets, as floats where that does, and 1 / spread; 1 for a constant column, and where the quotient is no normal
    /// float.
    /// </summary>
    private static (double[] Offset, float[] Scale) Scaling(Summary summary, double[] offset, Func<int, double> spread)
    {
        var offsets = (double[])offset.Clone();
        float[] scale = new float[offset.Length];
        for (int i = 0; i < scale.Length; i++)
        {
            float value = summary.IsConstant(i) ? 1 : (float)(1 / spread(i));
            scale[i] = float.IsNormal(value) ? value : 1;
            double rounded = (float)offset[i];
            if (Math.Abs(rounded - offset[i]) * scale[i] <= Negligible)
                offsets[i] = rounded;
        }
        return (offsets, scale);
    }

    private static void RequireBytes(RawMatrix raw, int[] train)
    {
        if (raw.Features is ByteRows)
            return;
        double[] values = new double[raw.Features.Width];
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

    private static (double[] Offset, float[] Scale) Unscaled(int width) => (new double[width], Filled(width, 1));

    private static float[] Filled(int width, float value)
    {
        float[] values = new float[width];
        Array.Fill(values, value);
        return values;
    }

    private sealed record Summary(double[] Minimum, double[] Maximum, double[] Mean)
    {
        public bool IsConstant(int column) => Minimum[column] == Maximum[column];
    }
}
