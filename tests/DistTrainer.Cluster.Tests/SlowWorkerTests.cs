using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class SlowWorkerTests
{
    [Fact]
    public void A_worker_ten_times_slower_is_known_by_its_second_report_and_nobody_else_is()
    {
        RunFigures figures = Figures();
        Report(figures, 1, 10, 100, 12);
        Assert.Null(figures.SlowerThanOthers(1));
        Report(figures, 2, 10, 100, 12);
        Assert.Equal(12, figures.SlowerThanOthers(1));
        Assert.Null(figures.SlowerThanOthers(0));
        Assert.Null(figures.SlowerThanOthers(2));
    }

    [Fact]
    public void A_few_milliseconds_make_nobody_slow_and_a_worker_alone_cannot_be()
    {
        RunFigures figures = Figures();
        Report(figures, 1, 1, 4);
        Report(figures, 2, 1, 4);
        Assert.Null(figures.SlowerThanOthers(1));
        RunFigures alone = Figures();
        Report(alone, 1, 1000);
        Report(alone, 2, 1000);
        Assert.Null(alone.SlowerThanOthers(0));
    }

    private static RunFigures Figures() => new(new TrainingSetup(TestJobs.Job(new OptimizerDescription()), TestJobs.Classification(20, 3, 2), new RunOptions(), null));

    private static void Report(RunFigures figures, long step, params double[] compute)
    {
        for (int worker = 0; worker < compute.Length; worker++)
            figures.Add(new ReportWorker(1, worker, step, new WorkerTimes(compute[worker], 0)));
    }
}
