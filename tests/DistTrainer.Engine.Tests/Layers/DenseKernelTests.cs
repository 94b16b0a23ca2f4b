using CsCheck;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Layers;

/// <summary>The matrix products against a plain chain of fused multiply-adds (same bits) and a double oracle.</summary>
public sealed unsafe class DenseKernelTests
{
    private static readonly int[] s_sizes = [1, 2, 11, 12, 13, 31, 32, 33, 50, 77];

    public static TheoryData<int, int, int> Sizes
    {
        get
        {
            var data = new TheoryData<int, int, int>();
            foreach (int inputs in s_sizes)
            {
                foreach (int outputs in s_sizes)
                {
                    foreach (int rows in new[] { 1, 5, 32, 33, 70 })
                        data.Add(inputs, outputs, rows);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_product_is_the_bits_of_its_chain(int inputs, int outputs, int rows)
    {
        var rig = new Rig(inputs, outputs, rows, seed: (inputs * 100) + outputs + rows);
        rig.Check([0, rows]);
    }

    [Theory]
    [InlineData(400, 20, 9)]
    [InlineData(20, 800, 3)]
    [InlineData(385, 386, 2)]
    public void Blocks_over_the_inputs_and_outputs_do_not_change_the_chains(int inputs, int outputs, int rows) =>
        new Rig(inputs, outputs, rows, seed: 3).Check([0, rows]);

    [Theory]
    [InlineData(new[] { 0, 10, 20 })]
    [InlineData(new[] { 0, 0, 33, 33, 70 })]
    [InlineData(new[] { 3, 40, 41, 64, 70 })]
    [InlineData(new[] { 0, 9, 18, 27, 36, 45, 54, 63, 70 })]
    [InlineData(new[] { 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21 })]
    [InlineData(new[] { 0, 5, 5, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70 })]
    [InlineData(new[] { 7, 7 })]
    public void Data_shards_are_summed_apart_and_joined_in_the_tree(int[] bounds) =>
        new Rig(45, 26, 70, seed: 4).Check(bounds);

    [Fact]
    public void A_large_gradient_written_past_the_caches_has_the_same_bits_as_one_that_is_not()
    {
        // Written past the caches only where it begins at a cache line.
        using var aligned = new AlignedBuffer((1056 * 1030) + 1030);
        using var beside = new AlignedBuffer(aligned.Length + 1);
        var rig = new Rig(1056, 1030, 9, seed: 6);
        rig.BackwardParameters([0, 4, 9], aligned.Span);
        rig.BackwardParameters([0, 4, 9], beside.Span[1..]);
        Assert.True(aligned.Span.SequenceEqual(beside.Span[1..]));
        rig.BackwardParameters([0, 9], aligned.Span);
        rig.BackwardParameters([0, 9], beside.Span[1..]);
        Assert.True(aligned.Span.SequenceEqual(beside.Span[1..]));
    }

    [Fact]
    public void A_team_of_threads_gives_the_same_bits()
    {
        var alone = new Rig(100, 90, 40, seed: 5);
        var shared = new Rig(100, 90, 40, seed: 5);
        using var team = new ComputeTeam(3, "test");
        alone.Run(null, [0, 20, 40]);
        shared.Run(team, [0, 20, 40]);
        Assert.Equal(alone.Output, shared.Output);
        Assert.Equal(alone.InputGradient, shared.InputGradient);
        Assert.Equal(alone.Gradient, shared.Gradient);
    }

    [Theory]
    [InlineData(0.25, 1)]
    [InlineData(0.5, 1)]
    [InlineData(0.999, 1)]
    [InlineData(0.5, 3)]
    public void Where_a_layer_begins_changes_no_bit(double begin, int threads)
    {
        var front = new Rig(100, 90, 40, seed: 5);
        var turned = new Rig(100, 90, 40, seed: 5);
        using var team = new ComputeTeam(threads, "test");
        front.Run(null, [0, 20, 40]);
        turned.Run(team, [0, 20, 40], begin);
        Assert.Equal(front.Output, turned.Output);
        Assert.Equal(front.InputGradient, turned.InputGradient);
        Assert.Equal(front.Gradient, turned.Gradient);
    }

    [Fact]
    public void Transposing_panels_keeps_every_value_and_zeroes_what_is_beyond() =>
        Gen.Select(Gen.Int[1, 80], Gen.Int[1, 3]).Sample((inputs, panels) =>
        {
            int inputPanels = (inputs + 31) / 32;
            float[] from = [.. Enumerable.Range(1, panels * inputs * 32)],
                to = new float[inputPanels * panels * 32 * 32];
            Array.Fill(to, float.NaN);
            fixed (float* x = from, y = to)
            {
                for (int j = 0; j < inputPanels; j++)
                    WeightGradient.Transpose(x, y + (j * panels * 32 * 32), inputs, j, 0, panels);
            }
            for (int i = 0; i < inputPanels * 32; i++)
            {
                for (int b = 0; b < panels * 32; b++)
                {
                    float expected = i < inputs ? from[((((b / 32) * inputs) + i) * 32) + (b % 32)] : 0f;
                    Assert.Equal(expected, to[((((i / 32) * panels * 32) + b) * 32) + (i % 32)]);
                }
            }
        }, iter: 30);

    private sealed class Rig
    {
        private readonly DenseLayer _layer;
        private readonly float[] _parameters;
        private readonly float[] _x;
        private readonly float[] _dy;
        private readonly int _rows;

        public Rig(int inputs, int outputs, int rows, int seed)
        {
            var zeros = new InitializerDescription("zeros");
            _layer = new DenseLayer(inputs, outputs, bias: true, zeros, zeros);
            _rows = rows;
            var random = new Random(seed);
            float[] Values(int count) =>
                [.. Enumerable.Range(0, count).Select(_ => (float)((2 * random.NextDouble()) - 1))];
            _parameters = Values((inputs + 1) * outputs);
            _x = Values(ActivationPanels.LengthFor(inputs, rows));
            _dy = Values(ActivationPanels.LengthFor(outputs, rows));
            Output = new float[_dy.Length];
            InputGradient = new float[_x.Length];
            Gradient = new float[_parameters.Length];
        }

        public float[] Output { get; }

        public float[] InputGradient { get; }

        public float[] Gradient { get; }

        public void Run(ComputeTeam? team, int[] bounds, double begin = 0)
        {
            using var scratch = new AlignedBuffer(_layer.ScratchLength(_rows));
            var context = new LayerContext { Scratch = scratch.Span, Team = team, Begin = begin };
            var x = new ActivationPanels(_x, _layer.Inputs, _rows);
            var y = new ActivationPanels(Output, _layer.Outputs, _rows);
            var dy = new ActivationPanels(_dy, _layer.Outputs, _rows);
            _layer.Forward(context, _parameters, x, y);
            _layer.BackwardInput(
                context, _parameters, x, y, dy, new ActivationPanels(InputGradient, _layer.Inputs, _rows));
            _layer.BackwardParameters(context, x, dy, bounds, Gradient);
        }

        public void BackwardParameters(int[] bounds, Span<float> gradient)
        {
            using var scratch = new AlignedBuffer(_layer.ScratchLength(_rows));
            _layer.BackwardParameters(
                new LayerContext { Scratch = scratch.Span }, new ActivationPanels(_x, _layer.Inputs, _rows),
                    new ActivationPanels(_dy, _layer.Outputs, _rows), bounds, gradient);
        }

        public void Check(int[] bounds)
        {
            Run(null, bounds);
            int inputs = _layer.Inputs, outputs = _layer.Outputs;
            var x = new ActivationPanels(_x, inputs, _rows);
            var dy = new ActivationPanels(_dy, outputs, _rows);
            var y = new ActivationPanels(Output, outputs, _rows);
            var dx = new ActivationPanels(InputGradient, inputs, _rows);
            for (int row = 0; row < _rows; row++)
            {
                for (int o = 0; o < outputs; o++)
                {
                    float chain = _parameters[(inputs * outputs) + o];
                    double exact = chain;
                    for (int i = 0; i < inputs; i++)
                    {
                        chain = MathF.FusedMultiplyAdd(_parameters[(o * inputs) + i], x[row, i], chain);
                        exact += (double)_parameters[(o * inputs) + i] * x[row, i];
                    }
                    Assert.Equal(chain, y[row, o]);
                    Assert.Equal(exact, y[row, o], 1e-4);
                }
                for (int i = 0; i < inputs; i++)
                {
                    float chain = 0;
                    for (int o = 0; o < outputs; o++)
                        chain = MathF.FusedMultiplyAdd(_parameters[(o * inputs) + i], dy[row, o], chain);
                    Assert.Equal(chain, dx[row, i]);
                }
            }
            for (int o = 0; o < outputs; o++)
            {
                for (int i = 0; i < inputs; i++)
                    Assert.Equal(Tree(bounds, 0, bounds.Length - 1, o, i), Gradient[(o * inputs) + i]);
                double bias = 0;
                for (int row = bounds[0]; row < bounds[^1]; row++)
                    bias += dy[row, o];
                Assert.Equal(bias, Gradient[(inputs * outputs) + o], 1e-4);
            }
        }

        private float Tree(int[] bounds, int first, int count, int o, int i)
        {
            if (count > 1)
                return Tree(bounds, first, count / 2, o, i) + Tree(bounds, first + (count / 2), count / 2, o, i);
            var x = new ActivationPanels(_x, _layer.Inputs, _rows);
            var dy = new ActivationPanels(_dy, _layer.Outputs, _rows);
            float chain = 0;
            for (int row = bounds[first]; row < bounds[first + 1]; row++)
                chain = MathF.FusedMultiplyAdd(dy[row, o], x[row, i], chain);
            return chain;
        }
    }
}
