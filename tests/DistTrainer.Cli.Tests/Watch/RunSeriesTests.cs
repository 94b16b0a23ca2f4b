using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Protocol;
using Xunit;

namespace DistTrainer.Cli.Tests.Watch;

public sealed class RunSeriesTests
{
    [Fact]
    public void The_whole_course_stays_in_a_bounded_number_of_points_with_its_means()
    {
        var series = new RunSeries(most: 100);
        for (int step = 1; step <= 100_000; step++)
        {
            series.Add(Reports.Step(step, loss: step));
            Assert.InRange(series.Points.Count, 0, 99);
        }
        Assert.InRange(series.Points.Count, 50, 99);
        Assert.InRange(series.Points[^1].Report.Step, 98_000, 100_000);
        int each = series.Points[0].Count;
        Assert.All(series.Points, point => Assert.Equal(each, point.Count));
        // A point's loss is the mean of the steps that went in: the middle of them here.
        Assert.All(series.Points, point => Assert.Equal(point.Report.Step - ((each - 1) / 2.0), point.Report.Loss, 6));
    }

    [Fact]
    public void Of_very_many_epochs_every_second_or_fourth_stays()
    {
        var series = new RunSeries(most: 10);
        for (int epoch = 1; epoch <= 1000; epoch++)
        {
            series.Add(Reports.Epoch(epoch, epoch * 10L));
            Assert.InRange(series.Epochs.Count, 0, 9);
        }
        Assert.Equal(series.Epochs.OrderBy(epoch => epoch.Step), series.Epochs);
        Assert.InRange(series.Epochs[^1].Epoch, 800, 1000);
    }

    [Fact]
    public void Going_back_drops_later_points_and_says_that_those_known_have_changed()
    {
        var series = new RunSeries();
        for (int step = 1; step <= 10; step++)
            series.Add(Reports.Step(step, 1));
        int version = series.Version;
        series.GoBack(4);
        Assert.NotEqual(version, series.Version);
        Assert.Equal([1, 2, 3, 4], series.Points.Select(point => point.Report.Step));
    }

    [Fact]
    public void Whoever_has_read_gets_only_what_is_new()
    {
        var watch = new RunWatch();
        watch.Log("before");
        watch.Begin("a", "folder");
        watch.OnStarted(10, 100);
        watch.OnStep(Reports.Step(1, 1));
        WatchNews first = watch.Since(default);
        Assert.True(first.IsAnew);
        Assert.Equal(["before"], first.Lines);
        Assert.Single(first.Points);
        watch.OnStep(Reports.Step(2, 1));
        watch.Log("after");
        WatchNews second = watch.Since(first.Cursor);
        Assert.False(second.IsAnew);
        Assert.Equal(2, Assert.Single(second.Points).Report.Step);
        Assert.Equal(["after"], second.Lines);
        watch.OnWentBack(1);
        WatchNews third = watch.Since(second.Cursor);
        Assert.True(third.IsAnew);
        Assert.Equal(1, Assert.Single(third.Points).Report.Step);
        watch.Begin("b", "other");
        Assert.True(watch.Since(third.Cursor).IsAnew);
        Assert.Equal("b", watch.Since(third.Cursor).Run!.Name);
    }

    [Fact]
    public void The_log_of_a_long_run_is_bounded()
    {
        var watch = new RunWatch();
        for (int line = 0; line < 10_000; line++)
            watch.Log($"line {line}");
        IReadOnlyList<string> lines = watch.Since(default).Lines;
        Assert.InRange(lines.Count, 100, 1000);
        Assert.Equal("line 9999", lines[^1]);
    }
}

/// <summary>Reports with made-up figures.</summary>
internal static class Reports
{
    public static StepReport Step(long step, double loss) =>
        new(step, (int)((step + 9) / 10), 10, 100_000, loss, 0.5, 0.1, 2, 1000, new StepTimes(1, 2, 0.5, 0.25));

    public static EpochReport Epoch(int epoch, long step) => new(epoch, step, 1, 0.5, 2, 0.25, 0.1, 1000, 1, "hash");
}
