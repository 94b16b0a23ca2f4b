using Xunit;

namespace DistTrainer.Golden;

/// <summary>Compares vectors of floats.</summary>
internal static class Closeness
{
    /// <summary>
    /// Asserts that two vectors differ by at most <paramref name="tolerance"/>: relative to the expected one in the
    /// Euclidean norm, and for each element relative to its size plus the vector's root mean square.
    /// </summary>
    public static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = Norm(expected) / Math.Sqrt(expected.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = Math.Abs((double)actual[i] - expected[i]);
            Assert.True(
                difference <= tolerance * (Math.Abs(expected[i]) + scale),
                $"Element {i} is {actual[i]:R}, expected {expected[i]:R}.");
        }
        double error = RelativeError(expected, actual);
        Assert.True(error <= tolerance, $"The relative error is {error:E2}, more than {tolerance:E2}.");
    }

    /// <summary>|actual − expected| / |expected|, in the Euclidean norm.</summary>
    public static double RelativeError(float[] expected, float[] actual) =>
        Math.Sqrt(expected.Zip(actual, (e, a) => Math.Pow((double)a - e, 2)).Sum()) / Norm(expected);

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(v => (double)v * v));
}
