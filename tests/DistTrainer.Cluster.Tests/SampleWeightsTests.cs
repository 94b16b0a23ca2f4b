using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Runs over samples of different weights.</summary>
public sealed class SampleWeightsTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);

    public static TheoryData<string> Variants => [.. TestJobs.Variants.Keys];

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task Weights_give_the_same_bits_however_the_job_is_run(string variant)
    {
        JobDescription job = TestJobs.Variants[variant];
        DataParts data = s_data with { Train = Weighted(s_data.Train, row => 0.1f + (row % 7 * 0.37f)) };
        string expected = (await Run(job, data, 1, 1)).ParameterHash;
        foreach ((int workers, int parameterShards) in new[] { (2, 2), (3, 1), (5, 3) })
            Assert.Equal(expected, (await Run(job, data, workers, parameterShards)).ParameterHash);
        Assert.NotEqual(expected, (await Run(job, s_data, 1, 1)).ParameterHash);
    }

    [Fact]
    public async Task Weights_that_are_all_one_change_no_bit()
    {
        JobDescription job = TestJobs.Variants["adam"];
        DataParts data = s_data with { Train = Weighted(s_data.Train, _ => 1) };
        Assert.Equal((await Run(job, s_data, 2, 2)).ParameterHash, (await Run(job, data, 2, 2)).ParameterHash);
    }

    [Fact]
    public async Task A_weight_counts_like_so_many_samples()
    {
        // In one batch and without dropout, which goes by the sample's number.
        JobDescription job = TestJobs.Variants["sgd"];
        job = job with
        {
            Model = job.Model with { Layers = [new LayerDescription { Units = 9, Activation = "tanh" }, new()] },
            Training = job.Training with { BatchSize = 1000, Epochs = 20 },
        };
        static float Weight(int row) => row % 4;
        int[] repeated = [.. Enumerable.Range(0, 203).SelectMany(row => Enumerable.Repeat(row, row % 4))];
        var train = (DataSet)s_data.Train;
        var several = new DataSet(
            [.. repeated.SelectMany(row => train.FeaturesOf(row).ToArray())],
            [.. repeated.Select(row => train.Targets[row])], 11, 1);
        TrainingResult weighted = await Run(job, s_data with { Train = Weighted(train, Weight) }, 3, 2);
        TrainingResult plain = await Run(job, s_data with { Train = several }, 2, 1);
        Assert.All(
            weighted.Parameters.Zip(plain.Parameters), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        Assert.Equal(plain.TrainLoss, weighted.TrainLoss, 1e-6);
    }

    [Fact]
    public async Task A_step_whose_samples_all_weigh_nothing_leaves_the_parameters()
    {
        JobDescription job = TestJobs.Variants["sgd"];
        job = job with { Training = job.Training with { Epochs = 1, BatchSize = 29, Shuffle = false } };
        DataParts Only(int rows) => s_data with { Train = Weighted(s_data.Train, row => row < rows ? 1 : 0) };
        TrainingResult some = await Run(job, Only(29), 3, 2);
        TrainingResult all = await Run(
            job, s_data with
            {
                Train = new DataSet(
                ((DataSet)s_data.Train).Features[..(29 * 11)], ((DataSet)s_data.Train).Targets[..29], 11, 1)
            }, 1, 1);
        Assert.Equal(all.ParameterHash, some.ParameterHash);
        Assert.Equal(all.TrainLoss, some.TrainLoss);
    }

    private static DataSet Weighted(ISampleSource part, Func<int, float> weight)
    {
        var data = (DataSet)part;
        return new DataSet(data.Features, data.Targets, data.FeatureCount, data.TargetWidth)
        {
            Weights = [.. Enumerable.Range(0, data.Count).Select(weight)],
        };
    }

    private static Task<TrainingResult> Run(JobDescription job, DataParts data, int workers, int parameterShards) =>
        TestJobs.Run(job, data, new RunOptions { Workers = workers, ParameterShards = parameterShards });
}
