using DistTrainer.Engine.Optimizers;
using Xunit;

namespace DistTrainer.Engine.Tests.Optimizers;

public class MaxNormTests
{
    [Fact]
    public void Only_rows_longer_than_the_limit_are_scaled_to_it()
    {
        float[] rows = [3, 4, 0.3f, 0.4f, 0, 0, 0, -2];
        MaxNorm.Apply(2, 1, rows);
        float[] expected = [0.6f, 0.8f, 0.3f, 0.4f, 0, 0, 0, -1];
        for (int i = 0; i < rows.Length; i++)
            Assert.Equal(expected[i], rows[i], 1e-6f);
        Assert.Equal((0.3f, 0.4f), (rows[2], rows[3]));
    }

    [Fact]
    public void A_row_of_the_limits_length_stays()
    {
        float[] row = [3, 4];
        MaxNorm.Apply(2, 5, row);
        Assert.Equal([3, 4], row);
    }

    [Fact]
    public void A_broken_row_is_refused() => Assert.Throws<ArgumentException>(() => MaxNorm.Apply(2, 1, new float[3]));

    [Fact]
    public void Sums_of_squares_are_right_at_all_small_lengths()
    {
        for (int n = 0; n <= 70; n++)
        {
            float[] values = [.. Enumerable.Range(1, n).Select(i => (float)i)];
            Assert.Equal(n * (n + 1) * (2 * n + 1) / 6.0, SquareSum.Of(values));
            Assert.Equal(n * (n + 1) * (2 * n + 1) / 24.0, SquareSum.Of(values, 0.5f));
        }
    }
}
