using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Layers;

public class EmbeddingLayerTests
{
    private const int Rows = 70;
    private const int Plain = 3;

    private static readonly EmbeddedColumn[] s_columns = [new("colour", 5, 4), new("zone", 40, 1), new("coin", 2, 9)];

    private static readonly EmbeddingLayer s_layer = new(Plain, s_columns);

    private static readonly ModelDescription s_model = new()
    {
        Layers = [new LayerDescription { Units = 6, Activation = "tanh" }, new LayerDescription()],
        Loss = LossDescription.Of("mean-squared-error"),
    };

    [Fact]
    public void It_stands_before_the_jobs_layers_which_see_what_it_gives()
    {
        Network network = Network.Create(s_model, Plain + 3, 1, s_columns);
        Assert.Equal(
            ["0 embedding 6→17", "1 dense 17→6", "2 tanh 6→6", "3 dense 6→1"],
            network.Layers.Select(layer => layer.Title));
        Assert.Equal(
            ["0.colour.weight [5, 4]", "0.zone.weight [40, 1]", "0.coin.weight [2, 9]", "1.weight [6, 17]"],
            network.Layout.Tensors.Take(4).Select(tensor => $"{tensor.Name} {tensor.ShapeText}"));
        Assert.Equal(6, network.Inputs);
        Assert.Equal("0 dense 6→6", Network.Create(s_model, 6, 1, []).Layers[0].Title);
        float[] colours = network.InitialParameters(1)[..20];
        Assert.InRange(Math.Sqrt(colours.Average(value => value * value)), 0.2, 0.4);
    }

    [Fact]
    public void It_gives_plain_features_and_rows_of_the_tables()
    {
        PanelBuffer input = Input(), output = new(17, Rows);
        float[] tables = Values(20 + 40 + 18);
        s_layer.Forward(default, tables, input.Panels, output.Panels);
        for (int row = 0; row < Rows; row++)
        {
            float[] expected =
            [
                input[row, 0], input[row, 1], input[row, 2],
                .. tables.AsSpan(4 * (int)input[row, 3], 4), tables[20 + (int)input[row, 4]],
                .. tables.AsSpan(60 + (9 * (int)input[row, 5]), 9),
            ];
            Assert.Equal(expected, Enumerable.Range(0, 17).Select(feature => output[row, feature]));
        }
        Assert.All(output.Everything(), value => Assert.True(float.IsFinite(value)));
    }

