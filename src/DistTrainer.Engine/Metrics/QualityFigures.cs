using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;

namespace DistTrainer.Engine.Metrics;

/// <summary>
/// How well a model predicts one part of the data, beyond the loss: what scikit-learn's functions of the same names
/// give for the same predictions.
/// </summary>
/// <param name="Classes">Classification, and 0/1 targets, one entry each; empty for regression.</param>
/// <param name="Values">Regression: one entry a target.</param>
internal sealed record QualityFigures(
    IReadOnlyList<(string? Target, ClassificationFigures Figures)> Classes, IReadOnlyList<RegressionFigures> Values)
{
    private const int RowsAtOnce = 1024;

    /// <summary>Predicts a part and compares.</summary>
    /// <param name="evaluator">Runs the model.</param>
    /// <param name="parameters">All parameters, flat.</param>
    /// <param name="data">The part; at least one sample.</param>
    /// <param name="schema">What its targets mean.</param>
    public static QualityFigures Of(
        Evaluator evaluator, ReadOnlySpan<float> parameters, ISampleSource data, DataSchema schema)
    {
        int count = checked((int)data.Count);
        float[] predictions = new float[checked(count * schema.Outputs)],
            targets = new float[checked(count * data.TargetWidth)];
        Predict(evaluator, parameters, data, predictions, targets);
        return Of(predictions, targets, schema);
    }

    /// <summary>Compares predictions with targets.</summary>
    /// <param name="predictions">[samples, outputs] row-major; overwritten.</param>
    /// <param name="targets">[samples, targets] row-major, as the loss has them; overwritten.</param>
    /// <param name="schema">What the targets mean.</param>
    public static QualityFigures Of(float[] predictions, float[] targets, DataSchema schema)
    {
        if (schema.Task == TaskKind.Classification)
        {
            int[] labels = [.. targets.Select(target => (int)target)];
            return new QualityFigures([(null, ClassificationFigures.Of(predictions, labels, schema.ClassNames))], []);
        }
        int width = schema.TargetNames.Count;
        for (int row = 0; schema.Task == TaskKind.Regression && row < targets.Length; row += width)
        {
            schema.Normalization.RestoreTargets(predictions.AsSpan(row, width));
            schema.Normalization.RestoreTargets(targets.AsSpan(row, width));
        }
        float[][] predicted = [.. Enumerable.Range(0, width).Select(t => Column(predictions, width, t))],
            wanted = [.. Enumerable.Range(0, width).Select(t => Column(targets, width, t))];
        return schema.Task == TaskKind.Binary
            ? new QualityFigures(
                [.. schema.TargetNames.Select((name, t) => ((string?)name, OfBinary(predicted[t], wanted[t])))], [])
            : new QualityFigures(
                [], [.. schema.TargetNames.Select((name, t) => RegressionFigures.Of(name, predicted[t], wanted[t]))]);
    }

    /// <summary>The same as single figures.</summary>
    public PartFigures Summary() => new(
        Mean(Classes, one => one.Figures.Accuracy), Mean(Classes, one => one.Figures.BalancedAccuracy),
        Mean(Classes, one => one.Figures.LogLoss), Mean(Classes, one => one.Figures.AreaUnderCurve),
        Mean(Classes, one => one.Figures.F1), Mean(Values, one => one.MeanAbsoluteError),
        Mean(Values, one => one.RootMeanSquaredError), Mean(Values, one => one.R2),
        Mean(Values, one => one.MedianAbsoluteError));

    /// <summary>Null where there is none, or one is not defined.</summary>
    private static double? Mean<T>(IReadOnlyList<T> targets, Func<T, double?> figure) =>
        targets.Count == 0 || targets.Any(one => figure(one) is null) ? null : targets.Average(figure);

    /// <summary>Predicts the first samples of a part, and copies their targets.</summary>
    /// <param name="evaluator">Runs the model.</param>
    /// <param name="parameters">All parameters, flat.</param>
    /// <param name="data">The part.</param>
    /// <param name="predictions">[samples, outputs] row-major; overwritten.</param>
    /// <param name="targets">[samples, targets] row-major; overwritten; says how many samples.</param>
    public static void Predict(
        Evaluator evaluator, ReadOnlySpan<float> parameters, ISampleSource data, Span<float> predictions,
        Span<float> targets)
    {
        int width = data.TargetWidth, count = targets.Length / width;
        int outputs = count == 0 ? 0 : predictions.Length / count;
        float[] features = new float[RowsAtOnce * data.FeatureCount];
        for (int first = 0; first < count; first += RowsAtOnce)
        {
            int rows = Math.Min(RowsAtOnce, count - first);
            Span<float> read = features.AsSpan(0, rows * data.FeatureCount);
            data.Read([.. Enumerable.Range(first, rows)], read, targets.Slice(first * width, rows * width));
            evaluator.Predict(read, parameters, predictions.Slice(first * outputs, rows * outputs));
        }
    }

    /// <summary>Of one 0/1 target: its two classes.</summary>
    private static ClassificationFigures OfBinary(float[] probability, float[] target) => ClassificationFigures.Of(
        [.. probability.SelectMany(p => new[] { 1 - p, p })], [.. target.Select(value => (int)value)], ["0", "1"]);

    /// <summary>One column of rows.</summary>
    /// <param name="rows">[rows, <paramref name="width"/>] row-major.</param>
    /// <param name="width">Columns.</param>
    /// <param name="column">Which.</param>
    public static float[] Column(ReadOnlySpan<float> rows, int width, int column)
    {
        float[] values = new float[rows.Length / width];
        for (int row = 0; row < values.Length; row++)
            values[row] = rows[(row * width) + column];
        return values;
    }
}
