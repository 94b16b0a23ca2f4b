using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Layers;

public class DropoutLayerTests
{
    [Fact]
    public void The_mask_is_what_the_documented_random_words_say()
    {
        int[] samples = [.. Enumerable.Range(0, 67).Select(row => (row * 7919) % 100_003)];
        samples[5] = int.MaxValue;
        foreach (int features in new[] { 1, 2, 3, 4, 5, 7, 8, 10 })
        {
            PanelBuffer output = Run(new DropoutLayer(0.3f, features, 2), Ones(features, 67), Context(11, 5, samples));
            for (int row = 0; row < 67; row++)
            {
                for (int feature = 0; feature < features; feature++)
                    Assert.Equal(
                        Dropped(11, 2, 5, samples[row], feature, 0.3f) ? 0f : 1f / (1f - 0.3f), output[row, feature]);
            }
        }
    }

    [Theory]
    [InlineData(0.1f)]
    [InlineData(0.5f)]
    [InlineData(0.9f)]
    public void The_share_of_dropped_values_is_the_rate_and_the_mean_stays(float rate)
    {
        const int Features = 100;
        const int Rows = 1000;
        PanelBuffer output = Run(
            new DropoutLayer(rate, Features, 0), Ones(Features, Rows), Context(1, 1, [.. Enumerable.Range(0, Rows)]));
        float[] values = [.. Enumerable.Range(0, Rows * Features).Select(i => output[i / Features, i % Features])];
        double deviation = Math.Sqrt(rate * (1 - rate) / values.Length);
        Assert.InRange(
            values.Count(value => value == 0) / (double)values.Length, rate - (4 * deviation), rate + (4 * deviation));
        Assert.InRange(
            values.Average(value => (double)value), 1 - (4 * deviation / (1 - rate)), 1 + (4 * deviation / (1 - rate)));
        Assert.All(values, value => Assert.True(value == 0 || value == 1f / (1f - rate)));
    }

    [Fact]
    public void A_samples_mask_is_the_same_in_whatever_row_and_whatever_batch_it_lies()
    {
        int[] samples = [.. Enumerable.Range(100, 67)];
        int[] reversed = [.. samples.Reverse()];
        var layer = new DropoutLayer(0.5f, 9, 1);
        PanelBuffer all = Run(layer, Ones(9, 67), Context(3, 8, samples));
        PanelBuffer backwards = Run(layer, Ones(9, 67), Context(3, 8, reversed));
        for (int row = 0; row < 67; row++)
        {
            Assert.Equal(all.Row(row), backwards.Row(66 - row));
            Assert.Equal(all.Row(row), Run(layer, Ones(9, 1), Context(3, 8, [samples[row]])).Row(0));
        }
    }

    [Fact]
    public void Seed_layer_step_and_sample_each_change_the_mask()
    {
        int[] samples = [.. Enumerable.Range(0, 8)];
        int[] mask = Mask(1, 1, 1, samples);
        Assert.NotEqual(mask, Mask(2, 1, 1, samples));
        Assert.NotEqual(mask, Mask(1, 2, 1, samples));
        Assert.NotEqual(mask, Mask(1, 1, 2, samples));
        Assert.NotEqual(mask, Mask(1, 1, 1, [.. Enumerable.Range(8, 8)]));
        Assert.Equal(mask, Mask(1, 1, 1, samples));
    }

    [Fact]
    public void The_gradient_passes_through_the_mask_of_the_forward_pass()
    {
        var layer = new DropoutLayer(0.4f, 6, 3);
        int[] samples = [.. Enumerable.Range(0, 33)];
        var random = new Random(4);
        PanelBuffer gradient = PanelBuffer.Of(6, 33, (_, _) => random.NextSingle());
        PanelBuffer mask = Run(layer, Ones(6, 33), Context(1, 2, samples));
        var result = new PanelBuffer(6, 33);
        layer.BackwardInput(
            Context(1, 2, samples), [], Ones(6, 33).Panels, mask.Panels, gradient.Panels, result.Panels);
        for (int row = 0; row < 33; row++)
        {
            for (int feature = 0; feature < 6; feature++)
                Assert.Equal(gradient[row, feature] * mask[row, feature], result[row, feature]);
        }
    }

