using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class SmallDataTests
{
    [Theory]
    [InlineData(3, 2)] // fewer rows than data shards in every batch, and a last batch of one row
    [InlineData(3, 50)] // a batch larger than the data
    [InlineData(1, 1)]
    public async Task Fewer_rows_than_data_shards_and_a_batch_larger_than_the_data_train_to_the_same_bits_on_any_number_of_workers(int samples, int batch)
    {
        DataParts data = TestJobs.Classification(samples, features: 5, classes: 2);
        JobDescription job = TestJobs.Job(new OptimizerDescription());
        job = job with { Training = job.Training with { BatchSize = batch } };
        TrainingResult one = await TestJobs.Run(job, data, new RunOptions());
        TrainingResult many = await TestJobs.Run(job, data, new RunOptions { Workers = 9, ParameterShards = 2 });
        Assert.Equal(job.Training.Epochs * ((samples + batch - 1) / batch), one.Steps);
        Assert.Equal(one.ParameterHash, many.ParameterHash);
        Assert.All(one.Parameters, value => Assert.True(float.IsFinite(value)));
    }
}
