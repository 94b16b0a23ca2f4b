using DistTrainer.Engine.Metrics;

namespace DistTrainer.Engine.Training;

/// <summary>
/// Watches a figure of the validation part for early stopping (Prechelt 1998). An epoch is the best so far when its
/// figure is below best − minimum delta; the run should stop when <c>patience</c> epochs in a row were not. A figure of
/// which more is better counts with the sign turned.
/// </summary>
/// <param name="description">Patience (0 never stops) and minimum delta.</param>
internal sealed class EarlyStoppingTracker(EarlyStoppingDescription description)
{
    /// <summary>The best epoch, counted as reported; 0 before the first.</summary>
    public int BestEpoch { get; private set; }

    /// <summary>Its loss, or other figure; +∞ before the first.</summary>
    public double BestLoss { get; private set; } = double.PositiveInfinity;

    /// <summary>Epochs in a row without improvement.</summary>
    public int BadEpochs { get; private set; }

    /// <summary>Whether the run should stop.</summary>
    public bool ShouldStop => description.Patience > 0 && BadEpochs >= description.Patience;

    /// <summary>Goes on from where another tracker was.</summary>
    /// <param name="bestEpoch">Its <see cref="BestEpoch"/>.</param>
    /// <param name="bestLoss">Its <see cref="BestLoss"/>.</param>
    /// <param name="badEpochs">Its <see cref="BadEpochs"/>.</param>
    public void Restore(int bestEpoch, double bestLoss, int badEpochs) =>
        (BestEpoch, BestLoss, BadEpochs) = (bestEpoch, bestLoss, badEpochs);

    /// <summary>Hears of one epoch; a figure of NaN counts as no improvement.</summary>
    /// <param name="epoch">The epoch, counted from 1.</param>
    /// <param name="figure">The watched figure of the validation part.</param>
    /// <returns>Whether it is the best so far, so that its parameters should be kept.</returns>
    public bool Report(int epoch, double figure)
    {
        double value = description.Watch.IsHigherBetter() ? -figure : figure;
        if (value < BestLoss - description.MinimumDelta)
        {
            BestLoss = value;
            BestEpoch = epoch;
            BadEpochs = 0;
            return true;
        }
        BadEpochs++;
        return false;
    }
}
