using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Engine.Tests.Numerics;

public class CounterRandomTests
{
    // Random123's kat_vectors for philox4x32 10: counter, key, words.
    [Theory]
    [InlineData(
        0x0000000000000000, 0x00000000000000, 0x00, 0x0000000000000000, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8)]
    [InlineData(
        0xffffffffffffffff, 0xffffffffffffff, 0xff, 0xffffffffffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd)]
    [InlineData(
        0x85a308d3243f6a88, 0x70734413198a2e, 0x03, 0x299f31d0a4093822, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1)]
    public void The_published_vectors_come_out_with_the_documented_counter(
        ulong index, ulong stream, int purpose, ulong seed, uint word0, uint word1, uint word2, uint word3) =>
        Assert.Equal(
            new RandomBlock(word0, word1, word2, word3),
            CounterRandom.Block(seed, (RandomPurpose)purpose, stream, index));

    [Fact]
    public void Sixty_four_bits_are_halves_of_a_block_in_order()
    {
        RandomBlock block = CounterRandom.Block(7, RandomPurpose.Shuffle, 3, 1);
        Assert.Equal(block.Word0 | ((ulong)block.Word1 << 32), CounterRandom.UInt64(7, RandomPurpose.Shuffle, 3, 2));
        Assert.Equal(block.Word2 | ((ulong)block.Word3 << 32), CounterRandom.UInt64(7, RandomPurpose.Shuffle, 3, 3));
    }

    [Fact]
    public void Uniform_numbers_are_the_words_of_a_block_in_order()
    {
        RandomBlock block = CounterRandom.Block(7, RandomPurpose.Split, 3, 5);
        uint[] words = [block.Word0, block.Word1, block.Word2, block.Word3];
        for (int i = 0; i < words.Length; i++)
            Assert.Equal(
                (words[i] >> 8) / 16777216.0, CounterRandom.Uniform(7, RandomPurpose.Split, 3, (ulong)(20 + i)));
    }

    [Fact]
    public void Seeds_purposes_streams_and_indices_do_not_share_numbers()
    {
        var seen = new HashSet<ulong>();
        int drawn = 0;
        foreach (ulong seed in new ulong[] { 0, 1, 1UL << 32 })
        {
            foreach (RandomPurpose purpose in Enum.GetValues<RandomPurpose>())
            {
                foreach (ulong stream in new ulong[] { 0, 1, 1UL << 32, 1UL << 40, CounterRandom.StreamLimit - 1 })
                {
                    foreach (ulong index in new ulong[] { 0, 1, 2, 1UL << 32, 1UL << 33, ulong.MaxValue })
                    {
                        seen.Add(CounterRandom.UInt64(seed, purpose, stream, index));
                        drawn++;
                    }
                }
            }
        }
        Assert.Equal(drawn, seen.Count);
    }

    [Fact]
    public void A_stream_of_two_to_the_56_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(
            () => CounterRandom.UInt64(1, RandomPurpose.Dropout, CounterRandom.StreamLimit, 0));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => CounterRandom.Block(1, RandomPurpose.Dropout, ulong.MaxValue, 0));
    }

    [Fact]
    public void Uniform_numbers_fill_the_unit_interval_evenly()
    {
        const int Count = 160_000;
        int[] bins = new int[16];
        for (ulong i = 0; i < Count; i++)
        {
            float u = CounterRandom.Uniform(11, RandomPurpose.Split, 0, i);
            Assert.InRange(u, 0f, 1f - (1f / (1 << 24)));
            bins[(int)(u * 16)]++;
        }
        double chiSquare = bins.Sum(bin => Math.Pow(bin - (Count / 16.0), 2) / (Count / 16.0));
        Assert.InRange(chiSquare, 4.6, 37.7); // 15 degrees of freedom: 0.5 % and 99.9 %
    }

    [Fact]
    public void Normal_numbers_have_the_moments_of_the_normal_distribution()
    {
        const int Count = 200_000;
        double[] draws =
            [.. Enumerable.Range(0, Count)
            .Select(i => CounterRandom.Normal(5, RandomPurpose.Initialization, 2, (ulong)i))];
        double deviation = Math.Sqrt(1.0 / Count);
        Assert.InRange(draws.Average(), -4 * deviation, 4 * deviation);
        Assert.InRange(
            draws.Average(z => z * z), 1 - (4 * Math.Sqrt(2) * deviation), 1 + (4 * Math.Sqrt(2) * deviation));
        Assert.InRange(draws.Average(z => z * z * z), -4 * Math.Sqrt(15) * deviation, 4 * Math.Sqrt(15) * deviation);
        Assert.InRange(
            draws.Average(z => z * z * z * z), 3 - (4 * Math.Sqrt(96) * deviation),
            3 + (4 * Math.Sqrt(96) * deviation));
    }

    [Fact]
    public void Normal_numbers_are_the_quantiles_of_their_uniform_bits()
    {
        double worst = 0;
        for (ulong i = 0; i < 50_000; i++)
        {
            double p = ((CounterRandom.UInt64(9, RandomPurpose.Split, 1, i) >> 12) + 0.5) / Math.Pow(2, 52);
            double z = CounterRandom.Normal(9, RandomPurpose.Split, 1, i);
            double error = (Oracle.NormalCdf(z) - p) / Oracle.NormalDensity(z);
            worst = Math.Max(worst, Math.Abs(error) / Math.Max(1, Math.Abs(z)));
        }
        Assert.InRange(worst, 0, 1e-13);
    }
}
