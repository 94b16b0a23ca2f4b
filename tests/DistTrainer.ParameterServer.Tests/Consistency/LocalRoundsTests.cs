using DistTrainer.ParameterServer.Consistency;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Consistency;

public sealed class LocalRoundsTests
{
    [Theory]
    [InlineData(10, 40, 4, 0, new long[] { 4, 8, 10, 14, 18, 20 })] // an epoch's last round is shorter
    [InlineData(10, 40, 4, 3, new long[] { 1, 2, 3, 4, 8, 10 })] // in bulk, then as if it had been rounds before
    [InlineData(10, 40, 100, 0, new long[] { 10, 20, 30, 40, 41, 42 })] // longer than an epoch; the run ends
    [InlineData(10, 13, 4, 0, new long[] { 4, 8, 10, 13, 14, 15 })] // the run ends within a round
    [InlineData(1, 3, 16, 0, new long[] { 1, 2, 3, 4, 5, 6 })]
    public void Rounds_end_every_so_many_steps_and_with_epoch_and_run(
        int stepsPerEpoch, long total, int steps, long warmUp, long[] expected)
    {
        var ends = new LocalRounds(stepsPerEpoch, total, steps, warmUp);
        var found = new List<long>();
        for (long step = 0; found.Count < expected.Length;)
            found.Add(step = ends.Next(step));
        Assert.Equal(expected, found);
        Assert.Equal(expected.Select(step => step > warmUp && step <= total), expected.Select(ends.IsLocal));
    }

    [Fact]
    public void From_an_end_to_the_next_and_back_each_end_has_a_place_beside_the_one_before_whatever_the_lengths()
    {
        var random = new Random(3);
        for (int i = 0; i < 2000; i++)
        {
            int stepsPerEpoch = random.Next(1, 40);
            long total = random.Next(1, 120);
            int warmUp = random.Next(3) == 0 ? random.Next(60) : 0;
            var ends = new LocalRounds(stepsPerEpoch, total, random.Next(1, 50), warmUp);
            for (long step = 0; step < total + 5;)
            {
                long next = ends.Next(step);
                Assert.InRange(next, step + 1, step + stepsPerEpoch);
                Assert.Equal(step, ends.Before(next));
                Assert.Equal(ends.IndexOf(step) + 1, ends.IndexOf(next));
                Assert.NotEqual(ends.PlaceOf(step), ends.PlaceOf(next));
                Assert.True(ends.IsUpToDate(next, ends.Next(next)));
                Assert.False(ends.IsUpToDate(next, ends.Next(ends.Next(next))));
                Assert.Equal(step, ends.FirstKept(ends.Next(next)));
                for (long within = step + 1; within <= next; within++)
                {
                    Assert.Equal(next, ends.From(within));
                    Assert.True(within % stepsPerEpoch != 0 || within == next, "An epoch ends with a round.");
                }
                long every = random.Next(1, 30);
                bool passes = Enumerable.Range(1, (int)(next - step)).Any(k => (step + k) % every == 0);
                Assert.Equal(passes, ends.Passes(next, every));
                step = next;
            }
            Assert.Equal(total, ends.From(total));
        }
    }

    [Theory]
    [InlineData(long.MinValue)]
    [InlineData(-7)]
    [InlineData(long.MaxValue)]
    public void Whatever_another_process_takes_for_a_step_has_a_place(long step)
    {
        Assert.InRange(new LocalRounds(10, 40, 4, 3).PlaceOf(step), 0, Ends.Versions - 1);
        Assert.InRange(BulkSynchronous.Instance.PlaceOf(step), 0, Ends.Versions - 1);
    }
}
