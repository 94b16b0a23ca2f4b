using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>A run asks nothing of its samples but what <see cref="ISampleSource"/> says.</summary>
public sealed class SampleSourceTests
{
    private static readonly JobDescription s_job = TestJobs.Variants["adam"];
    private static readonly DataSchema s_schema = TestJobs.Classification(1, ComputedSource.Width, 4).Schema;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Rows_that_are_computed_when_they_are_read_train_to_the_bits_of_rows_in_memory(int workers)
    {
        (ComputedSource train, ComputedSource validation, ComputedSource test) = (new(203, 4), new(600, 4), new(61, 4));
        DataParts streamed = Parts(train, validation, test);
        var options = new RunOptions { Workers = workers, ParameterShards = 2 };
        TrainingResult result = await TestJobs.Run(s_job, streamed, options);
        DataParts rows = Parts(train.ToMemory(), validation.ToMemory(), test.ToMemory());
        TrainingResult inMemory = await TestJobs.Run(s_job, rows, options);

        Assert.Equal(inMemory.ParameterHash, result.ParameterHash);
        Assert.Equal(inMemory.Validation, result.Validation);
        Assert.Equal(inMemory.Test, result.Test);

        // One read beside the steps looks at the signal in each layer before training.
        Assert.Equal((3L * 203) + 50, train.Samples);
        Assert.Equal((result.Steps * workers) + 1, train.Reads);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_source_hears_beforehand_what_is_read_in_every_step_but_a_workers_first(int workers)
    {
        (ComputedSource train, ComputedSource validation) = (new(203, 4), new(600, 4));
        DataParts data = Parts(train, validation, new ComputedSource(61, 4));
        await TestJobs.Run(s_job, data, new RunOptions { Workers = workers });
        Assert.Equal(train.Reads - workers - 1, train.Foreseen);

        // After three epochs and at the end: three chunks, of which a worker hears all but its first.
        Assert.Equal(4 * 3, validation.Reads);
        Assert.Equal(4 * (3 - workers), validation.Foreseen);
    }

    [Fact]
    public async Task More_samples_than_can_be_put_in_order_are_refused_before_the_run()
    {
        var none = new ComputedSource(0, 4);
        DataParts data = Parts(new ComputedSource(3_000_000_000, 4), none, none);
        var failure = await Assert.ThrowsAsync<DistTrainerException>(() => TestJobs.Run(s_job, data, new RunOptions()));
        Assert.Equal(FailureKind.Data, failure.Kind);
        Assert.Equal(
            "a part of the data has 3000000000 samples, and at most 2147483591 can be put in order; "
            + "divide the data, or take some of them (data.limit).",
            failure.Message);
    }

    private static DataParts Parts(ISampleSource train, ISampleSource validation, ISampleSource test) =>
        new(train, validation, test, s_schema, DataParts.HashOf(train, validation, test));
}
