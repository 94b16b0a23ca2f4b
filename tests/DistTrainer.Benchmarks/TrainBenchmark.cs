using System.Text.Json;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Benchmarks;

/// <summary>
/// Whole training steps through the actors, as the peers time theirs: JSON lines with samples a second of each chunk.
/// </summary>
internal static class TrainBenchmark
{
    public static async Task Run(
        IEnumerable<(string Model, string Optimizer)> cells, int? workers, int? threads, int? dataShards,
        double seconds, int chunks, double? warmUp, DataParts data)
    {
        foreach ((string model, string optimizer) in cells)
        {
            await One(
                BenchmarkModel.Named(model), optimizer, workers, threads, dataShards, seconds, chunks, warmUp, data);
        }
    }

    private static async Task One(
        BenchmarkModel model, string optimizer, int? workers, int? threads, int? dataShards, double seconds,
        int chunks, double? warmUp, DataParts data)
    {
        JobDescription job = model.Job(optimizer, dataShards, epochs: 1_000_000);
        using var stop = new CancellationTokenSource();
        var observer = new ChunkObserver(model.Batch, seconds, chunks, stop, warmUp);
        var product = new RunOptions();
        RunOptions options = product with
        {
            Workers = workers ?? product.Workers,
            ComputeThreads = threads ?? product.ComputeThreads,
            ReportEvery = model.ReportEvery,
            ActorConfiguration = "akka.loglevel = WARNING",
        };
        TrainingResult result = await LocalTrainer.RunAsync(job, data, options, null, observer, stop.Token);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            test = "train",
            fw = "disttrainer",
            model = model.Name,
            opt = optimizer,
            workers = options.Workers,
            threads = options.ComputeThreads,
            dataShards = job.Training.DataShards,
            batch = model.Batch,
            sps = observer.Chunks.Select(speed => Math.Round(speed, 1)),
            breakdown_ms = observer.Times,
            rss_mib = PeakMemory.Mebibytes(),
            steps = result.Steps,
        }));
    }
}
