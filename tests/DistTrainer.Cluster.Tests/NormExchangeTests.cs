using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.ParameterServer.Consistency;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class NormExchangeTests
{
    private readonly NormExchange _norms = new(parameterShards: 2, BulkSynchronous.Instance);

    [Fact]
    public void A_norm_is_known_once_when_all_parts_are_in_whatever_their_order_and_number()
    {
        _norms.Take(Part(1, 5, 16));
        Assert.Null(_norms.TakeNorm(5));
        _norms.Take(Part(1, 5, 16));
        Assert.Null(_norms.TakeNorm(5));
        _norms.Take(Part(0, 5, 4, 5));
        Assert.Equal(5, _norms.TakeNorm(5));
        Assert.Null(_norms.TakeNorm(5));
    }

    [Fact]
    public void Parts_of_the_next_step_may_come_before_the_open_one_s()
    {
        _norms.Take(Part(0, 6, 1));
        _norms.Take(Part(0, 5, 9));
        _norms.Take(Part(1, 5, 16));
        Assert.Equal(5, _norms.TakeNorm(5));
        _norms.Take(Part(1, 6, 3));
        Assert.Equal(2, _norms.TakeNorm(6));
    }

    [Fact]
    public void A_new_generation_forgets_others_parts_and_keeps_the_own_ones_of_two_steps()
    {
        foreach (long step in (long[])[4, 5, 6])
            _norms.Keep(Part(0, step, step));
        _norms.Take(Part(0, 6, 9));
        _norms.BeginGeneration();
        _norms.Take(Part(1, 6, 16));
        Assert.Null(_norms.TakeNorm(6));
        Assert.Equal([null, 5.0, 6.0, null], new long[] { 4, 5, 6, 7 }.Select(step => _norms.Own(step)?.BlockSums[0]));
    }

    [Fact]
    public void A_run_that_goes_back_leaves_no_own_part()
    {
        _norms.Keep(Part(0, 5, 1));
        _norms.ForgetOwn();
        Assert.Null(_norms.Own(5));
    }

    private static ShareNorm Part(int parameterShard, long step, params double[] sums) =>
        new(1, parameterShard, step, sums);
}
