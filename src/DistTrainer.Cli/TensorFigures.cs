namespace DistTrainer.Cli;

/// <summary>What <c>inspect</c> says of a tensor.</summary>
/// <param name="Count">Elements.</param>
/// <param name="Mean">Mean.</param>
/// <param name="Deviation">Standard deviation (divided by the count).</param>
/// <param name="Minimum">Smallest.</param>
/// <param name="Maximum">Largest.</param>
/// <param name="Norm">Euclidean norm.</param>
/// <param name="ZeroShare">Share of exact zeros.</param>
/// <param name="Histogram">Equal bins from the smallest to the largest, as block characters.</param>
internal sealed record TensorFigures(
    int Count, double Mean, double Deviation, double Minimum, double Maximum, double Norm,
        double ZeroShare, string Histogram)
{
    private const int Bins = 24;
    private const string Blocks = " ▁▂▃▄▅▆▇█";

    /// <summary>Figures of some values; at least one.</summary>
    public static TensorFigures Of(ReadOnlySpan<float> values)
    {
        (double sum, double squares, int zeros) = (0, 0, 0);
        (double minimum, double maximum) = (double.PositiveInfinity, double.NegativeInfinity);
        foreach (float value in values)
        {
            sum += value;
            squares += (double)value * value;
            zeros += value == 0 ? 1 : 0;
            minimum = Math.Min(minimum, value);
            maximum = Math.Max(maximum, value);
        }

        double mean = sum / values.Length;
        double spread = 0;
        foreach (float value in values)
            spread += (value - mean) * (value - mean);
        return new TensorFigures(
            values.Length, mean, Math.Sqrt(spread / values.Length), minimum, maximum, Math.Sqrt(squares),
                (double)zeros / values.Length, Draw(values, minimum, maximum));
    }

    private static string Draw(ReadOnlySpan<float> values, double minimum, double maximum)
    {
        int[] counts = new int[Bins];
        double width = maximum - minimum;
        foreach (float value in values)
            counts[width > 0 ? Math.Min(Bins - 1, (int)((value - minimum) / width * Bins)) : Bins / 2]++;
        int most = counts.Max();

        // A bin that is not empty shows at least the lowest block.
        return string.Concat(
            counts.Select(count => Blocks[count == 0 ? 0 : 1 + (int)((long)count * (Blocks.Length - 2) / most)]));
    }
}
