using System.Buffers;
using System.Numerics.Tensors;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Learns the scaling of features and targets from the training rows, a column at a time. All sums are in double, in
/// the order of the rows.
/// </summary>
internal static class FeatureScaler
{
    private const double LargestByte = 255;

    // With fewer values threads cost more than they bring.
    private const int FewValues = 1 << 20;

    // Rows of numbers are gone through once for so many columns.
    private const int MostColumnsAtOnce = 2;

    // Rows are gone through once for so many columns where their sums are made together: a few cache lines of floats.
    private const int ColumnsOfRows = 64;

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
            ? Learn(targetWidth, train.Length, (target, values) =>
            {
                for (int i = 0; i < values.Length; i++)
                    values[i] = targets[(train[i % train.Length] * targetWidth) + target + (i / train.Length)];
            }, Standardize) : Unscaled(targetWidth);
        return new(kind, offset, scale, targetOffset, targetScale) { Bounds = bounds };
    }

    private delegate (double Offset, double Spread) ColumnRule(Span<double> values);

    /// <summary>Copies as many columns side by side as fit.</summary>
    private delegate void ColumnCopy(int column, Span<double> values);

    private static (double[] Offset, float[] Scale) LearnFeatures(RawMatrix raw, int[] train, NormalizationKind kind)
    {
        int width = raw.Features.Width, atOnce = raw.Features is Columns.TableEncoder ? 1 : MostColumnsAtOnce;
        switch (kind)
        {
            case NormalizationKind.MinMax:
                return Learn(width, train.Length, Copy, MinMax, atOnce);
            case NormalizationKind.Standardize when raw.Features is PlainRows rows:
                return StandardizeRows(rows, train);
            case NormalizationKind.Standardize:
                return Learn(width, train.Length, Copy, Standardize, atOnce);
            case NormalizationKind.Robust:
                return Learn(width, train.Length, Copy, Robust, atOnce);
            case NormalizationKind.UnitBytes:
                RequireBytes(raw, train);
                return (new double[width], Filled(width, (float)(1 / LargestByte)));
            default:
                return Unscaled(width);
        }

        void Copy(int feature, Span<double> values) => raw.Features.CopyColumns(feature, train, values);
    }

    /// <summary>
    /// Offset and scale of each column, by a rule of its values alone: columns are looked at side by side. Offsets are
    /// floats where that does; the scale is 1 / spread, and 1 for a constant column and where the quotient is no normal
    /// float.
    /// </summary>
    private static (double[] Offset, float[] Scale) Learn(
        int width, int rows, ColumnCopy copy, ColumnRule rule, int mostAtOnce = 1)
    {
        double[] offsets = new double[width];
        float[] scales = Filled(width, 1);
        if ((long)width * rows < FewValues)
        {
            double[] values = new double[rows];
            for (int column = 0; column < width; column++)
                LearnSome(column, 1, values);
        }
        else
        {
            int atOnce = Math.Min(mostAtOnce, width), room = rows * atOnce;
            Parallel.For(0, (width + atOnce - 1) / atOnce, () => ArrayPool<double>.Shared.Rent(room),
                (block, _, values) =>
                {
                    int first = block * atOnce;
                    LearnSome(first, Math.Min(atOnce, width - first), values);
                    return values;
                }, values => ArrayPool<double>.Shared.Return(values));
        }
        return (offsets, scales);

        void LearnSome(int first, int count, double[] values)
        {
            copy(first, values.AsSpan(0, count * rows));
            for (int i = 0; i < count; i++)
                LearnOne(first + i, values.AsSpan(i * rows, rows));
        }

        void LearnOne(int column, Span<double> values) =>
            (offsets[column], scales[column]) = values.ContainsAnyExcept(values[0]) ? Rounded(rule(values))
                : (OfConstant(values[0]), 1);
    }

    // A constant column's mean is its value; the sum would round.
    private static double OfConstant(double value) =>
        Math.Abs((float)value - value) <= Negligible ? (float)value : value;

    private static (double Offset, float Scale) Rounded((double Offset, double Spread) exact)
    {
        float scale = (float)(1 / exact.Spread);
        scale = float.IsNormal(scale) ? scale : 1;
        double rounded = (float)exact.Offset;
        return (Math.Abs(rounded - exact.Offset) * scale <= Negligible ? rounded : exact.Offset, scale);
    }

    /// <summary>
    /// <see cref="Standardize"/> of all columns at once, row by row as they lie in memory: each column's sums are made
    /// in the order of the rows, so they are the same bits.
    /// </summary>
    private static (double[] Offset, float[] Scale) StandardizeRows(PlainRows rows, int[] train)
    {
        double[] offsets = new double[rows.Width];
        float[] scales = new float[rows.Width];
        Parallel.For(0, (rows.Width + ColumnsOfRows - 1) / ColumnsOfRows, block =>
        {
            int start = block * ColumnsOfRows, count = Math.Min(ColumnsOfRows, rows.Width - start);
            Span<double> first = stackalloc double[count], row = stackalloc double[count],
                means = stackalloc double[count], squares = stackalloc double[count], varies = stackalloc double[count];
            rows.CopyPart(train[0], start, first);
            means.Clear();
            squares.Clear();
            varies.Clear();
            foreach (int number in train)
            {
                rows.CopyPart(number, start, row);
                TensorPrimitives.Add<double>(means, row, means);
                TensorPrimitives.Subtract<double>(row, first, row);
                TensorPrimitives.MaxMagnitude<double>(varies, row, varies);
            }
            TensorPrimitives.Divide(means, train.Length, means);
            foreach (int number in train)
            {
                rows.CopyPart(number, start, row);
                TensorPrimitives.Subtract<double>(row, means, row);
                TensorPrimitives.Multiply<double>(row, row, row);
                TensorPrimitives.Add<double>(squares, row, squares);
            }
            for (int i = 0; i < count; i++)
                (offsets[start + i], scales[start + i]) = varies[i] == 0 ? (OfConstant(first[i]), 1)
                    : Rounded((means[i], Math.Sqrt(squares[i] / train.Length)));
        });
        return (offsets, scales);
    }

    private static (double Offset, double Spread) MinMax(Span<double> values)
    {
        double least = TensorPrimitives.Min<double>(values), most = TensorPrimitives.Max<double>(values);
        return (least, most - least);
    }

    /// <summary>Mean and standard deviation (of the population, divided by n), in two passes.</summary>
    private static (double Offset, double Spread) Standardize(Span<double> values)
    {
        double mean = 0, squares = 0;
        foreach (double value in values)
            mean += value;
        mean /= values.Length;
        foreach (double value in values)
            squares += (value - mean) * (value - mean);
        return (mean, Math.Sqrt(squares / values.Length));
    }

    /// <summary>
    /// Median and distance of the quartiles, or the standard deviation where these are equal (after Holzmüller et al.
    /// 2024, "Better by Default").
    /// </summary>
    private static (double Offset, double Spread) Robust(Span<double> values)
    {
        NumberSort.Sort(values);
        double quartiles = Quantile(values, 0.75) - Quantile(values, 0.25);
        return (Quantile(values, 0.5), quartiles > 0 ? quartiles : Standardize(values).Spread);
    }

    /// <summary>A quantile, between two values linearly.</summary>
    /// <param name="sorted">The values, at least one.</param>
    /// <param name="share">From 0 to 1.</param>
    public static double Quantile(ReadOnlySpan<double> sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        return below + 1 == sorted.Length ? sorted[below]
            : sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below]));
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
}
