using DistTrainer.Cluster.Library;
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

/// <summary>Whole runs of networks with several members, and with embedded columns.</summary>
public sealed class MembersTests : IDisposable
{
    private const int Members = 3;
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");

    // No norm is taken over all parameters, and no rate depends on a result.
    public static TheoryData<string> Elementwise => ["sgd", "adam", "rmsprop-elastic-net"];

    public void Dispose() => File.Delete(_path);

    [Theory]
    [MemberData(nameof(Elementwise))]
    public async Task Members_end_with_the_bits_of_networks_that_were_trained_alone(string variant)
    {
        JobDescription job = Job(variant);
        Network network = Network.Create(job.Model, 11, 4);
        float[] initial = network.InitialParameters(job.Training.Seed);
        TrainingResult all = await Run(job, network, s_data, initial, workers: 3, parameterShards: 2);
        double loss = 0;
        for (int member = 0, start = 0; member < Members; member++)
        {
            var alone = new Network(
                [.. network.Layers.Skip(member * network.Modules).Take(network.Modules).Select(layer => layer.Layer)],
                network.Loss);
            int end = start + alone.Layout.Length;
            TrainingResult single = await Run(job, alone, s_data, initial[start..end], workers: 2, parameterShards: 1);
            Assert.Equal(single.Parameters, all.Parameters[start..end]);
            (loss, start) = (loss + single.TrainLoss, end);
        }
        Assert.Equal(loss / Members, all.TrainLoss, 1e-9);
    }

    [Theory]
    [InlineData("sgd-nesterov-clip-norm")]
    [InlineData("adamw-clip-both-max-norm")]
    public async Task Members_and_embedded_columns_have_the_same_bits_however_the_job_is_run(string variant)
    {
        JobDescription job = Job(variant);
        DataParts data = TestJobs.WithCategories(s_data, 7, 30);
        foreach (int dataShards in new[] { 8, 5 })
        {
            job = job with { Training = job.Training with { DataShards = dataShards } };
            Network network = Network.Create(
                job.Model, 11, 4, [new EmbeddedColumn("a", 7, 3), new EmbeddedColumn("b", 30, 5)]);
            TrainingResult one = await Run(job, network, data, null, workers: 1, parameterShards: 1);
            foreach ((int workers, int parameterShards, int threads) in
                new[] { (1, 2, 1), (2, 3, 2), (3, 1, 1), (5, 4, 1) })
                Assert.Equal(
                    one.ParameterHash,
                    (await Run(job, network, data, null, workers, parameterShards, threads)).ParameterHash);
        }
    }

    [Fact]
    public async Task A_run_over_a_column_with_something_else_than_categories_ends_with_what_it_is()
    {
        JobDescription job = TestJobs.Variants["sgd"];
        Network network = Network.Create(job.Model, 11, 4, [new EmbeddedColumn("a", 7, 3)]);
        DistTrainerException refused = await Assert.ThrowsAsync<DistTrainerException>(
            () => Run(job, network, s_data, null, workers: 2, parameterShards: 1));
        Assert.Equal(FailureKind.Data, refused.Kind);
        Assert.Contains("in the embedded column a; its table of 7 rows", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_of_several_members_is_saved_loaded_and_predicts_the_same()
    {
        JobDescription job = Job("adam");
        FitResult fit = await Trainer.FitAsync(job, s_data);
        fit.Model.Save(_path);
        TrainedModel loaded = ModelFile.Load(_path);
        Assert.Equal(Members, loaded.Network.Members);
        Assert.Equal(Members, loaded.Job.Job.Model.Members);
        Assert.Equal(fit.Model.ParameterHash, loaded.ParameterHash);
        Assert.Equal("members.2.5.bias", loaded.Network.Layout.Tensors[^1].Name);
        float[] rows = s_data.Test.Features;
        Assert.Equal(fit.Model.Predict(rows), loaded.Predict(rows));
    }

    [Fact]
    public void The_number_of_members_is_a_key_of_the_job_file()
    {
        JobFile file = JobFile.Read(new JobSource("model.layers = [ {} ]\nmodel.members = 4", "job.conf"));
        Assert.Equal(4, file.Job.Model.Members);
        Assert.Equal(4, JobFile.Read(new JobSource(file.Write(), "job.conf")).Job.Model.Members);
        Assert.Equal(1, JobFile.Read(new JobSource("model.layers = [ {} ]", "job.conf")).Job.Model.Members);
    }

    private static JobDescription Job(string variant)
    {
        JobDescription job = TestJobs.Variants[variant];
        return job with { Model = job.Model with { Members = Members } };
    }

    private static Task<TrainingResult> Run(
        JobDescription job, Network network, DataParts data, float[]? initial, int workers, int parameterShards,
        int threads = 1)
    {
        var options = new RunOptions
        {
            Workers = workers,
            ParameterShards = parameterShards,
            ComputeThreads = threads,
            ActorConfiguration = "akka.loglevel = OFF",
        };
        return LocalTrainer.RunAsync(job, network, data, options, initial, new Recorder(), CancellationToken.None)
            .WaitAsync(TimeSpan.FromMinutes(2));
    }
}
