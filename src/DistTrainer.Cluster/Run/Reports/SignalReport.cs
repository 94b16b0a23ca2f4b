using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Training;

namespace DistTrainer.Cluster.Run.Reports;

/// <summary>
/// How large the signal is in each layer on one batch before training: a wrong initialization shows as activations or
/// gradients that shrink or grow from layer to layer. A layer is warned of when its deviation is below
/// <see cref="Vanishing"/> or above <see cref="Exploding"/>, or its gradients are that much smaller or larger than
/// those of the last layer.
/// </summary>
internal static class SignalReport
{
    /// <summary>A deviation, or a ratio of deviations, below this vanishes.</summary>
    public const double Vanishing = 1e-3;

    /// <summary>A deviation, or a ratio of deviations, above this explodes.</summary>
    public const double Exploding = 1e3;

    /// <summary>Runs one batch through the model and writes one line a layer that its engine tells of.</summary>
    public static void Log(TrainingSetup setup, ILoggingAdapter log)
    {
        IReadOnlyList<SignalProbe.LayerSignal> signals = SignalProbe.Measure(
            setup.Model, setup.Data.Train, setup.Parameters.Of(0), Math.Min(setup.Job.Training.BatchSize, 256),
            setup.Job.Training.Seed);
        double last = signals.Count > 0 ? signals[^1].GradientDeviation : 0;
        foreach (SignalProbe.LayerSignal signal in signals)
        {
            log.Event(
                LogLevel.InfoLevel,
                "layer-signal epoch=1 step=1 layer=\"{Layer}\" activationDeviation={Activation:G4} "
                + "gradientDeviation={Gradient:G4}",
                signal.Title, signal.ActivationDeviation, signal.GradientDeviation);
            if (Judge(signal.ActivationDeviation, 1) is { } activation)
                log.Event(
                    LogLevel.WarningLevel,
                    "layer-signal-odd epoch=1 step=1 layer=\"{Layer}\" what=activations judgement={Judgement} "
                    + "deviation={Deviation:G4} advice=\"choose another initializer: he-* for relu, xavier-* for tanh "
                    + "and sigmoid\"", signal.Title, activation, signal.ActivationDeviation);
            if (Judge(signal.GradientDeviation, last) is { } gradient)
                log.Event(
                    LogLevel.WarningLevel,
                    "layer-signal-odd epoch=1 step=1 layer=\"{Layer}\" what=gradients judgement={Judgement} "
                    + "deviation={Deviation:G4} lastLayer={Last:G4} advice=\"choose another initializer: he-* for "
                    + "relu, xavier-* for tanh and sigmoid\"", signal.Title, gradient, signal.GradientDeviation, last);
        }
    }

    /// <summary>
    /// What a deviation is beside a reference: <c>vanishing</c>, <c>exploding</c>, or null for neither.
    /// </summary>
    public static string? Judge(double deviation, double reference) =>
        deviation < Vanishing * reference ? "vanishing" : !(deviation <= Exploding * reference) ? "exploding" : null;
}
