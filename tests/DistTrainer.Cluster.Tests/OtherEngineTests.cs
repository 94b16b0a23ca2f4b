using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>A run asks nothing of its model but what <see cref="IModel"/> and its engine have.</summary>
public sealed class OtherEngineTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private static readonly DoubleModel s_model = new(11, 16, 4);

    private static readonly JobDescription s_job = TestJobs.Variants["sgd-nesterov-clip-norm"] with
    {
        Model = new ModelDescription
        {
            Layers = [new LayerDescription { Units = 16, Activation = "tanh" }, new LayerDescription()],
            Loss = new LossDescription(),
        },
    };

    [Fact]
    public async Task An_engine_in_double_trains_to_the_same_bits_however_the_job_is_run_and_close_to_the_built_in_one()
    {
        TrainingResult one = await Run(s_model, workers: 1, parameterShards: 1);
        foreach ((int workers, int parameterShards) in new[] { (1, 2), (3, 1), (3, 2) })
            Assert.Equal(one.ParameterHash, (await Run(s_model, workers, parameterShards)).ParameterHash);

        TrainingResult builtIn = await Run(null, workers: 3, parameterShards: 2);
        Assert.NotEqual(builtIn.ParameterHash, one.ParameterHash);
        Assert.All(builtIn.Parameters.Zip(one.Parameters), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        Assert.Equal(builtIn.Test.LossSum, one.Test.LossSum, 1e-4 * builtIn.Test.LossSum);
        Assert.Equal(builtIn.Test.Correct, one.Test.Correct);
        Assert.True(one.Test.LossSum / one.Test.Count < 0.9 * Math.Log(4));
    }

    [Fact]
    public void An_engine_in_double_predicts_close_to_the_built_in_one()
    {
        float[] parameters = s_model.InitialParameters(1), rows = s_data.Train.Features;
        float[] builtIn = Predict(Network.Create(s_job.Model, 11, 4));
        Assert.All(Predict(s_model).Zip(builtIn), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));

        float[] Predict(IModel model)
        {
            float[] predictions = new float[rows.Length / 11 * 4];
            using var evaluator = new Evaluator(model, 1);
            evaluator.Predict(rows, parameters, predictions);
            return predictions;
        }
    }

    [Fact]
    public async Task A_model_that_is_not_for_the_data_is_refused_before_the_run()
    {
        var failure = await Assert.ThrowsAsync<DistTrainerException>(() => Run(new DoubleModel(12, 16, 4), 1, 1));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Equal(
            "The model takes 12 features and gives 4 outputs, but the data have 11 and 4; "
            + "make the model for these data.",
            failure.Message);
    }

    private static Task<TrainingResult> Run(IModel? model, int workers, int parameterShards)
    {
        var options = new RunOptions
        {
            Workers = workers,
            ParameterShards = parameterShards,
            ActorConfiguration = "akka.loglevel = OFF",
        };
        float[] initial = s_model.InitialParameters(1);
        return LocalTrainer.RunAsync(s_job, model, s_data, options, initial, new Recorder(), CancellationToken.None);
    }
}
