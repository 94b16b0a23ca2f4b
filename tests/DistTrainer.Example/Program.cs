using System.Globalization;
using DistTrainer.Cluster.Library;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using DistTrainer.Example;
using DistTrainer.Jobs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// dotnet DistTrainer.Example.dll fit|host [JOB]: trains from code, or on a cluster of two hosts, and prints the
// parameters' hash.
string way = args.ElementAtOrDefault(0) ?? "fit";
string path = args.ElementAtOrDefault(1) ?? Path.Combine(AppContext.BaseDirectory, "saddle.conf");
FitResult result = way == "host" ? await InHosts(path) : await FromCode(path);
Console.WriteLine(
    string.Create(CultureInfo.InvariantCulture, $"{way}: parameters sha256={result.Model.ParameterHash}"));

float[] z = result.Model.Predict([0.5f, 0.5f]);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{way}: saddle(0.5, 0.5) = {z[0]:F2}, should be 0.38"));

static async Task<FitResult> FromCode(string path)
{
    PluginRegistry.Shared.Add(new ExamplePlugin());
    JobDescription job = JobFile.Read(JobSource.FromFile(path)).Job;
    DataParts data = DataLoader.Load(job.Data, job.Model.Loss);
    return await Trainer.FitAsync(job, data, new Reporter());
}

static async Task<FitResult> InHosts(string path)
{
    var done = new TaskCompletionSource<FitResult>(TaskCreationOptions.RunContinuationsAsynchronously);
    string runs = Directory.CreateTempSubdirectory("disttrainer-example-").FullName;
    using IHost first = Host(
        new()
        {
            ["role"] = "server,worker",
            ["cluster-port"] = "0",
            ["min-workers"] = "2",
            ["job"] = path,
            ["exit-when-done"] = "true",
            ["runs"] = runs
        },
        options => options.Completed = fit => done.TrySetResult(fit));
    await first.StartAsync();
    IClusterNode leader = first.Services.GetRequiredService<IClusterNode>();
    using IHost second = Host(new() { ["role"] = "worker", ["seed-node:0"] = await leader.Started });
    await second.StartAsync();

    await Task.WhenAll(first.WaitForShutdownAsync(), second.WaitForShutdownAsync()); // the nodes end with their job
    NodeEnd end = await leader.Ended;
    if (end.ExitCode != 0)
        throw new InvalidOperationException($"the node ended with {end.ExitCode}: {end.Reason}");
    FitResult clustered = await done.Task;
    TrainedModel saved = ModelFile.Load(
        Directory.GetFiles(runs, "model.safetensors", SearchOption.AllDirectories).Single());
    Directory.Delete(runs, recursive: true);

    // The same host trains in process too.
    JobDescription job = saved.Job.Job;
    FitResult alone = await first.Services.GetRequiredService<ITrainer>()
        .FitAsync(job, DataLoader.Load(job.Data, job.Model.Loss));
    return alone.Model.ParameterHash == clustered.Model.ParameterHash
        && saved.ParameterHash == clustered.Model.ParameterHash
        ? clustered
        : throw new InvalidOperationException(
            $"in process the hash is {alone.Model.ParameterHash}, on the cluster {clustered.Model.ParameterHash}, in "
            + $"the file {saved.ParameterHash}");
}

static IHost Host(Dictionary<string, string?> node, Action<DistTrainerOptions>? configure = null)
{
    HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder();
    builder.Logging.SetMinimumLevel(LogLevel.Warning);
    // as appsettings.json would
    builder.Configuration.AddInMemoryCollection(
        node.ToDictionary(pair => $"DistTrainer:Node:{pair.Key}", pair => pair.Value));
    builder.Services.AddDistTrainer(builder.Configuration.GetSection("DistTrainer:Node"), options =>
    {
        options.Plugins.Add(new ExamplePlugin());
        configure?.Invoke(options);
    });
    return builder.Build();
}

/// <summary>Prints each epoch.</summary>
internal sealed class Reporter : IProgress<TrainingProgress>
{
    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        if (value.Epoch is { } epoch)
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"epoch {epoch.Epoch}: loss {epoch.TrainLoss:F4}, validation {epoch.ValidationLoss:F4}"));
    }
}
