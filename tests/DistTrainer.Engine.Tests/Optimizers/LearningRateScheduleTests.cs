using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.Engine.Tests.Optimizers;

public class LearningRateScheduleTests
{
    [Fact]
    public void Constant_is_the_decimal_number_as_written() =>
        Assert.Equal(0.001, Rate(new ScheduleDescription(), 1234));

    [Theory]
    [InlineData(1, 0.1)]
    [InlineData(20, 0.1)] // ten steps an epoch: epochs 0 and 1
    [InlineData(21, 0.05)]
    [InlineData(40, 0.05)]
    [InlineData(41, 0.025)]
    public void Step_multiplies_every_step_size_epochs(long step, double expected) =>
        Assert.Equal(
            expected,
            Rate(new ScheduleDescription
            {
                Kind = "step",
                Settings = PartSettings.Of(("step-size", 2), ("gamma", 0.5f))
            }, step, 0.1f), 1e-15);

    [Theory]
    [InlineData(10, 0.1)]
    [InlineData(11, 0.01)]
    [InlineData(30, 0.01)]
    [InlineData(31, 0.001)]
    public void MultiStep_multiplies_at_each_milestone(long step, double expected) =>
        Assert.Equal(
            expected,
            Rate(new ScheduleDescription
            {
                Kind = "multi-step",
                Settings = PartSettings.Of(("milestones", new[] { 1, 3 }))
            }, step, 0.1f), 1e-15);

    [Theory]
    [InlineData(10, 1)]
    [InlineData(11, 0.9)]
    [InlineData(31, 0.729)]
    public void Exponential_multiplies_every_epoch(long step, double expected) =>
        Assert.Equal(
            expected,
            Rate(new ScheduleDescription { Kind = "exponential", Settings = PartSettings.Of(("gamma", 0.9f)) }, step,
            1), 1e-15);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(26, 0.1 + 0.9 * 0.85355339059327376)] // (1 + cos 45°) / 2
    [InlineData(51, 0.55)]
    [InlineData(76, 0.1 + 0.9 * 0.14644660940672624)]
    [InlineData(101, 0.1)]
    [InlineData(200, 0.1)]
    public void Cosine_falls_from_the_full_rate_to_the_minimum(long step, double expected) =>
        Assert.Equal(
            expected,
            Rate(new ScheduleDescription { Kind = "cosine", Settings = PartSettings.Of(("minimum-rate", 0.1f)) }, step,
            1), 1e-15);

    [Fact]
    public void Cosine_is_the_library_cosine_within_rounding()
    {
        var schedule = new LearningRateSchedule(1, new ScheduleDescription { Kind = "cosine" });
        for (int k = 0; k <= 1000; k++)
            Assert.Equal((1 + Math.Cos(Math.PI * k / 1000)) / 2, schedule.Rate(k + 1, 10, 1000), 4e-16);
    }

    [Theory]
    [InlineData(1, 0.25)]
    [InlineData(4, 1)]
    [InlineData(5, 1)] // the cosine begins here
    [InlineData(53, 0.5)] // 48 of 96 steps later
    public void Warm_up_rises_linearly_before_the_schedule(long step, double expected) =>
        Assert.Equal(expected, Rate(new ScheduleDescription { Kind = "cosine", WarmUpSteps = 4 }, step, 1), 1e-15);

    [Fact]
    public void Reduce_on_plateau_never_goes_below_the_minimum()
    {
        var schedule = new LearningRateSchedule(0.1f, new ScheduleDescription
        {
            Kind = "reduce-on-plateau",
            Settings = PartSettings.Of(("minimum-rate", 0.02f)),
        });
        Assert.Equal(0.05, schedule.Rate(5, 10, 100, 0.5));
        Assert.Equal(0.02, schedule.Rate(5, 10, 100, 0.1));
    }

    [Fact]
    public void A_minimum_above_the_full_rate_never_raises_it() =>
        Assert.Equal(
            0.1, Rate(
                new ScheduleDescription
                {
                    Kind = "reduce-on-plateau",
                    Settings = PartSettings.Of(("minimum-rate", 0.5f))
                }, 5, 0.1f));

    [Fact]
    public void Plateau_reduces_after_more_than_patience_epochs_without_improvement()
    {
        var tracker = new ScheduleDescription
        {
            Kind = "reduce-on-plateau",
            Settings = PartSettings.Of(("patience", 2), ("gamma", 0.5f), ("threshold", 0.1f))
        }.CreateTracker()!;
        // 0.95 is not below 1 · (1 − 0.1): no improvement
        bool[] reduced = [.. new[] { 1, 0.95, 0.92, 0.91, 0.8, 0.9, double.NaN, 0.9 }.Select(tracker.Report)];
        Assert.Equal([false, false, false, true, false, false, false, true], reduced);
        Assert.Equal(0.25, tracker.Factor);
        Assert.Equal(0.8, tracker.Best);
    }

    [Fact]
    public void Early_stopping_waits_for_patience_and_remembers_the_best_epoch()
    {
        var tracker = new EarlyStoppingTracker(new EarlyStoppingDescription { Patience = 2, MinimumDelta = 0.1 });
        Assert.True(tracker.Report(1, 1));
        Assert.True(tracker.Report(2, 0.8));
        Assert.False(tracker.Report(3, 0.75)); // better, but by less than the minimum delta
        Assert.False(tracker.ShouldStop);
        Assert.False(tracker.Report(4, double.NaN));
        Assert.True(tracker.ShouldStop);
        Assert.Equal((2, 0.8), (tracker.BestEpoch, tracker.BestLoss));
    }

    [Fact]
    public void Early_stopping_takes_more_for_better_where_the_figure_says_so()
    {
        var tracker = new EarlyStoppingTracker(
            new EarlyStoppingDescription { Patience = 2, MinimumDelta = 0.1, Watch = FigureKind.AreaUnderCurve });
        Assert.True(tracker.Report(1, 0.5));
        Assert.True(tracker.Report(2, 0.7));
        Assert.False(tracker.Report(3, 0.75));
        Assert.False(tracker.Report(4, 0.4));
        Assert.True(tracker.ShouldStop);
        Assert.Equal(2, tracker.BestEpoch);
    }

    [Fact]
    public void Early_stopping_without_patience_never_stops()
    {
        var tracker = new EarlyStoppingTracker(new EarlyStoppingDescription());
        for (int epoch = 1; epoch < 100; epoch++)
            tracker.Report(epoch, epoch);
        Assert.False(tracker.ShouldStop);
    }

    private static double Rate(ScheduleDescription schedule, long step, float full = 0.001f) =>
        new LearningRateSchedule(full, schedule).Rate(step, 10, 100);
}
