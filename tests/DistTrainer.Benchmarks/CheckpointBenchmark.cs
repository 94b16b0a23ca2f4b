using System.Diagnostics;
using System.Text.Json;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Benchmarks;

/// <summary>
/// What checkpoints cost: runs with and without them in turn, and the ratio of their speeds, pair by pair.
/// </summary>
internal static class CheckpointBenchmark
{
    private const int ReportEvery = 10;

    public static async Task Run(
        string model, string optimizer, int? workers, int? dataShards, int every, int pairs,
        double seconds, DataParts data)
    {
        JobDescription job = BenchmarkModel.Named(model).Job(optimizer, dataShards, epochs: 1_000_000);
        var ratios = new List<double>();
        var pauses = new List<double>();
        List<double>[] positions =
            [.. Enumerable.Range(0, Math.Max(1, every / ReportEvery)).Select(_ => new List<double>())];
        for (int pair = 0; pair < pairs; pair++)
        {
            // Whatever the machine does meanwhile falls on both sides alike.
            double with, without;
            if (pair % 2 == 0)
                (with, without) = (await Speed(every), await Speed(0));
            else
                (without, with) = (await Speed(0), await Speed(every));
            ratios.Add(with / without);
        }
        ratios.Sort();
        pauses.Sort();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            test = "checkpoint",
            model,
            opt = optimizer,
            every,
            pairs,
            cost_percent = Math.Round(100 * (1 - ratios[pairs / 2]), 2),
            least = Math.Round(100 * (1 - ratios[^1]), 2),
            most = Math.Round(100 * (1 - ratios[0]), 2),
            checkpoints = pauses.Count,
            pause_ms = pauses.Count > 0 ? Math.Round(pauses[pauses.Count / 2], 3) : 0,
            // Where in the run between two checkpoints the time is lost, ten steps at a time.
            ms_a_step_from_one_to_the_next = positions.Select(
                times => times.Count > 0 ? Math.Round(times.Average(), 3) : 0),
        }));

        async Task<double> Speed(int everySteps)
        {
            string folder = Directory.CreateTempSubdirectory("disttrainer-checkpoint-").FullName;
            try
            {
                using var stop = new CancellationTokenSource();
                var observer = new CheckpointObserver(
                    job.Training.BatchSize, seconds, stop, pauses, everySteps > 0 ? positions : null);
                var product = new RunOptions();
                RunOptions options = product with
                {
                    Workers = workers ?? product.Workers,
                    ReportEvery = ReportEvery,
                    Output = folder,
                    Checkpoint = new CheckpointSettings { EverySteps = everySteps, EveryTime = TimeSpan.Zero },
                    ActorConfiguration = "akka.loglevel = WARNING",
                };
                await LocalTrainer.RunAsync(job, data, options, null, observer, stop.Token);
                return observer.Chunks[0];
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private sealed class CheckpointObserver(int batch, double seconds, CancellationTokenSource stop,
        List<double> pauses, List<double>[]? positions) : ChunkObserver(batch, seconds, 1, stop), ITrainingObserver
    {
        private (long Step, long Time) _last;

        void ITrainingObserver.OnStep(StepReport report)
        {
            long now = Stopwatch.GetTimestamp();
            // A report at the end of an epoch has fewer steps.
            if (_last.Step > 0 && IsWarm)
                positions?[((report.Step - 1) / ReportEvery) % positions.Length]
                    .Add(Stopwatch.GetElapsedTime(_last.Time, now).TotalMilliseconds / (report.Step - _last.Step));
            _last = (report.Step, now);
            OnStep(report);
        }

        void ITrainingObserver.OnCheckpoint(CheckpointReport report) => pauses.Add(report.Pause.TotalMilliseconds);
    }
}
