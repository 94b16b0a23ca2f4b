namespace DistTrainer.Engine.Training;

/// <summary>
/// Watches the validation loss for early stopping (Prechelt 1998). An epoch is the best so far when its loss is below
/// best − minimum delta; the run should stop when <c>patience</c> epochs in a row were not.
/// </summary>
/// <param name="description">Patience (0 never stops) and minimum delta.</param>
internal sealed class EarlyStoppingTracker(EarlyStoppingDescription description)
{
    /// <summary>The best epoch, counted as reported; 0 before the first.</summary>
    public int BestEpoch { get; private set; }

    /// <summary>Its loss; +∞ before the first.</summary>
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

    /// <summary>Hears of one epoch; a loss of NaN counts as no improvement.</summary>
    /// <param name="epoch">The epoch, counted from 1.</param>
    /// <param name="validationLoss">Its validation loss.</param>
    /// <returns>Whether it is the best so far, so that its parameters should be kept.</returns>
    public bool Report(int epoch, double validationLoss)
    {
        if (validationLoss < BestLoss - description.MinimumDelta)
        {
            BestLoss = validationLoss;
            BestEpoch = epoch;
            BadEpochs = 0;
            return true;
        }
        BadEpochs++;
        return false;
    }
}
