using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Counts the process's allocations, so nothing else may run beside it.</summary>
[Collection("alone")]
public sealed class AllocationTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private static readonly JobDescription s_job = TestJobs.Variants["adam"];

    [Fact]
    public async Task A_step_allocates_nothing_that_grows_with_the_model()
    {
        double small = await BytesPerStep(16), large = await BytesPerStep(512);
        Assert.True(
            large < small + 2000,
            $"A step allocates {small:F0} bytes with 16 units and {large:F0} bytes with 512 units.");
        Assert.True(large < 20_000, $"A step allocates {large:F0} bytes.");
    }

    private static async Task<double> BytesPerStep(int units)
    {
        JobDescription job = s_job with
        {
            Model = s_job.Model with
            {
                Layers =
                    [new LayerDescription { Units = units, Activation = "relu", Dropout = 0.1f },
                    new LayerDescription()],
            },
            Training = s_job.Training with { Epochs = 30, BatchSize = 4 },
        };
        long start = 0, end = 0;
        var observer = new Recorder
        {
            AfterStep = report =>
            {
                if (report.Step == 500)
                    start = GC.GetTotalAllocatedBytes();
                else if (report.Step == 1500)
                    end = GC.GetTotalAllocatedBytes();
            },
        };
        await TestJobs.Run(
            job, s_data with { Validation = new DataSet([], [], 11, 1) },
            new RunOptions { Workers = 2, ReportEvery = 500 }, observer);
        return (end - start) / 1000.0;
    }
}

[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class Alone;
