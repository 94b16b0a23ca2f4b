namespace DistTrainer.Engine.Metrics;

/// <summary>
/// How well classes are predicted, with the definitions and defaults of scikit-learn's functions of the same names. The
/// predicted class is the first of the most probable ones.
/// </summary>
/// <param name="Count">Samples, at least one.</param>
/// <param name="Accuracy">Share of samples whose class is predicted.</param>
/// <param name="BalancedAccuracy">Mean of the recalls of the classes that are there.</param>
/// <param name="LogLoss">Mean of −ln of the probability of a sample's class; probabilities below 2.2e-16 count as
/// that.</param>
/// <param name="AreaUnderCurve">Two classes: of the second one's probability. More: one against the rest, each weighted
/// by its samples. Null where a class is not there.</param>
/// <param name="F1">Mean of the F1 of the classes that are there or were predicted (macro).</param>
/// <param name="Classes">Each class, in the model's order.</param>
/// <param name="Confusion">[class, predicted class]: samples.</param>
public sealed record ClassificationFigures(
    long Count, double Accuracy, double BalancedAccuracy, double LogLoss, double? AreaUnderCurve, double F1,
    IReadOnlyList<ClassFigures> Classes, IReadOnlyList<IReadOnlyList<long>> Confusion)
{
    private const double LeastProbability = 2.220446049250313e-16;

    /// <summary>Compares predictions with classes.</summary>
    /// <param name="probabilities">[samples, classes] row-major, each row's sum about 1.</param>
    /// <param name="labels">[samples], numbers of classes; at least one.</param>
    /// <param name="names">The classes; at least two.</param>
    /// <exception cref="ArgumentException">There are no samples, the lengths do not fit, or a label is no
    /// class.</exception>
    public static ClassificationFigures Of(
        ReadOnlySpan<float> probabilities, ReadOnlySpan<int> labels, IReadOnlyList<string> names)
    {
        int classes = names.Count;
        if (labels.IsEmpty || classes < 2 || probabilities.Length != (long)labels.Length * classes)
            throw new ArgumentException(
                $"There are {probabilities.Length} probabilities for {labels.Length} samples of {classes} classes; "
                + "give one for each class of at least one sample.", nameof(probabilities));
        long[][] confusion = [.. names.Select(_ => new long[classes])];
        double loss = 0;
        for (int row = 0; row < labels.Length; row++)
        {
            if ((uint)labels[row] >= (uint)classes)
                throw new ArgumentException(
                    $"Sample {row} has the class number {labels[row]}; 0 to {classes - 1} are allowed.",
                    nameof(labels));
            ReadOnlySpan<float> own = probabilities.Slice(row * classes, classes);
            confusion[labels[row]][MostProbable(own)]++;
            loss -= Math.Log(Probability(own, labels[row]));
        }
        double?[] areas = Areas(probabilities.ToArray(), labels.ToArray(), classes);
        ClassFigures[] figures = [.. names.Select((name, c) => new ClassFigures(
            name, confusion[c].Sum(), confusion.Sum(row => row[c]), confusion[c][c], areas[c]))];
        return new ClassificationFigures(
            labels.Length, (double)figures.Sum(c => c.Right) / labels.Length,
            figures.Where(c => c.Count > 0).Average(c => c.Recall), loss / labels.Length, Area(figures),
            figures.Where(c => c.IsThere).Average(c => c.F1), figures, confusion);
    }

    private static int MostProbable(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int c = 1; c < row.Length; c++)
            best = row[c] > row[best] ? c : best;
        return best;
    }

    /// <summary>Of one class, as a share of the row's sum, for floats round.</summary>
    private static double Probability(ReadOnlySpan<float> row, int label)
    {
        double sum = 0, own = 0;
        for (int c = 0; c < row.Length; c++)
        {
            double clipped = Math.Clamp((double)row[c], LeastProbability, 1 - LeastProbability);
            sum += clipped;
            own = c == label ? clipped : own;
        }
        return own / sum;
    }

    /// <summary>Of each class against the rest.</summary>
    private static double?[] Areas(float[] probabilities, int[] labels, int classes)
    {
        double?[] areas = new double?[classes];
        Parallel.For(0, classes, label =>
        {
            float[] scores = new float[labels.Length];
            bool[] isPositive = new bool[labels.Length];
            for (int row = 0; row < labels.Length; row++)
                (scores[row], isPositive[row]) = (probabilities[(row * classes) + label], labels[row] == label);
            areas[label] = RankedScores.AreaUnderCurve(scores, isPositive);
        });
        return areas;
    }

    private static double? Area(ClassFigures[] classes)
    {
        if (classes.Any(c => c.AreaUnderCurve is null))
            return null;
        return classes.Length == 2 ? classes[1].AreaUnderCurve
            : classes.Sum(c => c.AreaUnderCurve!.Value * c.Count) / classes.Sum(c => c.Count);
    }
}
