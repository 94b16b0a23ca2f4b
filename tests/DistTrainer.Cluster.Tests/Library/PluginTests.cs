using DistTrainer.Cluster.Library;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Tests.Nodes;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using DistTrainer.Example;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Library;

/// <summary>Plug-ins, with that of the example.</summary>
public sealed class PluginTests
{
    private static readonly string s_job = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "saddle.conf"));

    public PluginTests() => PluginRegistry.Shared.Add(new ExamplePlugin());

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(8, 5)]
    public async Task A_plug_in_s_layer_activation_loss_optimizer_and_source_give_the_same_bits_on_any_workers_and_parameter_shards(int workers, int parameterShards)
    {
        JobDescription job = Read(s_job).Job;
        DataParts data = DataLoader.Load(job.Data, job.Model.Loss);
        Assert.Equal((420, 60, 120), (data.Train.Count, data.Validation.Count, data.Test.Count));
        TrainingResult result = await TestJobs.Run(job, data, new RunOptions
        {
            Workers = workers,
            ParameterShards = parameterShards,
        });
        Assert.Equal("61173da80b4240aa597ef427be84c63b20e5103a8205540e632c5dd334f02e8d", result.ParameterHash);
        Assert.True(result.Test.LossSum / result.Test.Count < 0.02);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(8, 3)]
    public async Task A_rule_that_needs_whole_tensors_gives_the_same_bits_on_any_workers_and_parameter_shards(
        int workers, int parameterShards)
    {
        JobDescription job = Read(s_job).Job with
        {
            Optimizer = OptimizerDescription.Of("lamb", ("beta2", 0.99f)) with { LearningRate = 0.01f },
        };
        DataParts data = DataLoader.Load(job.Data, job.Model.Loss);
        TrainingResult result = await TestJobs.Run(job, data, new RunOptions
        {
            Workers = workers,
            ParameterShards = parameterShards,
        });
        Assert.StartsWith("44a86c591f3b45fc89a83c6dc98b06de0927ac4fe", result.ParameterHash, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_trains_a_plug_in_s_job_to_the_bits_of_one_process()
    {
        JobDescription job = Read(s_job).Job;
        DataParts data = DataLoader.Load(job.Data, job.Model.Loss);
        await using TestCluster cluster = await TestCluster.StartAsync(data, job, servers: 2, workers: 2);
        Assert.Equal(
            (await TestJobs.Run(job, data, new RunOptions()))
            .ParameterHash, (await cluster.ResultAsync()).ParameterHash);
    }

    [Fact]
    public void A_job_with_a_plug_in_s_parts_is_written_and_read_back()
    {
        JobFile file = Read(s_job);
        Assert.Equal(
            ("scale", "dense", "softsign"),
            (file.Job.Model.Layers[1].Kind, file.Job.Model.Layers[0].Kind, file.Job.Model.Layers[0].Activation));
        Assert.Equal("2", file.Job.Model.Layers[0].Settings.All["sharpness"]);
        string written = file.Write();
        Assert.Contains("settings = { \"beta1\" = \"0.9\", \"beta2\" = \"0.99\" }", written, StringComparison.Ordinal);
        Assert.Equal(written, Read(written).Write());
    }

    [Theory]
    [InlineData("kind = scale", "kind = scales",
        "model.layers[1].kind = \"scales\" is not known (did you mean scale?); allowed: dense, scale")]
    [InlineData("activation = softsign", "activation = softsine", "(did you mean softsign?)")]
    [InlineData(
        "kind = pseudo-huber", "kind = huber",
        "model.loss.settings.delta is not a setting of huber; allowed: huber-delta")]
    [InlineData("delta = 0.5", "delta = 0",
        "model.loss.settings.delta = \"0\" is out of range; allowed: a number from 0.001 to 1000")]
    [InlineData(
        "delta = 0.5", "dleta = 0.5",
        "model.loss.settings.dleta is not a setting of pseudo-huber; did you mean delta?")]
    [InlineData("sharpness = 2", "sharpness = x",
        "model.layers[0].settings.sharpness = \"x\" is not a number; allowed: a number from 0 to 100")]
    [InlineData("samples = 600", "samples = 6.5",
        "data.settings.samples = \"6.5\" is not a whole number; allowed: a whole number from 10 to 1000000")]
    [InlineData(
        "beta2 = 0.99", "gamma = 1", "optimizer.settings.gamma is not a setting of lion; allowed: beta1, beta2")]
    [InlineData(
        "beta2 = 0.99", "betta2 = 1", "optimizer.settings.betta2 is not a setting of lion; did you mean beta2?")]
    [InlineData(
        "beta2 = 0.99", "beta2 = 2", "optimizer.settings.beta2 = \"2\" is out of range; allowed: a number from 0 to 1")]
    [InlineData(
        "settings { delta = 0.5 }", "settings { delta { x = 1 } }", "model.loss.settings.delta is not one value")]
    public void A_name_or_section_that_is_wrong_is_refused_where_the_job_is_read(
        string right, string wrong, string message)
    {
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => Read(s_job.Replace(right, wrong, StringComparison.Ordinal)));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("the plug-in's scale takes 24 features and gives 24 (as 24); here it must take 24 and give 25",
        "{ kind = scale, units = 25 }")]
    public async Task A_layer_that_does_not_fit_is_refused_before_the_first_step(string message, string layer)
    {
        JobDescription job = Read(s_job.Replace("{ kind = scale }", layer, StringComparison.Ordinal)).Job;
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            async () => await Trainer.FitAsync(job, DataLoader.Load(job.Data, job.Model.Loss)));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_is_built_in_taken_or_malformed_is_refused_and_the_same_plug_in_may_come_twice()
    {
        var registry = new PluginRegistry();
        Assert.Equal("none", registry.Identity);
        registry.Add(new ExamplePlugin());
        registry.Add(new ExamplePlugin());
        Assert.Matches("^DistTrainer.Example [0-9.]+ sha256=[0-9a-f]{12}$", registry.Identity);
        Assert.Equal(["dense", "scale"], registry.Layers.All.Select(part => part.Name));
        foreach (string name in (string[])["adam", "lion", "lamb", "Lion", "", "9", "a b"])
            Assert.Throws<DistTrainerException>(
                () => registry.Add(new OptimizerPart(name, _ => new LionOptimizer(0, 0))));
    }

    [Fact]
    public void A_file_that_is_missing_no_assembly_or_no_plug_in_is_refused_with_its_path()
    {
        string text = Path.Combine(AppContext.BaseDirectory, "saddle.conf");
        foreach ((string path, string what) in (ValueTuple<string, string>[])[("none.dll", "there is no such file"),
            (text, "cannot be loaded"), (typeof(Network).Assembly.Location, "has 0 public classes")])
        {
            DistTrainerException failure = Assert.Throws<DistTrainerException>(() => PluginFile.Load([path]));
            Assert.Equal(FailureKind.Configuration, failure.Kind);
            Assert.StartsWith($"plugins: {Path.GetFullPath(path)}: {what}", failure.Message, StringComparison.Ordinal);
        }
        PluginFile.Load([typeof(ExamplePlugin).Assembly.Location]); // the file of a plug-in that is there
    }

    private static JobFile Read(string text) => JobFile.Read(new JobSource(text, "saddle.conf"));
}
