using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>A layer with memory that outlives a step, in whole runs.</summary>
public sealed class RunningAverageTests
{
    private const float Momentum = 0.2f;
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);

    private static readonly JobDescription s_job = TestJobs.Variants["sgd-nesterov-clip-norm"];

    private static readonly LayerDescription s_section = new();

    private static readonly Network s_model = new(
        [
            new CenteredLayer(11),
            new DenseLayer(11, 4, true, s_section.WeightInitializer, s_section.BiasInitializer),
        ],
        new LossDescription().Create());

    [Fact]
    public async Task A_layers_running_average_has_the_same_bits_however_the_job_is_run()
    {
        TrainingResult one = await Run(workers: 1, parameterShards: 1);
        foreach ((int workers, int parameterShards) in new[] { (1, 2), (3, 1), (3, 3), (8, 2) })
            Assert.Equal(one.ParameterHash, (await Run(workers, parameterShards)).ParameterHash);
    }

    [Fact]
    public async Task It_is_the_average_of_the_batches_means()
    {
        // One batch is the whole training part, so every step measures the same mean.
        JobDescription job = s_job with
        {
            Training = s_job.Training with { BatchSize = (int)s_data.Train.Count, Epochs = 3 },
        };
        TrainingResult result = await Run(3, 2, job);
        Assert.Equal(3, result.Steps);
        for (int f = 0; f < 11; f++)
        {
            double mean = Enumerable.Range(0, (int)s_data.Train.Count)
                .Average(row => (double)s_data.Train.Features[(row * 11) + f]);
            Assert.Equal((1 - Math.Pow(1 - Momentum, 3)) * mean, result.Parameters[f], 1e-5);
        }
    }

    private static Task<TrainingResult> Run(int workers, int parameterShards, JobDescription? job = null)
    {
        var options = new RunOptions
        {
            Workers = workers,
            ParameterShards = parameterShards,
            ActorConfiguration = "akka.loglevel = OFF",
        };
        return LocalTrainer.RunAsync(
            job ?? s_job, s_model, s_data, options, null, new Recorder(), CancellationToken.None);
    }

    /// <summary>output = input − its running mean.</summary>
    private sealed class CenteredLayer(int features) : RowLayer(
        "centered", features, features, ParameterRequest.RunningAverage("running_mean", [features], Momentum))
    {
        protected override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, Span<float> output)
        {
            for (int f = 0; f < output.Length; f++)
                output[f] = input[f] - parameters[f];
        }

        protected override void BackwardInput(
            ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
            Span<float> inputGradient) => outputGradient.CopyTo(inputGradient);

        protected override void AddGradient(
            ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient, Span<float> gradient)
        {
            for (int f = 0; f < gradient.Length; f++)
                gradient[f] += input[f];
        }
    }
}
