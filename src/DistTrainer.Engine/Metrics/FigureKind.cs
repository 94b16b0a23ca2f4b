namespace DistTrainer.Engine.Metrics;

/// <summary>A figure of a part of the data that can be watched.</summary>
public enum FigureKind
{
    /// <summary>Mean loss, by weight.</summary>
    Loss,

    /// <summary>Share of rows whose class is predicted.</summary>
    Accuracy,

    /// <summary>See <see cref="ClassificationFigures.BalancedAccuracy"/>.</summary>
    BalancedAccuracy,

    /// <summary>See <see cref="ClassificationFigures.LogLoss"/>.</summary>
    LogLoss,

    /// <summary>See <see cref="ClassificationFigures.AreaUnderCurve"/>.</summary>
    AreaUnderCurve,

    /// <summary>See <see cref="ClassificationFigures.F1"/>.</summary>
    F1,

    /// <summary>See <see cref="RegressionFigures.MeanAbsoluteError"/>.</summary>
    MeanAbsoluteError,

    /// <summary>See <see cref="RegressionFigures.RootMeanSquaredError"/>.</summary>
    RootMeanSquaredError,

    /// <summary>See <see cref="RegressionFigures.R2"/>.</summary>
    R2,

    /// <summary>See <see cref="RegressionFigures.MedianAbsoluteError"/>.</summary>
    MedianAbsoluteError,
}

/// <summary>What is known of kinds of figures.</summary>
internal static class FigureKinds
{
    /// <summary>Whether more is better.</summary>
    public static bool IsHigherBetter(this FigureKind kind) => kind is FigureKind.Accuracy
        or FigureKind.BalancedAccuracy or FigureKind.AreaUnderCurve or FigureKind.F1 or FigureKind.R2;

    /// <summary>Whether it is of predicted values; null: of values and classes.</summary>
    public static bool? IsOfValues(this FigureKind kind) =>
        kind == FigureKind.Loss ? null : kind >= FigureKind.MeanAbsoluteError;
}