    [Fact]
    public void Evaluation_changes_nothing_and_needs_no_samples()
    {
        var layer = new DropoutLayer(0.9f, 3, 0);
        PanelBuffer input = PanelBuffer.Of(3, 33, (row, feature) => row + (feature / 10f));
        Assert.Equal(input.AllRows(), Run(layer, input, default).AllRows());
        var result = new PanelBuffer(3, 33);
        layer.BackwardInput(default, [], input.Panels, input.Panels, input.Panels, result.Panels);
        Assert.Equal(input.AllRows(), result.AllRows());
    }

    [Fact]
    public void A_rate_of_zero_keeps_every_bit_in_training()
    {
        PanelBuffer input = PanelBuffer.Of(5, 40, (row, feature) => (row * 0.1f) - feature);
        Assert.Equal(
            input.AllRows(), Run(new DropoutLayer(0f, 5, 0), input, Context(1, 1, [.. Enumerable.Range(0, 40)]))
            .AllRows());
    }

    [Fact]
    public void What_lies_in_unused_lanes_changes_no_bit_and_stays_finite()
    {
        int[] samples = [.. Enumerable.Range(0, 33)];
        var layer = new DropoutLayer(0.5f, 5, 0);
        PanelBuffer output = Run(layer, PanelBuffer.Of(5, 33, (row, _) => row, garbage: 7), Context(1, 1, samples));
        Assert.Equal(
            output.AllRows(), Run(layer, PanelBuffer.Of(5, 33, (row, _) => row, garbage: 8), Context(1, 1, samples))
            .AllRows());
        Assert.All(output.Everything(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void A_dropped_value_that_is_not_finite_is_not_hidden()
    {
        PanelBuffer input = PanelBuffer.Of(
            64, 1, (_, feature) => feature % 2 == 0 ? float.PositiveInfinity : float.NaN);
        PanelBuffer output = Run(new DropoutLayer(0.5f, 64, 0), input, Context(1, 1, [0]));
        Assert.All(Enumerable.Range(0, 64), feature => Assert.False(float.IsFinite(output[0, feature])));
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new DropoutLayer(1f, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DropoutLayer(-0.1f, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DropoutLayer(float.NaN, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DropoutLayer(0.5f, 0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DropoutLayer(0.5f, 1, 65536));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DropoutLayer(0.5f, 1, -1));
        Assert.Throws<ArgumentException>(() => Run(new DropoutLayer(0.5f, 2, 0), Ones(2, 3), Context(1, 1, [0, 1])));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => Run(new DropoutLayer(0.5f, 2, 0), Ones(2, 1), Context(1, 1L << 40, [0])));
    }

    private static bool Dropped(ulong seed, ulong layer, ulong step, int sample, int feature, float rate)
    {
        RandomBlock block = CounterRandom.Block(
            seed, RandomPurpose.Dropout, (layer << 40) | step, ((ulong)sample << 32) | (uint)(feature / 4));
        uint word = (feature % 4) switch { 0 => block.Word0, 1 => block.Word1, 2 => block.Word2, _ => block.Word3 };
        return word < (uint)((double)rate * 4294967296.0);
    }

    private static int[] Mask(ulong seed, int layer, long step, int[] samples) =>
        Run(new DropoutLayer(0.5f, 16, layer), Ones(16, samples.Length), Context(seed, step, samples)).AllRows();

    private static PanelBuffer Ones(int features, int rows) => PanelBuffer.Of(features, rows, (_, _) => 1f);

    private static LayerContext Context(ulong seed, long step, int[] samples) => new()
    {
        Training = true,
        Seed = seed,
        Step = step,
        Samples = samples,
    };

    private static PanelBuffer Run(DropoutLayer layer, PanelBuffer input, LayerContext context)
    {
        var output = new PanelBuffer(input.Features, input.Rows, garbage: 3);
        layer.Forward(context, [], input.Panels, output.Panels);
        return output;
    }
}
