using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;

namespace DistTrainer.Cluster.Tests;

/// <summary>
/// Two dense layers with tanh between, softmax and cross-entropy, written down as in a textbook: slow, in double, and
/// with nothing of the built-in network's. Two stages.
/// </summary>
internal sealed class DoubleModel(int inputs, int hidden, int outputs) : IModel
{
    public string Identity => "double 1";

    public ParameterLayout Layout { get; } = new(
    [
        new ParameterTensor("hidden.weight", ParameterKind.Weight, 0, [hidden, inputs], 0),
        new ParameterTensor("hidden.bias", ParameterKind.Bias, 0, [hidden], hidden * inputs),
        new ParameterTensor("out.weight", ParameterKind.Weight, 1, [outputs, hidden], hidden * (inputs + 1)),
        new ParameterTensor("out.bias", ParameterKind.Bias, 1, [outputs], (hidden * (inputs + 1)) + (outputs * hidden)),
    ]);

    public int Inputs => inputs;

    public int Outputs => outputs;

    public int Stages => 2;

    public ParameterSlice ParametersOf(int stage) => stage == 0
        ? new ParameterSlice(0, hidden * (inputs + 1))
        : new ParameterSlice(hidden * (inputs + 1), outputs * (hidden + 1));

    public float[] InitialParameters(ulong seed) =>
        [.. Enumerable.Range(0, Layout.Length).Select(i => (float)Math.Sin((i * 0.7) + seed) * 0.3f)];

    public IGradientEngine CreateEngine(
        int maximumRows, int targetWidth, int threads, bool forTraining, double begin = 0) =>
        new Engine(this, hidden);

    private sealed class Engine(DoubleModel model, int hidden) : IGradientEngine
    {
        // By stage and row: what goes in (last: the logits), and the gradient of what a stage gives before its tanh.
        private readonly double[][][] _inputs = [[], [], []];
        private readonly double[][][] _gradients = [[], []];
        private float[] _targets = [];

        public void Load(ISampleSource data, ReadOnlySpan<int> samples, bool training, long step, ulong seed)
        {
            float[] features = new float[samples.Length * model.Inputs];
            _targets = new float[samples.Length];
            data.Read(samples, features, _targets);
            Load(features);
        }

        public void Load(ReadOnlySpan<float> features)
        {
            double[] values = [.. features.ToArray().Select(value => (double)value)];
            _inputs[0] = [.. values.Chunk(model.Inputs)];
        }

        public void Forward(int stage, ReadOnlySpan<float> parameters)
        {
            float[] own = parameters[model.ParametersOf(stage).Offset..model.ParametersOf(stage).End].ToArray();
            _inputs[stage + 1] = stage == 0
                ? [.. _inputs[0].Select(row => Dense(own, row, hidden).Select(Math.Tanh).ToArray())]
                : [.. _inputs[1].Select(row => Dense(own, row, model.Outputs))];
        }

        public void Loss(ReadOnlySpan<int> dataShardBounds, Span<LossSums> sums, bool withGradient)
        {
            double[][] softmax = [.. _inputs[2].Select(Softmax)];
            for (int shard = 0; shard < sums.Length; shard++)
            {
                sums[shard] = default;
                for (int row = dataShardBounds[shard]; row < dataShardBounds[shard + 1]; row++)
                {
                    double[] p = softmax[row];
                    bool isRight = Array.IndexOf(p, p.Max()) == (int)_targets[row];
                    sums[shard] += new LossSums(1, -Math.Log(p[(int)_targets[row]]), isRight ? 1 : 0, 0);
                }
            }
            for (int row = 0; row < softmax.Length; row++)
                softmax[row][(int)_targets[row]]--;
            _gradients[1] = softmax;
        }

        public bool Backward(int stage, ReadOnlySpan<float> parameters, ReadOnlySpan<GradientNode> nodes)
        {
            ParameterSlice slice = model.ParametersOf(stage);
            double[][] inputs = _inputs[stage], gradients = _gradients[stage];
            if (stage == 1)
            {
                float[] weights = parameters.Slice(slice.Offset, slice.Length).ToArray();
                _gradients[0] = [.. inputs.Zip(gradients, (row, gradient) => BehindTanh(weights, row, gradient))];
            }
            int width = stage == 0 ? model.Inputs : hidden, weightCount = slice.Length / (width + 1) * width;
            foreach (GradientNode node in nodes)
            {
                Span<float> sums = node.Gradient.Span.Slice(slice.Offset, slice.Length);
                for (int i = 0; i < sums.Length; i++)
                {
                    int at = i;
                    sums[i] = Sum(node.Bounds, 0, node.Node.Count, row => at < weightCount
                        ? gradients[row][at / width] * inputs[row][at % width]
                        : gradients[row][at - weightCount]);
                }
            }
            return false;
        }

        public void Predict(Span<float> predictions)
        {
            double[] all = [.. _inputs[2].SelectMany(Softmax)];
            for (int i = 0; i < all.Length; i++)
                predictions[i] = (float)all[i];
        }

        public void Dispose()
        {
        }

        private static double[] BehindTanh(float[] weights, double[] outputs, double[] gradient)
        {
            double[] result = new double[outputs.Length];
            for (int i = 0; i < outputs.Length; i++)
            {
                for (int o = 0; o < gradient.Length; o++)
                    result[i] += weights[(o * outputs.Length) + i] * gradient[o];
                result[i] *= 1 - (outputs[i] * outputs[i]);
            }
            return result;
        }

        /// <summary>A data shard's rows in double, rounded once; data shards in float, in the tree.</summary>
        private static float Sum(int[] bounds, int first, int count, Func<int, double> term)
        {
            if (count > 1)
                return Sum(bounds, first, count / 2, term) + Sum(bounds, first + (count / 2), count / 2, term);
            double sum = 0;
            for (int row = bounds[first]; row < bounds[first + 1]; row++)
                sum += term(row);
            return (float)sum;
        }

        private static double[] Dense(float[] parameters, double[] row, int outputs)
        {
            double[] result = new double[outputs];
            for (int o = 0; o < outputs; o++)
            {
                result[o] = parameters[(outputs * row.Length) + o];
                for (int i = 0; i < row.Length; i++)
                    result[o] += parameters[(o * row.Length) + i] * row[i];
            }
            return result;
        }

        private static double[] Softmax(double[] logits)
        {
            double[] exponentials = [.. logits.Select(x => Math.Exp(x - logits.Max()))];
            double sum = exponentials.Sum();
            return [.. exponentials.Select(x => x / sum)];
        }
    }
}
