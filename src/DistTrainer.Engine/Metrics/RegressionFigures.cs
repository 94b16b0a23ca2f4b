namespace DistTrainer.Engine.Metrics;

/// <summary>How well a value is predicted, with scikit-learn's definitions.</summary>
/// <param name="Name">The target.</param>
/// <param name="Count">Samples, at least one.</param>
/// <param name="MeanAbsoluteError">Mean of |error|, in the target's unit.</param>
/// <param name="RootMeanSquaredError">Root of the mean of error², in the target's unit.</param>
/// <param name="R2">1 − squared error / squared deviation of the targets from their mean; null where they do not
/// vary.</param>
/// <param name="MedianAbsoluteError">Median of |error|, in the target's unit.</param>
public sealed record RegressionFigures(
    string Name, long Count, double MeanAbsoluteError, double RootMeanSquaredError, double? R2,
    double MedianAbsoluteError)
{
    /// <summary>Compares one target with its predictions.</summary>
    /// <param name="name">The target.</param>
    /// <param name="predictions">[samples].</param>
    /// <param name="targets">[samples]; at least one.</param>
    /// <exception cref="ArgumentException">There are no samples, or the lengths differ.</exception>
    public static RegressionFigures Of(string name, ReadOnlySpan<float> predictions, ReadOnlySpan<float> targets)
    {
        if (targets.IsEmpty || predictions.Length != targets.Length)
            throw new ArgumentException(
                $"There are {predictions.Length} predictions for {targets.Length} samples; give one for each of at "
                + "least one.", nameof(predictions));
        double[] errors = new double[targets.Length];
        double absolute = 0, squares = 0, sum = 0, deviation = 0;
        for (int row = 0; row < targets.Length; row++)
        {
            double error = (double)predictions[row] - targets[row];
            errors[row] = Math.Abs(error);
            absolute += errors[row];
            squares += error * error;
            sum += targets[row];
        }
        double mean = sum / targets.Length;
        foreach (float target in targets)
            deviation += (target - mean) * (target - mean);
        return new RegressionFigures(
            name, targets.Length, absolute / targets.Length, Math.Sqrt(squares / targets.Length),
            deviation > 0 ? 1 - (squares / deviation) : null, RankedScores.Median(errors));
    }
}
