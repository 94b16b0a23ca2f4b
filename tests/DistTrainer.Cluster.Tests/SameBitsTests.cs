using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>The heart of the project: the parameters are the same bits however a job is run.</summary>
public sealed class SameBitsTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);

    public static TheoryData<string> Variants => [.. TestJobs.Variants.Keys];

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Workers_parameter_shards_and_threads_do_not_change_a_bit(string variant)
    {
        JobDescription job = TestJobs.Variants[variant];
        string expected = await Hash(job, 1, 1, 1);
        foreach ((int workers, int parameterShards, int threads) in new[] { (2, 2, 1), (3, 1, 2), (4, 3, 1), (7, 5, 1),
            (8, 2, 2), (11, 3, 1) })
            Assert.Equal(expected, await Hash(job, workers, parameterShards, threads));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(13)]
    public async Task Any_number_of_data_shards_gives_the_same_bits_for_all_numbers_of_workers(int dataShards)
    {
        JobDescription job = TestJobs.Variants["adam"];
        job = job with { Training = job.Training with { DataShards = dataShards } };
        string expected = await Hash(job, 1, 2, 1);
        for (int workers = 2; workers <= 5; workers++)
            Assert.Equal(expected, await Hash(job, workers, 2, 1));
    }

    [Fact]
    public async Task Another_number_of_data_shards_is_another_rounding_of_the_same_run()
    {
        JobDescription job = TestJobs.Variants["adam"];
        TrainingResult one = await TestJobs.Run(job, s_data, new RunOptions { Workers = 1 });
        TrainingResult other = await TestJobs.Run(
            job with { Training = job.Training with { DataShards = 3 } }, s_data, new RunOptions { Workers = 1 });
        Assert.NotEqual(one.ParameterHash, other.ParameterHash);
        Assert.All(one.Parameters.Zip(other.Parameters), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
    }

    private static async Task<string> Hash(JobDescription job, int workers, int parameterShards, int threads) =>
        (await TestJobs.Run(job, s_data,
            new RunOptions { Workers = workers, ParameterShards = parameterShards, ComputeThreads = threads }))
            .ParameterHash;
}
