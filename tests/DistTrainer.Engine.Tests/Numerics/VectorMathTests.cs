using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;
using Xunit;
using Xunit.Abstractions;

namespace DistTrainer.Engine.Tests.Numerics;

public class VectorMathTests(ITestOutputHelper output)
{
    private const int Chunk = 4096;
    private const double SmallestNormal = 1.1754943508222875e-38;

    private delegate void SpanFunction(ReadOnlySpan<float> x, Span<float> destination);

    [Fact]
    public void Exp_is_within_its_bound_for_all_floats_with_a_normal_result() =>
        Check(VectorMath.Exp, Math.Exp, -87.33654f, 88.72283f, 1.1);

    [Fact]
    public void Log_is_within_its_bound_for_all_positive_floats() =>
        Check(VectorMath.Log, Math.Log, float.Epsilon, float.MaxValue, 1);

    [Fact]
    public void Tanh_is_within_its_bound_for_all_floats() =>
        Check(VectorMath.Tanh, Math.Tanh, float.MinValue, float.MaxValue, 2);

    [Fact]
    public void Sigmoid_is_within_its_bound_for_all_floats_with_a_normal_result() =>
        Check(VectorMath.Sigmoid, Oracle.Sigmoid, -87.33654f, float.MaxValue, 2.5);

    [Fact]
    public void The_normal_distribution_function_is_within_its_bound_where_its_value_is_normal() =>
        Check(VectorMath.NormalCdf, Oracle.NormalCdf, -12.9f, float.MaxValue, 4, stride: 16001);

    [Fact]
    public void The_normal_density_is_within_its_bound_where_its_value_is_normal() => Check(
        (x, destination) => MapEights(x, destination, Density),
        Oracle.NormalDensity, -13.1f, 13.1f, 4);

    [Fact]
    public void The_logarithm_of_one_plus_u_is_within_its_bound_down_to_the_smallest_u() => Check(
        (x, destination) => MapEights(x, destination, VectorMath.LogOnePlus), LogOnePlus, 0f, 1f, 1.5);

    [Theory]
    [InlineData(0f, 1f)]
    [InlineData(88.72284f, float.PositiveInfinity)]
    [InlineData(float.MaxValue, float.PositiveInfinity)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(-87.33655f, 0f)]
    [InlineData(float.MinValue, 0f)]
    [InlineData(float.NegativeInfinity, 0f)]
    [InlineData(float.NaN, float.NaN)]
    public void Exp_of_special_values(float x, float expected) => Assert.Equal(expected, One(VectorMath.Exp, x));

