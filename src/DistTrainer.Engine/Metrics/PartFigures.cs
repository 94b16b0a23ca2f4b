namespace DistTrainer.Engine.Metrics;

/// <summary>
/// How well a model predicts a part of the data, as single figures: of several targets their means. Each is null where
/// it is not defined, or not of the model's task.
/// </summary>
/// <param name="Accuracy">See <see cref="ClassificationFigures.Accuracy"/>.</param>
/// <param name="BalancedAccuracy">See <see cref="ClassificationFigures.BalancedAccuracy"/>.</param>
/// <param name="LogLoss">See <see cref="ClassificationFigures.LogLoss"/>.</param>
/// <param name="AreaUnderCurve">See <see cref="ClassificationFigures.AreaUnderCurve"/>.</param>
/// <param name="F1">See <see cref="ClassificationFigures.F1"/>.</param>
/// <param name="MeanAbsoluteError">See <see cref="RegressionFigures.MeanAbsoluteError"/>.</param>
/// <param name="RootMeanSquaredError">See <see cref="RegressionFigures.RootMeanSquaredError"/>.</param>
/// <param name="R2">See <see cref="RegressionFigures.R2"/>.</param>
/// <param name="MedianAbsoluteError">See <see cref="RegressionFigures.MedianAbsoluteError"/>.</param>
public sealed record PartFigures(
    double? Accuracy = null, double? BalancedAccuracy = null, double? LogLoss = null, double? AreaUnderCurve = null,
    double? F1 = null, double? MeanAbsoluteError = null, double? RootMeanSquaredError = null, double? R2 = null,
    double? MedianAbsoluteError = null)
{
    /// <summary>A figure; null where there is none, as for the loss.</summary>
    public double? this[FigureKind kind] => kind switch
    {
        FigureKind.Accuracy => Accuracy,
        FigureKind.BalancedAccuracy => BalancedAccuracy,
        FigureKind.LogLoss => LogLoss,
        FigureKind.AreaUnderCurve => AreaUnderCurve,
        FigureKind.F1 => F1,
        FigureKind.MeanAbsoluteError => MeanAbsoluteError,
        FigureKind.RootMeanSquaredError => RootMeanSquaredError,
        FigureKind.R2 => R2,
        FigureKind.MedianAbsoluteError => MedianAbsoluteError,
        _ => null,
    };
}
