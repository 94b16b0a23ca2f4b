namespace DistTrainer.Engine.Metrics;

/// <summary>What is known of one class, with scikit-learn's definitions.</summary>
/// <param name="Name">The class.</param>
/// <param name="Count">Samples of the class.</param>
/// <param name="Predicted">Samples that were taken for it.</param>
/// <param name="Right">Samples that are both.</param>
/// <param name="AreaUnderCurve">Of the class's probability, one against the rest; null where all samples or none are of
/// the class.</param>
public sealed record ClassFigures(string Name, long Count, long Predicted, long Right, double? AreaUnderCurve)
{
    /// <summary>Share of those taken for the class that are; 0 where there are none.</summary>
    public double Precision => Predicted == 0 ? 0 : (double)Right / Predicted;

    /// <summary>Share of the class that was taken for it; 0 where there are none.</summary>
    public double Recall => Count == 0 ? 0 : (double)Right / Count;

    /// <summary>Harmonic mean of precision and recall; 0 where both are.</summary>
    public double F1 => Count + Predicted == 0 ? 0 : 2.0 * Right / (Count + Predicted);

    /// <summary>Whether the class is among the samples or the predictions.</summary>
    internal bool IsThere => Count + Predicted > 0;
}
