using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;

namespace DistTrainer.Engine.Training;

/// <summary>Measures the size of activations and gradients in each layer on one batch.</summary>
public static class SignalProbe
{
    /// <summary>The signal of one dense layer with its activation.</summary>
    /// <param name="Title">What a log calls the layer.</param>
    /// <param name="ActivationDeviation">Standard deviation of what the layer (with its activation) gives.</param>
    /// <param name="GradientDeviation">Standard deviation of the gradient of a sample's loss with respect to the
    /// layer's outputs before the activation.</param>
    public sealed record LayerSignal(string Title, double ActivationDeviation, double GradientDeviation);

    /// <summary>Runs the first samples forward and backward, without dropout.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The training samples.</param>
    /// <param name="parameters">All parameters, flat.</param>
    /// <param name="samples">How many samples to use, at most.</param>
    /// <param name="seed">The job's seed.</param>
    /// <returns>From inputs to outputs, of the stages that the model's engine tells of.</returns>
    internal static IReadOnlyList<LayerSignal> Measure(
        IModel model, ISampleSource data, ReadOnlySpan<float> parameters, int samples, ulong seed)
    {
        int rows = (int)Math.Min(samples, data.Count);
        using IGradientEngine engine = model.CreateEngine(rows, data.TargetWidth, threads: 1, forTraining: true);
        engine.Load(data, [.. Enumerable.Range(0, rows)], training: false, step: 1, seed);
        for (int stage = 0; stage < model.Stages; stage++)
            engine.Forward(stage, parameters);
        engine.Loss([0, rows], new LossSums[1], withGradient: true);
        var signals = new LayerSignal?[model.Stages];
        for (int stage = model.Stages - 1; stage >= 0; stage--)
        {
            signals[stage] = engine.SignalOf(stage);
            engine.Backward(stage, parameters, []);
        }
        return [.. signals.OfType<LayerSignal>()];
    }

    /// <summary>Standard deviation over all rows and features.</summary>
    internal static double Deviation(ActivationPanels values)
    {
        double sum = 0, squares = 0;
        for (int row = 0; row < values.Rows; row++)
        {
            for (int feature = 0; feature < values.Features; feature++)
            {
                double value = values[row, feature];
                sum += value;
                squares += value * value;
            }
        }
        double count = Math.Max(1, (double)values.Rows * values.Features), mean = sum / count;
        return Math.Sqrt(Math.Max(0, (squares / count) - (mean * mean)));
    }
}
