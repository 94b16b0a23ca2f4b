using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Tests.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Layers;

public class ActivationLayerTests
{
    private const float Slope = 0.2f;
    private static readonly int[] s_rowCounts = [1, 31, 32, 33, 67];

    public static TheoryData<string> Kinds =>
        [.. PluginRegistry.Shared.Activations.All.Where(part => part.Plugin is null).Select(part => part.Name)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Values_agree_with_the_double_oracle_at_every_row_count(string kind)
    {
        foreach (int rows in s_rowCounts)
        {
            PanelBuffer input = Inputs(5, rows);
            PanelBuffer output = Forward(kind, input);
            ForEach(
                output, (row, feature) =>
                AssertClose(Oracle.Activation(kind, input[row, feature]), output[row, feature], 1e-6));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_agree_with_central_differences_at_every_row_count(string kind)
    {
        foreach (int rows in s_rowCounts)
        {
            PanelBuffer input = Inputs(5, rows);
            PanelBuffer gradient = Gradients(5, rows);
            PanelBuffer result = Backward(kind, input, gradient);
            ForEach(result, (row, feature) => AssertClose(
                gradient[row, feature] * Oracle.Slope(x => Oracle.Activation(kind, x), input[row, feature]),
                    result[row, feature], 2e-6));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_lies_in_unused_lanes_changes_no_bit_and_stays_finite(string kind)
    {
        PanelBuffer output = Forward(kind, Inputs(3, 33, garbage: 5));
        Assert.Equal(Forward(kind, Inputs(3, 33, garbage: 9)).AllRows(), output.AllRows());
        PanelBuffer back = Backward(kind, Inputs(3, 33, garbage: 5), Gradients(3, 33, garbage: 6));
        Assert.Equal(
            Backward(kind, Inputs(3, 33, garbage: 9), Gradients(3, 33, garbage: 10)).AllRows(), back.AllRows());
        Assert.All(output.Everything(), value => Assert.True(float.IsFinite(value)));
        Assert.All(back.Everything(), value => Assert.True(float.IsFinite(value)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_sample_has_the_same_bits_in_whatever_row_it_lies(string kind)
    {
        const int Rows = 67;
        PanelBuffer input = Inputs(3, Rows);
        PanelBuffer reversed = PanelBuffer.Of(3, Rows, (row, feature) => input[Rows - 1 - row, feature]);
        PanelBuffer output = Forward(kind, input);
        PanelBuffer outputReversed = Forward(kind, reversed);
        for (int row = 0; row < Rows; row++)
            Assert.Equal(output.Row(row), outputReversed.Row(Rows - 1 - row));
    }

    [Theory]
    [InlineData("relu", 0f, 0f)]
    [InlineData("leaky-relu", 0f, Slope)]
    [InlineData("sigmoid", 0f, 0.25f)]
    [InlineData("tanh", 0f, 1f)]
    [InlineData("gelu", 0f, 0.5f)]
    [InlineData("silu", 0f, 0.5f)]
    [InlineData("relu", float.Epsilon, 1f)]
    [InlineData("sigmoid", 1000f, 0f)]
    [InlineData("tanh", -1000f, 0f)]
    [InlineData("gelu", -1000f, 0f)]
    [InlineData("silu", 1000f, 1f)]
    [InlineData("silu", -1000f, 0f)]
    public void The_derivative_at_kinks_and_far_out_is_PyTorchs(string kind, float x, float derivative) =>
        Assert.Equal(
            derivative,
            Backward(kind, PanelBuffer.Of(1, 1, (_, _) => x), PanelBuffer.Of(1, 1, (_, _) => 1f))[0, 0], 1e-7);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_value_that_is_not_a_number_is_never_hidden(string kind)
    {
        PanelBuffer output = Forward(kind, PanelBuffer.Of(2, 2, (row, feature) => row + feature == 0 ? float.NaN : 1f));
        Assert.True(float.IsNaN(output[0, 0]));
        Assert.True(float.IsFinite(output[1, 0]) && float.IsFinite(output[0, 1]));
    }

    [Fact]
    public void It_has_a_name_a_width_and_no_parameters()
    {
        var layer = Layer("leaky-relu", 7);
        Assert.Equal("leaky-relu", layer.Name);
        Assert.Equal((7, 7, 0), (layer.Inputs, layer.Outputs, layer.ScratchLength(1000)));
        Assert.Empty(layer.Parameters);
        layer.BackwardParameters(default, new PanelBuffer(7, 3).Panels, new PanelBuffer(7, 3).Panels, [0, 3], []);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Layer("relu", 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Layer("relu", 4)
            .Forward(default, [], new PanelBuffer(4, 33).Panels, new PanelBuffer(4, 32).Panels));
    }

    [Fact]
    public void No_rows_are_no_work() => Assert.Empty(Forward("gelu", new PanelBuffer(3, 0)).Everything());

    private static ILayer Layer(string kind, int features) => PluginRegistry.Shared.Activations[kind].Create(
        features, kind == "leaky-relu" ? PartSettings.Of(("leaky-slope", Slope)) : PartSettings.None);

    private static PanelBuffer Forward(string kind, PanelBuffer input)
    {
        var output = new PanelBuffer(input.Features, input.Rows, garbage: 3);
        Layer(kind, input.Features).Forward(default, [], input.Panels, output.Panels);
        return output;
    }

    private static PanelBuffer Backward(string kind, PanelBuffer input, PanelBuffer gradient)
    {
        PanelBuffer output = Forward(kind, input);
        var result = new PanelBuffer(input.Features, input.Rows, garbage: 4);
        Layer(kind, input.Features)
            .BackwardInput(default, [], input.Panels, output.Panels, gradient.Panels, result.Panels);
        return result;
    }

    /// <summary>Values on ±8, none within 1e-3 of the kinks at 0.</summary>
    private static PanelBuffer Inputs(int features, int rows, int garbage = 1)
    {
        var random = new Random(42);
        return PanelBuffer.Of(features, rows, (_, _) =>
        {
            float x = ((random.NextSingle() * 2) - 1) * 8;
            return MathF.Abs(x) < 1e-3f ? 1e-3f : x;
        }, garbage);
    }

    private static PanelBuffer Gradients(int features, int rows, int garbage = 2)
    {
        var random = new Random(43);
        return PanelBuffer.Of(features, rows, (_, _) => (random.NextSingle() * 2) - 1, garbage);
    }

    private static void ForEach(PanelBuffer buffer, Action<int, int> check)
    {
        for (int row = 0; row < buffer.Rows; row++)
        {
            for (int feature = 0; feature < buffer.Features; feature++)
                check(row, feature);
        }
    }

    private static void AssertClose(double expected, double actual, double tolerance) =>
        Assert.True(
            Math.Abs(expected - actual) <= tolerance * Math.Max(0.1, Math.Abs(expected)),
            $"{actual:R} is not {expected:R}");
}
