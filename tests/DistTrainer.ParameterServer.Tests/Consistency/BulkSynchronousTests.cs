using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer.Consistency;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Consistency;

public sealed class BulkSynchronousTests
{
    [Fact]
    public void What_a_step_is_computed_with_is_kept_until_the_slowest_parameter_shard_has_applied_it()
    {
        BulkSynchronous ends = BulkSynchronous.Instance;
        for (long slowest = 1; slowest <= 9; slowest++)
        {
            long fastest = slowest + Ends.Apart;
            Assert.True(ends.Before(slowest) >= ends.FirstKept(fastest));
            long[] kept = [ends.Before(slowest), ends.Before(fastest)];
            Assert.Equal(Ends.Versions, kept.Select(ends.PlaceOf).Distinct().Count());
        }
    }

    [Fact]
    public void A_contribution_counts_for_the_open_step_alone_and_a_copy_may_be_a_step_behind()
    {
        Assert.Equal(
            [PushOutcome.Stale, PushOutcome.Accepted, PushOutcome.Early],
            new long[] { 6, 7, 8 }.Select(step => Ends.OutcomeOf(step, openStep: 7)));
        Assert.Equal(
            [false, false, true, true],
            new long[] { 0, 5, 6, 7 }.Select(openStep => BulkSynchronous.Instance.IsUpToDate(openStep, newest: 7)));
        Assert.False(BulkSynchronous.Instance.IsUpToDate(0, newest: 1)); // it has no parameters
    }

    [Fact]
    public void Parameters_have_one_buffer_for_all_steps_or_one_for_each_that_is_kept()
    {
        using var inPlace = new ParameterBuffers(new AlignedBuffer(3));
        Assert.Same(inPlace[4], inPlace[5]);
        Assert.False(inPlace.AreTwo);
        using var apart = new ParameterBuffers(new AlignedBuffer(3), new AlignedBuffer(3));
        Assert.NotSame(apart[4], apart[5]);
        Assert.Same(apart[4], apart[6]);
        Assert.True(apart.AreTwo);
        AlignedBuffer[] buffers = [.. Enumerable.Range(3, 3).Select(length => new AlignedBuffer(length))];
        Assert.Contains("of 3, 4 floats", Refusal(buffers[..2]), StringComparison.Ordinal);
        Assert.Contains("of 3, 4, 5 floats", Refusal(buffers), StringComparison.Ordinal);
        Assert.Contains("it takes one, or 2 of one length", Refusal([]), StringComparison.Ordinal);

        static string Refusal(AlignedBuffer[] versions) =>
            Assert.Throws<ArgumentException>(() => new ParameterBuffers(versions)).Message;
    }
}
