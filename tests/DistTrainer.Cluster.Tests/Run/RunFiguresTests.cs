using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Reports;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

public sealed class RunFiguresTests
{
    [Fact]
    public void Steps_whose_report_was_lost_are_in_the_next_one_and_each_is_in_the_ledger_once()
    {
        using var setup =
            new TrainingSetup(
                TestJobs.Job(new OptimizerDescription()), TestJobs.Classification(203, 11, 4),
                new RunOptions { ParameterShards = 1 }, null);
        var figures = new RunFigures(setup);
        var lost = new StepSums(1, 2, new LossSums(20, 30, 5, 0), 20, 7);
        Assert.Equal(2, figures.Add(lost)!.Value.LastStep);
        Assert.Null(figures.Add(lost)); // a second copy
        (StepReport report, LedgerEntry entry) = Assert.Single(figures.Add(Report(3, 3, loss: 5), default));
        Assert.Equal((3, 3, 10), (entry.FirstStep, entry.LastStep, entry.Samples));
        Assert.Equal(35.0 / 30, report.Loss);
        Assert.Equal(0, report.SamplesPerSecond); // told again to the next coordinator, whose clock has not run
        Assert.Equal(0.5, Assert.Single(figures.Add(Report(4, 4, loss: 5), default)).Report.Loss);

        figures.Add(new StepSums(5, 5, new LossSums(10, 90, 0, 0), 10, 7));
        figures.Restore(RunState.Start); // all is computed again
        Assert.Equal(0.5, Assert.Single(figures.Add(Report(1, 1, loss: 5), default)).Report.Loss);
    }

    private static ReportSteps Report(long first, long last, double loss) =>
        new(1, 0, last, 0.1, new StepSums(first, last, new LossSums(10, loss, 5, 0), 10, 9), [1],
            new ParameterShardTimes(1, 1));
}
