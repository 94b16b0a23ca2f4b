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
        string[] models, string[] optimizers, int workers, int threads, int dataShards, double seconds,
        int chunks, DataParts data)
    {
        foreach (BenchmarkModel model in BenchmarkModel.All.Where(model => models.Contains(model.Name)))
        {
            foreach (string optimizer in optimizers)
                await One(model, optimizer, workers, threads, dataShards, seconds, chunks, data);
        }
    }

    private static async Task One(
        BenchmarkModel model, string optimizer, int workers, int threads, int dataShards, double seconds,
        int chunks, DataParts data)
    {
        JobDescription job = model.Job(optimizer, dataShards, epochs: 1_000_000);
        using var stop = new CancellationTokenSource();
        var observer = new ChunkObserver(model.Batch, seconds, chunks, stop);
        var options = new RunOptions
        {
            Workers = workers,
            ParameterShards = 2,
            ComputeThreads = threads,
            ReportEvery = 10,
            ActorConfiguration = "akka.loglevel = WARNING",
        };
        TrainingResult result = await LocalTrainer.RunAsync(job, data, options, null, observer, stop.Token);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            test = "train",
            fw = "disttrainer",
            model = model.Name,
            opt = optimizer,
            workers,
            threads,
            dataShards,
            batch = model.Batch,
            sps = observer.Chunks.Select(speed => Math.Round(speed, 1)),
            breakdown_ms = observer.Times,
            rss_mib = PeakMemory.Mebibytes(),
            steps = result.Steps,
        }));
    }
}
