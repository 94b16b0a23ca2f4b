using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Cluster.Step;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

public sealed class SlowWorkerTests
{
    [Fact]
    public void A_worker_ten_times_slower_is_known_by_its_third_report_and_nobody_else_is()
    {
        var speeds = new WorkerSpeeds();
        Report(speeds, 1, 10, 100, 12);
        Assert.Null(speeds.SlowerThanOthers(1));
        Report(speeds, 2, 10, 100, 12);
        Assert.Null(speeds.SlowerThanOthers(1));
        Report(speeds, 3, 10, 100, 12);
        Assert.Equal(12, speeds.SlowerThanOthers(1));
        Assert.Null(speeds.SlowerThanOthers(0));
        Assert.Null(speeds.SlowerThanOthers(2));
    }

    [Fact]
    public void A_few_milliseconds_make_nobody_slow_and_a_worker_alone_cannot_be()
    {
        var speeds = new WorkerSpeeds();
        Report(speeds, 1, 1, 4);
        Report(speeds, 2, 1, 4);
        Report(speeds, 3, 1, 4);
        Assert.Null(speeds.SlowerThanOthers(1));
        var alone = new WorkerSpeeds();
        Report(alone, 1, 1000);
        Report(alone, 2, 1000);
        Report(alone, 3, 1000);
        Assert.Null(alone.SlowerThanOthers(0));
    }

    [Fact]
    public void A_worker_that_becomes_slow_reports_at_its_first_slow_step_and_at_the_second_and_says_how_slow()
    {
        var watch = new StepTimesWatch();
        bool[] reports = [.. Enumerable.Repeat(10.0, 20).Select(Step)];
        Assert.Equal([0, 1, 2], reports.Index().Where(step => step.Item).Select(step => step.Index));
        Assert.True(watch.Next(100));
        Assert.Equal(100, watch.Take(new WorkerTimes(30, 1)).Compute);
        Assert.True(Step(110));
        Assert.False(Step(120));

        bool Step(double compute)
        {
            bool reports = watch.Next(compute);
            if (reports)
                watch.Take(new WorkerTimes(compute, 0));
            return reports;
        }
    }

    private static void Report(WorkerSpeeds speeds, long step, params double[] compute)
    {
        for (int worker = 0; worker < compute.Length; worker++)
            speeds.Add(new ReportWorker(1, worker, step, new WorkerTimes(compute[worker], 0)));
    }
}
