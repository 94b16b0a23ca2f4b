using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Schedules;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class StepOrdersTests : IDisposable
{
    private readonly TrainingSetup _setup = new(
        TestJobs.Job(new OptimizerDescription { LearningRate = 0.5f }) with
        {
            Schedule = new ScheduleDescription { Kind = "reduce-on-plateau" },
        },
        TestJobs.Classification(203, 11, 4),
        new RunOptions { ParameterShards = 1, ReportEvery = 3 }, null);

    private readonly StepOrders _orders;

    public StepOrdersTests() => _orders = new StepOrders(_setup);

    public void Dispose() => _setup.Dispose();

    [Fact]
    public void Norms_are_wanted_for_reports_and_statistics_where_the_run_asks_for_them_and_decides()
    {
        _orders.Take(Order(until: 4, rate: null, statistics: true));
        StepContext[] steps = [.. new long[] { 2, 3, 4 }.Select(step => _orders.Of(step, 50, 7))];
        Assert.Equal(
            [(false, false), (true, false), (true, true)],
            steps.Select(step => (step.WantNorm, step.WantStatistics)));
        Assert.Equal((3L, 50.0, (double?)7), (steps[1].Step, steps[1].Weight, steps[1].GradientNorm));
    }

    [Fact]
    public void A_rate_that_the_run_names_holds_until_it_goes_back_and_the_plateau_s_factor_lies_over_it()
    {
        Assert.Equal(0.5, _orders.Of(1, 50, null).Rate);
        _orders.Take(Order(until: 4, rate: 0.25, factor: 0.5));
        Assert.Equal(0.125, _orders.Of(1, 50, null).Rate);
        _orders.Take(Order(until: 8, rate: null));
        Assert.Equal(0.25, _orders.Of(5, 50, null).Rate);
        _orders.Clear();
        Assert.Equal(0.5, _orders.Of(1, 50, null).Rate);
        Assert.False(_orders.IsLast(8));
    }

    private static PrepareRun Order(long until, double? rate, double factor = 1, bool statistics = false) =>
        new(1, until, new RateChange(factor, rate), statistics, RunState.Start, 0, 0);
}
