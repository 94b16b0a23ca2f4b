using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Numerics;

public sealed class MagnitudeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(33)]
    [InlineData(77)]
    public void The_largest_value_is_found_in_every_place(int length)
    {
        for (int place = 0; place < length; place++)
        {
            float[] values = new float[length];
            Array.Fill(values, -0.5f);
            values[place] = -3;
            Assert.Equal(3, Magnitude.Largest(values));
            Assert.True(Magnitude.IsFarFromInfinite(values));
            foreach (float bad in new[] { float.NaN, float.NegativeInfinity })
            {
                values[place] = bad;
                Assert.Equal(float.PositiveInfinity, Magnitude.Largest(values));
                Assert.False(Magnitude.IsFarFromInfinite(values));
            }
        }
    }

    [Theory]
    [InlineData(40, 3)]
    [InlineData(3, 40)]
    public void A_layer_says_when_its_weight_gradient_may_not_be_finite(int rows, int outputs)
    {
        var zeros = new InitializerDescription("zeros");
        var layer = new DenseLayer(5, outputs, bias: true, zeros, zeros);
        float[] x = new float[ActivationPanels.LengthFor(5, rows)],
            dy = new float[ActivationPanels.LengthFor(outputs, rows)];
        Array.Fill(x, 1f);
        Array.Fill(dy, 1f);
        using var scratch = new AlignedBuffer(layer.ScratchLength(rows));
        bool Finite() => layer.BackwardParameters(
            new LayerContext { Scratch = scratch.Span }, new ActivationPanels(x, 5, rows),
                new ActivationPanels(dy, outputs, rows), [0, rows], new float[6 * outputs]);
        Assert.True(Finite());
        x[ActivationPanels.Width] = 1e30f;
        dy[0] = 1e30f;
        Assert.False(Finite());
        x[ActivationPanels.Width] = 1f;
        dy[0] = float.NaN;
        Assert.False(Finite());
    }
}