    [Theory]
    [InlineData(1f, 0f)]
    [InlineData(0f, float.NegativeInfinity)]
    [InlineData(-float.Epsilon, float.NaN)]
    [InlineData(-1f, float.NaN)]
    [InlineData(float.NegativeInfinity, float.NaN)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Log_of_special_values(float x, float expected) => Assert.Equal(expected, One(VectorMath.Log, x));

    [Theory]
    [InlineData(float.PositiveInfinity, 1f, 1f, 1f)]
    [InlineData(float.NegativeInfinity, -1f, 0f, 0f)]
    [InlineData(0f, 0f, 0.5f, 0.5f)]
    [InlineData(float.MaxValue, 1f, 1f, 1f)]
    [InlineData(float.MinValue, -1f, 0f, 0f)]
    [InlineData(float.NaN, float.NaN, float.NaN, float.NaN)]
    public void Tanh_sigmoid_and_distribution_function_of_special_values(float x, float tanh, float sigmoid, float cdf)
    {
        Assert.Equal(tanh, One(VectorMath.Tanh, x));
        Assert.Equal(sigmoid, One(VectorMath.Sigmoid, x));
        Assert.Equal(cdf, One(VectorMath.NormalCdf, x));
    }

    [Fact]
    public void Minus_zero_is_treated_like_zero()
    {
        Assert.Equal(1f, One(VectorMath.Exp, -0f));
        Assert.Equal(float.NegativeInfinity, One(VectorMath.Log, -0f));
    }

    [Fact]
    public void Tanh_keeps_the_sign_of_zero_and_is_odd()
    {
        Assert.True(float.IsNegative(One(VectorMath.Tanh, -0f)));
        foreach (float x in new[] { 1e-30f, 0.1f, 0.6249999f, 0.625f, 3f, 12f })
            Assert.Equal(One(VectorMath.Tanh, x), -One(VectorMath.Tanh, -x));
    }

    [Fact]
    public void Every_length_and_position_gives_the_same_bits_and_writes_nothing_beyond()
    {
        float[] x = [.. Enumerable.Range(0, 41).Select(i => (i - 20) * 0.37f)];
        foreach (SpanFunction function in new SpanFunction[] { VectorMath.Exp, VectorMath.Log, VectorMath.Tanh,
            VectorMath.Sigmoid, VectorMath.NormalCdf })
        {
            float[] single = [.. x.Select(value => One(function, value))];
            for (int length = 0; length <= 33; length++)
            {
                for (int start = 0; start < 8; start++)
                {
                    float[] destination = [.. Enumerable.Repeat(77f, length + 1)];
                    function(x.AsSpan(start, length), destination);
                    Assert.Equal(single.AsSpan(start, length).ToArray(), destination[..length]);
                    Assert.Equal(77f, destination[length]);
                }
            }
        }
    }

    [Fact]
    public void A_destination_that_is_too_short_is_refused() =>
        Assert.Throws<ArgumentException>(() => VectorMath.Exp(new float[9], new float[8]));

    private static float One(SpanFunction function, float x)
    {
        float[] y = new float[1];
        function([x], y);
        return y[0];
    }

    private static Vector256<float> Density(Vector256<float> x)
    {
        VectorMath.NormalCdf(x, out Vector256<float> density);
        return density;
    }

    private static double LogOnePlus(double u) => u < 1e-4 ? u - (u * u / 2) + (u * u * u / 3) : Math.Log(1 + u);

    private static void MapEights(
        ReadOnlySpan<float> x, Span<float> destination, Func<Vector256<float>, Vector256<float>> function)
    {
        for (int i = 0; i < x.Length; i += 8)
            function(Vector256.Create<float>(x[i..])).CopyTo(destination[i..]);
    }

    /// <summary>Every <paramref name="stride"/>-th float of the interval, both ends and their neighbours.</summary>
    private void Check(
        SpanFunction function, Func<double, double> exact, float from, float to, double bound, int stride = 1009)
    {
        float[] x = new float[Chunk];
        float[] y = new float[Chunk];
        double worst = 0;
        float worstAt = 0;
        long last = Ordinal(to);
        long next = Ordinal(from);
        for (bool done = false; !done;)
        {
            for (int i = 0; i < Chunk; i++)
            {
                x[i] = FromOrdinal(Math.Min(next, last));
                next += i < 64 ? 1 : stride; // runs of neighbours beside the wide steps
            }
            done = next > last;
            function(x, y);
            for (int i = 0; i < Chunk; i++)
            {
                double truth = exact(x[i]);
                double error = Math.Abs(y[i] - truth) / Ulp(truth);
                if (!(error <= worst))
                    (worst, worstAt) = (error, x[i]);
            }
        }
        output.WriteLine($"worst error {worst:F3} ulp at {worstAt:R}");
        Assert.True(worst <= bound, $"error of {worst} ulp at {worstAt:R}; {bound} is promised");
    }

    private static double Ulp(double value)
    {
        double magnitude = Math.Max(Math.Abs(value), SmallestNormal);
        return Math.Pow(2, Math.Floor(Math.Log2(magnitude)) - 23);
    }

    private static long Ordinal(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value);
        return bits < 0 ? -(long)(bits & int.MaxValue) : bits;
    }

    private static float FromOrdinal(long ordinal) =>
        ordinal < 0 ? -BitConverter.Int32BitsToSingle((int)-ordinal) : BitConverter.Int32BitsToSingle((int)ordinal);
}
