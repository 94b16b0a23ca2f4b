using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

public sealed class ValueHistogramTests
{
    private static readonly float[] s_values =
        [.. ShardRig.Random(1, 3000), 0, -0f, 1e-40f, -1e-45f, float.MaxValue, float.MinValue, float.Epsilon, 1, -1,
            1.125f, MathF.BitIncrement(1.125f), 2, -2, 1.17549435e-38f];

    [Fact]
    public void Each_finite_value_is_in_the_one_bucket_between_whose_limits_it_lies()
    {
        IReadOnlyList<(double Lower, double Upper, long Count)> buckets = ValueHistogram.Of(s_values).Finite();
        Assert.Equal(buckets.OrderBy(bucket => bucket.Lower), buckets);
        Assert.All(buckets.Zip(buckets.Skip(1)), pair => Assert.True(pair.First.Upper <= pair.Second.Lower));
        // A limit belongs to the bucket that is farther from zero.
        foreach ((double lower, double upper, long count) in buckets)
            Assert.Equal(
                count, s_values.LongCount(value => lower > 0 ? lower <= value
                && value < upper : upper < 0 ? lower < value && value <= upper : lower < value && value < upper));
        Assert.Equal(s_values.Length, buckets.Sum(bucket => bucket.Count));
        foreach ((double lower, double upper, _) in buckets.Where(bucket => bucket.Lower > 0))
            Assert.InRange(upper / lower, 1, 1.1251);
    }

    [Fact]
    public void What_is_not_finite_counts_but_is_in_no_bucket_and_no_sum()
    {
        ValueHistogram histogram = ValueHistogram.Of(
            [1, float.NaN, 3, float.PositiveInfinity, float.NegativeInfinity, -0.5f]);
        Assert.Equal(6, histogram.Count);
        Assert.Equal(3, histogram.Finite().Sum(bucket => bucket.Count));
        Assert.Equal((-0.5f, 3f, 3.5, 10.25), (histogram.Min, histogram.Max, histogram.Sum, histogram.Squares));
        Assert.Empty(ValueHistogram.Empty.Finite());
        Assert.Empty(ValueHistogram.Of([float.NaN]).Finite());
    }

    [Fact]
    public void Parts_add_up_to_the_whole()
    {
        ValueHistogram whole = ValueHistogram.Of(s_values), sum =
            ValueHistogram.Of(s_values.AsSpan(0, 777)) + ValueHistogram.Empty + ValueHistogram.Of(s_values.AsSpan(777));
        Assert.Equal(whole.Finite(), sum.Finite());
        Assert.Equal((whole.Count, whole.Min, whole.Max), (sum.Count, sum.Min, sum.Max));
        Assert.Equal(whole.Squares, sum.Squares, whole.Squares * 1e-6);
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(0, 0, 3)]
    [InlineData(0.1f, 0, 3)]
    [InlineData(0.1f, 0.02f, 3)]
    [InlineData(0, 0.02f, 3)]
    public void A_step_s_histograms_are_those_of_its_parameters_and_of_its_averaged_gradient_before_it_is_clipped(
        float norm, float value, int parameterShards)
    {
        JobDescription job = ShardRig.MakeJob(6) with
        {
            Clipping = new ClippingDescription { Norm = norm, Value = value },
        };
        using ShardRig rig = new(job, parameterShards), plain = new(job, parameterShards);
        for (long step = 1; step <= 2; step++)
        {
            rig.Step(step, GradientTree.Decompose(0, 6), wantHistograms: true);
            plain.Step(step, GradientTree.Decompose(0, 6));
            float[] gradient = [.. ShardRig.NaiveSum([.. Enumerable.Range(0, 6).Select(leaf => rig.Leaf(step, leaf))])
                .Select(sum => sum * (float)(1.0 / 10))];
            ILookup<int, TensorHistogram> parts = rig.Shards.SelectMany(shard => shard.Histograms)
                .ToLookup(part => part.Tensor);
            Assert.Equal(ShardRig.Layout.Tensors.Count, parts.Count);
            foreach (IGrouping<int, TensorHistogram> part in parts)
            {
                ParameterTensor tensor = ShardRig.Layout.Tensors[part.Key];
                Same(rig.Parameters.Slice(tensor.Offset, tensor.Length), part.Select(one => one.Parameters));
                Same(gradient.AsSpan(tensor.Offset, tensor.Length), part.Select(one => one.Gradients));
            }
        }
        Assert.Equal(plain.Parameters, rig.Parameters);
    }

    private static void Same(ReadOnlySpan<float> values, IEnumerable<ValueHistogram> parts)
    {
        ValueHistogram expected = ValueHistogram.Of(values),
            sum = parts.Aggregate(ValueHistogram.Empty, (left, right) => left + right);
        Assert.Equal(expected.Finite(), sum.Finite());
        Assert.Equal((expected.Min, expected.Max), (sum.Min, sum.Max));
        Assert.Equal(expected.Sum, sum.Sum, 1e-3);
        Assert.Equal(expected.Squares, sum.Squares, 1e-3);
    }
}
