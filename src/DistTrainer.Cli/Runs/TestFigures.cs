using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;

namespace DistTrainer.Cli.Runs;

/// <summary>Figures of one part of the data.</summary>
/// <param name="Count">Samples.</param>
/// <param name="Loss">Mean loss a sample; null without samples.</param>
/// <param name="Accuracy">Share of correctly classified samples; null for regression or without samples.</param>
/// <param name="R2">1 − squared error / squared deviation from the part's own mean, over all targets; null for classes,
/// without samples, or where the targets do not vary.</param>
internal sealed record TestFigures(long Count, double? Loss, double? Accuracy, double? R2)
{
    /// <summary>Figures from sums.</summary>
    /// <param name="sums">Sums over the part.</param>
    /// <param name="data">The part.</param>
    /// <param name="task">What the targets mean.</param>
    public static TestFigures Of(LossSums sums, ISampleSource data, TaskKind task) => Of(
        sums, Enumerable.Range(0, data.TargetWidth).Select(target => SampleColumns.Targets(data, target)), task);

    /// <summary>Figures from sums.</summary>
    /// <param name="sums">Sums over the part.</param>
    /// <param name="targets">The samples' targets, a column each.</param>
    /// <param name="task">What the targets mean.</param>
    public static TestFigures Of(LossSums sums, IEnumerable<float[]> targets, TaskKind task)
    {
        if (sums.Count == 0)
            return new TestFigures(0, null, null, null);
        double loss = sums.MeanLoss;
        if (task != TaskKind.Regression)
            return new TestFigures(sums.Count, loss, (double)sums.Correct / sums.Count, null);
        double deviation = SquaredDeviation(targets);
        return new TestFigures(sums.Count, loss, null, deviation > 0 ? 1 - (sums.SquaredErrorSum / deviation) : null);
    }

    /// <summary>The figures as one parseable line.</summary>
    /// <param name="part">The part's name.</param>
    public string Line(string part)
    {
        if (Count == 0)
            return $"{part} samples=0";
        string quality = Accuracy is { } accuracy ? $"accuracy={Numbers.Text(accuracy)}" : $"r2={Numbers.Text(R2)}";
        return $"{part} samples={Numbers.Text(Count)} loss={Numbers.Text(Loss)} {quality}";
    }

    private static double SquaredDeviation(IEnumerable<float[]> targets)
    {
        double sum = 0;
        foreach (float[] values in targets)
        {
            double mean = 0;
            foreach (float value in values)
                mean += value;
            mean /= values.Length;
            foreach (float value in values)
                sum += (value - mean) * (value - mean);
        }

        return sum;
    }
}
