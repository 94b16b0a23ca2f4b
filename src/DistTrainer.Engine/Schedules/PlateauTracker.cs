using DistTrainer.Engine.Optimizers;

namespace DistTrainer.Engine.Schedules;

/// <summary>
/// Watches the validation loss for the schedule <c>reduce-on-plateau</c>: PyTorch's <c>ReduceLROnPlateau</c> with
/// mode min, relative threshold and no cool-down. The factor is multiplied by gamma when more than <c>patience</c>
/// epochs in a row have not been below best · (1 − threshold).
/// </summary>
public sealed class PlateauTracker
{
    private readonly double _gamma;
    private readonly double _threshold;
    private readonly int _patience;

    /// <summary>Takes the settings.</summary>
    /// <param name="gamma">Factor of a reduction, in (0, 1].</param>
    /// <param name="threshold">Relative improvement that counts, ≥ 0.</param>
    /// <param name="patience">Epochs without improvement to wait, ≥ 0.</param>
    public PlateauTracker(float gamma, float threshold, int patience)
    {
        _gamma = ScalarMath.AsWritten(gamma);
        _threshold = ScalarMath.AsWritten(threshold);
        _patience = patience;
    }

    /// <summary>What the full rate is multiplied by; 1 at first.</summary>
    public double Factor { get; private set; } = 1;

    /// <summary>The lowest loss that counted as an improvement; +∞ at first.</summary>
    public double Best { get; private set; } = double.PositiveInfinity;

    /// <summary>Epochs in a row without improvement, since the last reduction.</summary>
    public int BadEpochs { get; private set; }

    /// <summary>Goes on from where another tracker was.</summary>
    /// <param name="factor">Its <see cref="Factor"/>.</param>
    /// <param name="best">Its <see cref="Best"/>.</param>
    /// <param name="badEpochs">Its <see cref="BadEpochs"/>.</param>
    public void Restore(double factor, double best, int badEpochs) =>
        (Factor, Best, BadEpochs) = (factor, best, badEpochs);

    /// <summary>Hears of one epoch's validation loss; NaN counts as no improvement.</summary>
    /// <returns>Whether the factor was reduced.</returns>
    public bool Report(double validationLoss)
    {
        if (validationLoss < Best * (1 - _threshold))
        {
            Best = validationLoss;
            BadEpochs = 0;
            return false;
        }
        if (++BadEpochs <= _patience)
            return false;
        Factor *= _gamma;
        BadEpochs = 0;
        return true;
    }
}
