using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Numerics;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class StepTallyTests
{
    private readonly StepTally _tally = new(dataShards: 4);

    [Fact]
    public void A_step_s_losses_are_those_of_its_data_shards_in_order_whatever_came_first()
    {
        Add(2, 2, hash: 7);
        Add(0, 2, hash: 5);
        Assert.Equal(new LossSums(4, 1 + 2 + 3 + 4, 0, 0), _tally.Losses());
        Close(1);
        Assert.Equal(new StepSums(1, 1, new LossSums(4, 10, 0, 0), 4, 12), _tally.Sums);
    }

    [Fact]
    public void A_step_that_is_left_out_counts_its_samples_and_not_its_losses()
    {
        Add(0, 4, hash: 5);
        Close(1, counts: false);
        Assert.Equal(new StepSums(1, 1, default, 4, 5), _tally.Sums);
    }

    [Fact]
    public void Contributions_to_a_step_that_is_begun_anew_count_once()
    {
        Add(0, 2, hash: 5);
        _tally.Open();
        Add(0, 4, hash: 9);
        Close(1);
        Assert.Equal(9UL, _tally.Sums.SampleHash);
    }

    [Fact]
    public void Sums_begin_anew_with_a_report_and_the_run_is_told_all_that_it_does_not_know()
    {
        Step(1);
        Step(2);
        Report(2);
        Assert.Equal(default, _tally.Sums);
        Step(3);
        Report(3);
        Step(4);
        Assert.Equal([(1, 2), (3, 3), (4, 4)], Between(0, 4));
        Assert.Equal([(3, 3), (4, 4)], Between(2, 4));
        Assert.Equal([(1, 2), (3, 3)], Between(0, 3));
        Assert.Equal([3L], _tally.ReportsAfter(2).Select(report => report.Step));
    }

    [Fact]
    public void A_run_that_ends_a_step_earlier_gets_the_sums_without_the_last_step()
    {
        Step(1);
        Step(2);
        Step(3);
        Assert.Equal([(1, 2)], Between(0, 2));
        Assert.Equal([(1, 3), (1, 2)], Between(0, 3));
    }

    [Fact]
    public void What_the_run_has_decided_on_is_forgotten_and_what_came_after_is_not()
    {
        Step(1);
        Report(1);
        Step(2);
        Report(2);
        Step(3);
        _tally.Forget(2);
        Assert.Equal([(3, 3)], Between(0, 3));
        Assert.Empty(_tally.ReportsAfter(0));
        _tally.Forget(3);
        Assert.Equal(default, _tally.Sums);
    }

    [Fact]
    public void A_run_that_goes_back_leaves_nothing()
    {
        Step(1);
        Report(1);
        Step(2);
        Add(0, 2, hash: 5);
        _tally.Clear();
        Assert.Empty(Between(0, 9));
        Assert.Empty(_tally.ReportsAfter(0));
        Add(0, 4, hash: 9);
        Close(1);
        Assert.Equal(new StepSums(1, 1, new LossSums(4, 10, 0, 0), 4, 9), _tally.Sums);
    }

    /// <summary>A contribution with one sample a data shard, whose loss is its number, counted from 1.</summary>
    private void Add(int start, int count, ulong hash)
    {
        LossSums[] losses = [.. Enumerable.Range(start + 1, count).Select(loss => new LossSums(1, loss, 0, 0))];
        _tally.Add(new PushGradient(1, 0, 1, new TreeNode(start, count), null!, 0, true, losses, hash));
    }

    private void Close(long step, bool counts = true)
    {
        _tally.Close(step - 1, step, _tally.Losses(), counts);
        _tally.Open();
    }

    private void Step(long step)
    {
        Add(0, 4, hash: (ulong)step);
        Close(step);
    }

    private void Report(long step) => _tally.Remember(new ReportSteps(1, 0, step, 0.1, _tally.Sums, [], default));

    private (long First, long Last)[] Between(long known, long step) =>
        [.. _tally.Between(known, step).Select(sums => (sums.FirstStep, sums.LastStep))];
}
