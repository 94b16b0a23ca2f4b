using DistTrainer.Cluster.Library;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using DistTrainer.Example;
using DistTrainer.Jobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace DistTrainer.Cluster.Tests.Library;

/// <summary>DistTrainer in an application's own host; the example has two hosts that are a cluster.</summary>
public sealed class HostTests
{
    private static readonly JobDescription s_job = TestJobs.Variants["sgd"];

    [Fact]
    public async Task A_host_trains_in_process_without_a_node()
    {
        DataParts data = TestJobs.Classification(samples: 100, features: 5, classes: 3);
        using ServiceProvider services = new ServiceCollection()
            .AddDistTrainer(options => options.Run = new RunOptions { Workers = 2 }).BuildServiceProvider();
        Assert.Empty(services.GetServices<IHostedService>());
        FitResult fit = await services.GetRequiredService<ITrainer>().FitAsync(s_job, data);
        Assert.Equal((await TestJobs.Run(s_job, data, new RunOptions())).ParameterHash, fit.Model.ParameterHash);
    }

    [Fact]
    public async Task A_host_s_node_trains_the_job_keeps_the_model_and_ends_the_host()
    {
        string runs = Directory.CreateTempSubdirectory("host-").FullName;
        PluginRegistry.Shared.Add(new ExamplePlugin()); // the job names what it brings
        JobDescription job =
            JobFile.Read(JobSource.FromFile(Path.Combine(AppContext.BaseDirectory, "saddle.conf")),
            new JobSource("training.epochs = 2", "test")).Job;
        FitResult? completed = null;
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddDistTrainer(options =>
        {
            options.Node = new NodeSettings { ClusterPort = 0, Runs = runs, ExitWhenDone = true };
            options.Job = new JobFile(job, new RunSettings());
            options.Plugins.Add(new ExamplePlugin());
            options.Completed = fit => completed = fit;
        });
        using IHost host = builder.Build();
        IClusterNode node = host.Services.GetRequiredService<IClusterNode>();
        await host.RunAsync().WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Equal(0, (await node.Ended).ExitCode);
        FitResult alone = await Trainer.FitAsync(job, DataLoader.Load(job.Data, job.Model.Loss));
        Assert.Equal(alone.Model.ParameterHash, completed!.Model.ParameterHash);
        TrainedModel saved = ModelFile.Load(
            Assert.Single(Directory.GetFiles(runs, "model.safetensors", SearchOption.AllDirectories)));
        Assert.Equal(alone.Model.ParameterHash, saved.ParameterHash);
        Directory.Delete(runs, recursive: true);
    }

    [Fact]
    public void A_node_s_settings_are_read_from_an_application_s_configuration()
    {
        NodeSettings node = DistTrainerOptions.ReadNode(
            Section(
                ("role", "worker"), ("seed-node:0", "a:1"), ("seed-node:1", "b:2"), ("security:folder", "keys"),
                ("join-timeout", "5s")));
        Assert.Equal([NodeRole.Worker], node.Roles);
        Assert.Equal([new SeedNode("a", 1), new SeedNode("b", 2)], node.SeedNodes);
        Assert.Equal(("keys", TimeSpan.FromSeconds(5)), (node.SecurityFolder, node.JoinTimeout));
    }

    [Theory]
    [InlineData(
        "cluster-prot", "1", "Trainer:Node:cluster-prot: is not a setting of a node (did you mean --cluster-port?)")]
    [InlineData("http:port", "0", "Trainer:Node:http:port: is a setting of the command disttrainer")]
    [InlineData("cluster-port", "x", "--cluster-port: disttrainer.node.cluster-port = \"x\" is not a whole number")]
    public void A_key_or_value_of_the_configuration_that_is_wrong_is_refused(string key, string value, string message)
    {
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => DistTrainerOptions.ReadNode(Section((key, value))));
        Assert.StartsWith(message, failure.Message, StringComparison.Ordinal);
    }

    private static IConfigurationSection Section(params (string Key, string Value)[] entries) =>
        new ConfigurationBuilder()
        .AddInMemoryCollection(entries.ToDictionary(entry => $"Trainer:Node:{entry.Key}",
            entry => (string?)entry.Value)).Build().GetSection("Trainer:Node");
}
