using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;
using static System.StringComparison;

namespace DistTrainer.Cluster.Tests;

/// <summary>Whole runs whose gradients and parameters are rounded to bfloat16 on their way.</summary>
public sealed class RoundedRunTests : IDisposable
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private readonly string _folder = Directory.CreateTempSubdirectory("rounded-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Workers_parameter_shards_and_threads_do_not_change_a_bit(int groups)
    {
        foreach (string variant in (string[])["sgd-nesterov-clip-norm", "adamw-clip-both-max-norm"])
        {
            JobDescription job = With(TestJobs.Variants[variant], groups);
            string expected = (await Run(job, 1, 1)).ParameterHash;
            foreach ((int workers, int parameterShards) in new[] { (2, 3), (3, 1), (5, 2), (8, 2), (11, 3) })
                Assert.Equal(expected, (await Run(job, workers, parameterShards)).ParameterHash);
        }
    }

    [Fact]
    public async Task What_comes_out_is_rounded_and_near_what_comes_out_without()
    {
        JobDescription job = TestJobs.Variants["adam"];
        TrainingResult rounded = await Run(With(job, 2), 2, 2), exact = await Run(job, 2, 2);
        float[] again = new float[rounded.Parameters.Length];
        Bfloat16.Round(rounded.Parameters, again);
        Assert.Equal(again, rounded.Parameters);
        Assert.All(exact.Parameters.Zip(rounded.Parameters), pair => Assert.Equal(pair.First, pair.Second, 0.05f));
    }

    [Fact]
    public async Task A_run_that_goes_on_from_any_checkpoint_ends_with_the_same_bits()
    {
        JobDescription job = With(TestJobs.Variants["adam"], 4);
        RunOptions options = new()
        {
            Workers = 2,
            ParameterShards = 2,
            Checkpoint = new CheckpointSettings { EverySteps = 4, Keep = 100 },
        };
        TrainingResult whole = await TestJobs.Run(job, s_data, options with { Output = _folder });
        IReadOnlyList<string> folders = new CheckpointStore(Path.Combine(_folder, "checkpoints")).List();
        Assert.Equal(3, folders.Count);
        foreach (string folder in folders)
        {
            TrainingResult resumed = await TestJobs.Run(
                job, s_data, options with { Workers = 3, ParameterShards = 1, ResumeFrom = folder });
            Assert.Equal((whole.ParameterHash, whole.Steps), (resumed.ParameterHash, resumed.Steps));
        }
    }

    [Fact]
    public async Task The_best_parameters_come_back_rounded_as_they_were_handed_out()
    {
        JobDescription job = With(TestJobs.Variants["sgd"], 2);
        var observer = new Recorder();
        TrainingResult result = await TestJobs.Run(
            job with
            {
                Optimizer = job.Optimizer with { LearningRate = 3f },
                Training = job.Training with
                {
                    Epochs = 200,
                    EarlyStopping = new EarlyStoppingDescription { Patience = 2 },
                },
            }, s_data, new RunOptions { ParameterShards = 3 }, observer);
        Assert.Equal(EndReason.EarlyStopping, result.Reason);
        Assert.Equal(
            observer.Epochs.MinBy(report => report.ValidationLoss)!.ParameterHash, result.ParameterHash);
    }

    [Fact]
    public async Task Rounds_are_refused()
    {
        JobDescription job = LocalRoundRunTests.With(With(TestJobs.Variants["sgd"], 2), new());
        DistTrainerException refused = await Assert.ThrowsAsync<DistTrainerException>(() => Run(job, 2, 2));
        Assert.Equal(FailureKind.Configuration, refused.Kind);
        Assert.StartsWith("training.compression.kind = bfloat16 works only with", refused.Message, Ordinal);
    }

    /// <summary>A job whose groups of data shards are rounded.</summary>
    internal static JobDescription With(JobDescription job, int groups) => job with
    {
        Training = job.Training with
        {
            Compression = new CompressionDescription { Kind = CompressionKind.Bfloat16, Groups = groups },
        },
    };

    private static Task<TrainingResult> Run(JobDescription job, int workers, int parameterShards) => TestJobs.Run(
        job, s_data, new RunOptions { Workers = workers, ParameterShards = parameterShards });
}
