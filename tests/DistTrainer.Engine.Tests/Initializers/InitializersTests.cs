using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Models;
using Xunit;

namespace DistTrainer.Engine.Tests.Initializers;

public class InitializersTests
{
    private const int FanIn = 300;
    private const int FanOut = 200;

    [Theory]
    [InlineData("random-uniform", 0.5, true)]
    [InlineData("random-normal", 0.5, false)]
    [InlineData("xavier-uniform", 0.054772255750516614, true)] // 0.5 · √(6 / 500)
    [InlineData("xavier-normal", 0.031622776601683795, false)] // 0.5 · √(2 / 500)
    [InlineData("he-uniform", 0.07071067811865475, true)] // 0.5 · √(6 / 300)
    [InlineData("he-normal", 0.040824829046386304, false)] // 0.5 · √(2 / 300)
    [InlineData("lecun-normal", 0.028867513459481287, false)] // 0.5 · √(1 / 300)
    public void Random_rules_have_their_mean_variance_and_range(string kind, double size, bool uniform)
    {
        float[] values = Fill(kind, 0.5f, 1, 0, [FanOut, FanIn]);
        double deviation = uniform ? size / Math.Sqrt(3) : size;
        double kurtosis = uniform ? 1.8 : 3;
        double mean = values.Average(value => (double)value);
        double variance = values.Average(value => (double)value * value);
        Assert.InRange(mean / deviation * Math.Sqrt(values.Length), -4, 4);
        Assert.InRange((variance / deviation / deviation - 1) / Math.Sqrt((kurtosis - 1) / values.Length), -4, 4);
        Assert.InRange(values.Max(value => Math.Abs(value)) / size, uniform ? 0.999 : 3.5, uniform ? 1.0000001 : 6);
    }

    [Fact]
    public void Zeros_and_constants_are_exact()
    {
        Assert.All(Fill("zeros", 1f, 1, 0, [7, 3]), value => Assert.Equal(0f, value));
        Assert.All(Fill("constant", 0.1f, 1, 0, [7]), value => Assert.Equal(0.1f, value));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 5)]
    [InlineData(5, 1)]
    [InlineData(17, 17)]
    [InlineData(40, 33)]
    [InlineData(33, 40)]
    [InlineData(64, 20)]
    public void The_shorter_lines_of_an_orthogonal_matrix_are_orthonormal_times_the_scale(int rows, int columns)
    {
        float[] q = Fill("orthogonal", 2f, 3, 1, [rows, columns]);
        bool wide = rows < columns;
        int count = Math.Min(rows, columns);
        for (int a = 0; a < count; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double dot = 0;
                for (int j = 0; j < Math.Max(rows, columns); j++)
                    dot += wide ? (double)q[(a * columns) + j] * q[(b * columns) + j]
                        : (double)q[(j * columns) + a] * q[(j * columns) + b];
                Assert.Equal(a == b ? 4 : 0, dot, 2e-6);
            }
        }
    }

    [Fact]
    public void An_orthogonal_tensor_is_the_sign_corrected_factor_of_the_normal_matrix_of_its_stream()
    {
        const int Rows = 9;
        const int Columns = 4;
        float[] q = Fill("orthogonal", 1f, 3, 1, [Rows, Columns]);
        float[] a = Fill("random-normal", 1f, 3, 1, [Rows, Columns]);
        for (int i = 0; i < Columns; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                // R = Qᵀ A is upper triangular with a positive diagonal.
                double below = Enumerable.Range(0, Rows).Sum(r => (double)q[(r * Columns) + i] * a[(r * Columns) + j]);
                if (i == j)
                    Assert.True(below > 0);
                else
                    Assert.Equal(0, below, 1e-6);
            }
        }
    }

    [Fact]
    public void A_tensor_of_more_dimensions_is_orthogonal_as_a_matrix_of_its_first() =>
        Assert.Equal(Fill("orthogonal", 1f, 1, 0, [6, 12]), Fill("orthogonal", 1f, 1, 0, [6, 3, 2, 2]));

    [Theory]
    [InlineData("random-uniform")]
    [InlineData("random-normal")]
    [InlineData("orthogonal")]
    public void Seed_and_stream_decide_and_the_order_of_calls_does_not(string kind)
    {
        float[] first = Fill(kind, 1f, 1, 0, [5, 5]);
        float[] other = Fill(kind, 1f, 1, 1, [5, 5]);
        Assert.Equal(other, Fill(kind, 1f, 1, 1, [5, 5]));
        Assert.Equal(first, Fill(kind, 1f, 1, 0, [5, 5]));
        Assert.NotEqual(first, other);
        Assert.NotEqual(first, Fill(kind, 1f, 2, 0, [5, 5]));
    }

    [Theory]
    [InlineData("random-uniform")]
    [InlineData("random-normal")]
    public void Element_i_does_not_depend_on_the_tensors_length(string kind)
    {
        float[] whole = Fill(kind, 1f, 1, 0, [64]);
        for (int length = 0; length < 12; length++)
            Assert.Equal(whole[..length], Fill(kind, 1f, 1, 0, [length]));
    }

    [Fact]
    public void Orthogonal_biases_are_refused_with_a_proposal()
    {
        var error = Assert.Throws<DistTrainerException>(() => Fill("orthogonal", 1f, 1, 0, [5]));
        Assert.Equal(FailureKind.Configuration, error.Kind);
        Assert.Contains("[5]", error.Message, StringComparison.Ordinal);
        Assert.Contains("zeros", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        var he = new InitializerDescription("he-normal");
        Assert.Throws<ArgumentException>(() => Initializer.Fill(he, 1, 0, [2, 3], 3, 2, new float[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Initializer.Fill(he, 1, 0, [2, 3], 0, 2, new float[6]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Initializer.Fill(he, 1, 0, [2, 3], 3, 0, new float[6]));
        Assert.Equal(
            FailureKind.Configuration, Assert.Throws<DistTrainerException>(() => Fill("he-norml", 1f, 1, 0, [2, 3]))
            .Kind);
        Assert.Equal(
            FailureKind.Configuration,
            Assert.Throws<DistTrainerException>(() => Fill("he-normal", float.NaN, 1, 0, [2])).Kind);
    }

    private static float[] Fill(string kind, float scale, ulong seed, ulong stream, int[] shape)
    {
        float[] values = new float[shape.Aggregate(1, (product, dimension) => product * dimension)];
        Initializer.Fill(
            kind == "zeros" ? new(kind) : new InitializerDescription(kind, scale), seed, stream, shape,
            FanIn, FanOut, values);
        return values;
    }
}
