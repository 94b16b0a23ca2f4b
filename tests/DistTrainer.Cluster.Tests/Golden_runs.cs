using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>
/// The parameter hashes of small runs, pinned: the same on every instruction set (run again with
/// DOTNET_EnableAVX2=0 and DOTNET_EnableHWIntrinsic=0). A change of one is a change of floating-point order: say why in
/// CHANGELOG.md.
/// </summary>
public sealed class Golden_runs
{
    [Theory]
    [InlineData("sgd", "359bfab4c117e4786a51aa88231b043d94c33c7d")]
    [InlineData("sgd-nesterov-clip-norm", "4c4144b925d9722bbd674e44ef96cebbed8dcaad")]
    [InlineData("adam", "8cffcff7109847500c471a0748cc59809e65ee09")]
    [InlineData("adamw-clip-both-max-norm", "5ebca8b1795c476b5a50f67690876f937301a89f")]
    [InlineData("rmsprop-elastic-net", "c654a6038f445f663f7b2747b62d02e2d28ce14c")]
    public async Task The_parameter_hash_is_pinned(string variant, string hash)
    {
        DataParts data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
        TrainingResult result = await TestJobs.Run(TestJobs.Variants[variant], data, new RunOptions
        {
            Workers = 2,
            ParameterShards = 2,
        });
        Assert.Equal(hash, result.ParameterHash[..hash.Length]);
    }

    [Fact]
    public async Task The_parameter_hash_of_members_with_embedded_columns_is_pinned()
    {
        DataParts data = TestJobs.WithCategories(TestJobs.Classification(samples: 203, features: 11, classes: 4), 7, 30);
        JobDescription job = TestJobs.Variants["adam"];
        Network network = Network.Create(
            job.Model with { Members = 3 }, 11, 4, [new EmbeddedColumn("a", 7, 3), new EmbeddedColumn("b", 30, 5)]);
        TrainingResult result = await LocalTrainer.RunAsync(
            job, network, data, new RunOptions { Workers = 2, ParameterShards = 2 }, null, new Recorder(),
            CancellationToken.None);
        Assert.Equal("1dfdd424a08eb094a68f47b226998ea5c05955ef", result.ParameterHash[..40]);
    }

    [Theory]
    [InlineData("average", "125fdbdc57a54558f4cc6e3f9442214eb4679dad")]
    [InlineData("reset", "8c6ea6e55a8cabbc0103dcef2788baee96b296e1")]
    [InlineData("nesterov", "823b7a5f28de6f319f57b2c11d7e990347a6727c")]
    [InlineData("warm-up", "11828229e6e665837a2160d6276f68a25482a948")]
    public async Task The_parameter_hash_of_rounds_is_pinned(string kind, string hash)
    {
        DataParts data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
        JobDescription job = LocalRoundRunTests.With(
            TestJobs.Variants["rmsprop-elastic-net"], LocalRoundRunTests.All[kind]);
        TrainingResult result = await TestJobs.Run(job, data, new RunOptions { Workers = 2, ParameterShards = 2 });
        Assert.Equal(hash, result.ParameterHash[..hash.Length]);
    }

    [Theory]
    [InlineData(2, "591d2812ed75cca692418dfb5d13cc1eb1184c53")]
    [InlineData(8, "6fb4184ff1198e424fefd6dbd217db61f8b393b2")]
    public async Task The_parameter_hash_of_rounded_runs_is_pinned(int groups, string hash)
    {
        DataParts data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
        JobDescription job = RoundedRunTests.With(TestJobs.Variants["adam"], groups);
        TrainingResult result = await TestJobs.Run(job, data, new RunOptions { Workers = 2, ParameterShards = 2 });
        Assert.Equal(hash, result.ParameterHash[..40]);
    }
}
