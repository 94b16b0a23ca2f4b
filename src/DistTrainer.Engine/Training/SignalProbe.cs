namespace DistTrainer.Engine;

/// <summary>Measures the size of activations and gradients in each layer on one batch.</summary>
public static class SignalProbe
{
    /// <summary>The signal of one dense layer with its activation.</summary>
    /// <param name="Title">What a log calls the layer.</param>
    /// <param name="ActivationDeviation">Standard deviation of what the layer (with its activation) gives.</param>
    /// <param name="GradientDeviation">Standard deviation of the gradient of a sample's loss with respect to the layer's outputs before the activation.</param>
    public sealed record LayerSignal(string Title, double ActivationDeviation, double GradientDeviation);

    /// <summary>Runs the first samples forward and backward, without dropout.</summary>
    /// <param name="network">The network.</param>
    /// <param name="data">The training samples.</param>
    /// <param name="parameters">All parameters, flat.</param>
    /// <param name="samples">How many samples to use, at most.</param>
    /// <param name="seed">The job's seed.</param>
    public static IReadOnlyList<LayerSignal> Measure(Network network, ISampleSource data, ReadOnlySpan<float> parameters, int samples, ulong seed)
    {
        int rows = (int)Math.Min(samples, data.Count);
        using var engine = new GradientEngine(network, rows, data.TargetWidth);
        engine.Load(data, [.. Enumerable.Range(0, rows)], training: false, step: 1, seed);
        engine.Forward(parameters);
        engine.Loss([0, rows], new LossSums[1], withGradient: true);
        var signals = new LayerSignal?[network.Layers.Count];
        for (int layer = network.Layers.Count - 1; layer >= 0; layer--)
        {
            if (network.Layers[layer].Length > 0)
            {
                int end = layer + 1;
                while (end < network.Layers.Count && network.Layers[end].Length == 0)
                    end++;
                signals[layer] = new LayerSignal(network.Layers[layer].Title, Deviation(engine.Activation(end)), Deviation(engine.Gradient(layer + 1)));
            }
            engine.Backward(layer, parameters, []);
        }
        return [.. signals.OfType<LayerSignal>()];
    }

    private static double Deviation(ActivationPanels values)
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