    [Theory]
    [InlineData(new[] { 0, Rows })]
    [InlineData(new[] { 7, 7 })]
    [InlineData(new[] { 0, 10, 20 })]
    [InlineData(new[] { 0, 0, 33, 33, Rows })]
    [InlineData(new[] { 3, 40, 41, 64, Rows })]
    [InlineData(new[] { 0, 9, 18, 27, 36, 45, 54, 63, Rows })]
    [InlineData(new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, Rows })]
    public void Gradients_are_the_bits_of_whole_tables_summed_shard_by_shard(int[] bounds)
    {
        PanelBuffer input = Input(), gradient = PanelBuffer.Of(17, Rows, (_, _) => Random.Shared.NextSingle() - 0.5f);
        float[] expected = Garbage(), actual = Garbage();
        new WholeTables().BackwardParameters(
            new LayerContext { Scratch = new float[100] }, input.Panels, gradient.Panels, bounds, expected);
        Assert.True(Backward(input, gradient, bounds, actual));
        Assert.Equal(expected.Select(BitConverter.SingleToInt32Bits), actual.Select(BitConverter.SingleToInt32Bits));

        var back = new PanelBuffer(6, Rows);
        s_layer.BackwardInput(default, [], input.Panels, gradient.Panels, gradient.Panels, back.Panels);
        for (int row = 0; row < Rows; row++)
            Assert.Equal([gradient[row, 0], gradient[row, 1], gradient[row, 2], 0, 0, 0],
                Enumerable.Range(0, 6).Select(feature => back[row, feature]));
    }

    [Fact]
    public void Two_nodes_gradients_add_up_to_the_bits_of_the_node_above()
    {
        PanelBuffer input = Input(), gradient = PanelBuffer.Of(17, Rows, (_, _) => Random.Shared.NextSingle() - 0.5f);
        float[] left = Garbage(), right = Garbage(), all = Garbage();
        Backward(input, gradient, [2, 9, 18, 30, 33], left);
        Backward(input, gradient, [33, 45, 46, 63, Rows], right);
        Backward(input, gradient, [2, 9, 18, 30, 33, 45, 46, 63, Rows], all);
        Assert.Equal(all, left.Zip(right, (a, b) => a + b));
    }

    [Fact]
    public void A_gradient_that_may_not_be_finite_is_left_to_the_parameter_server()
    {
        PanelBuffer gradient = PanelBuffer.Of(17, Rows, (row, _) => row == 9 ? float.PositiveInfinity : 1);
        Assert.False(Backward(Input(), gradient, [0, Rows], Garbage()));
    }

    [Fact]
    public void Gradients_are_those_of_finite_differences()
    {
        Network network = Network.Create(s_model, Plain + 3, 1, s_columns);
        float[] parameters = network.InitialParameters(3);
        Values(78).CopyTo(parameters, 0);
        PanelBuffer input = Input();
        float[] features = [.. Enumerable.Range(0, Rows * 6).Select(i => input[i / 6, i % 6])];
        var data = new DataSet(features, Values(Rows), 6, 1);
        using var engine = new GradientEngine(network, Rows, 1);
        using var buffer = new AlignedBuffer(network.Layout.Length);
        var node = new GradientNode(new TreeNode(0, 1), buffer);
        (node.Bounds[0], node.Bounds[1]) = (0, Rows);
        Loss(engine, data, parameters);
        for (int stage = network.Stages - 1; stage >= 0; stage--)
            engine.Backward(stage, parameters, [node]);

        const float Step = 1e-2f;
        double apart = 0, length = 0;
        for (int i = 0; i < 78; i++)
        {
            float before = parameters[i];
            parameters[i] = before + Step;
            double above = Loss(engine, data, parameters);
            parameters[i] = before - Step;
            double below = Loss(engine, data, parameters);
            parameters[i] = before;
            apart += Math.Pow(((above - below) / (2 * Step)) - buffer.Span[i], 2);
            length += Math.Pow(buffer.Span[i], 2);
        }
        Assert.True(length > 1);
        Assert.InRange(Math.Sqrt(apart / length), 0, 0.002);
    }

    [Theory]
    [InlineData(-1f)]
    [InlineData(5f)]
    [InlineData(0.5f)]
    [InlineData(float.NaN)]
    [InlineData(1e20f)]
    public void What_is_no_category_is_refused_by_row_and_column(float value)
    {
        PanelBuffer input = Input();
        input[41, Plain] = value;
        var refused = Assert.Throws<DistTrainerException>(
            () => s_layer.Forward(default, Values(78), input.Panels, new PanelBuffer(17, Rows).Panels));
        Assert.Equal(FailureKind.Data, refused.Kind);
        Assert.StartsWith(
            FormattableString.Invariant($"Row 41 of the batch has {value} in the embedded column colour; its table of"),
            refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_out_of_their_ranges_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddingLayer(0, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddingLayer(-1, s_columns));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddingLayer(0, [new EmbeddedColumn("x", 1, 1)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddingLayer(0, [new EmbeddedColumn("x", 1 << 25, 1)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddingLayer(0, [new EmbeddedColumn("x", 2, 0)]));
        Assert.Throws<ArgumentException>(() => new EmbeddingLayer(0, [new EmbeddedColumn("", 2, 1)]));
        Assert.Throws<ArgumentException>(() => new EmbeddingLayer(0, [s_columns[0], s_columns[1], s_columns[0]]));
    }

    private static bool Backward(PanelBuffer input, PanelBuffer outputGradient, int[] bounds, float[] gradient) =>
        s_layer.BackwardParameters(
            new LayerContext { Scratch = Garbage(s_layer.ScratchLength(Rows)) }, input.Panels, outputGradient.Panels,
            bounds, gradient);

    private static double Loss(GradientEngine engine, DataSet data, float[] parameters)
    {
        engine.Load(data, [.. Enumerable.Range(0, Rows)], training: true, step: 1, seed: 9);
        engine.Forward(parameters);
        var sums = new LossSums[1];
        engine.Loss([0, Rows], sums, withGradient: true);
        return sums[0].LossSum;
    }

    /// <summary>Plain values, then a category a column; the last of each column does not occur.</summary>
    private static PanelBuffer Input()
    {
        var random = new Random(5);
        return PanelBuffer.Of(6, Rows, (_, feature) => feature < Plain ? random.NextSingle() - 0.5f
            : random.Next(s_columns[feature - Plain].Cardinality - 1));
    }

    private static float[] Values(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => (2 * random.NextSingle()) - 1)];
    }

    private static float[] Garbage(int count = 78) => [.. Enumerable.Repeat(float.NaN, count)];

    /// <summary>The same layer in the slow way: a sample's gradient is a whole table.</summary>
    private sealed class WholeTables() : RowLayer("whole", 6, 17, [.. s_layer.Parameters])
    {
        protected override void Forward(
            ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, Span<float> output) =>
            throw new NotSupportedException();

        protected override void BackwardInput(
            ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
            Span<float> inputGradient) => throw new NotSupportedException();

        protected override void AddGradient(
            ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient, Span<float> gradient)
        {
            int feature = Plain, offset = 0;
            for (int c = 0; c < s_columns.Length; c++)
            {
                for (int j = 0; j < s_columns[c].Width; j++)
                    gradient[offset + ((int)input[Plain + c] * s_columns[c].Width) + j] += outputGradient[feature++];
                offset += s_columns[c].Cardinality * s_columns[c].Width;
            }
        }
    }
}
