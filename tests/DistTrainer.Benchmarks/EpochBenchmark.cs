using System.Text.Json;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Benchmarks;

/// <summary>
/// Fashion-MNIST, model b, Adam 1e-3, batch 128, PyTorch's first values: a JSON line a seed with the training time and
/// the test accuracy after each epoch.
/// </summary>
internal static class EpochBenchmark
{
    public static async Task Run(int seeds, int epochs, int? workers, int? dataShards, DataParts data)
    {
        // The test part stands in for the validation part, so that it is evaluated after every epoch, as the peers do.
        DataParts watched = data with { Validation = data.Test };
        for (int seed = 1; seed <= seeds; seed++)
        {
            JobDescription job = BenchmarkModel.All[1].Job("adam", dataShards, epochs);
            job = job with { Training = job.Training with { Seed = (ulong)seed, Shuffle = true } };
            var observer = new EpochObserver();
            var product = new RunOptions();
            RunOptions options = product with
            {
                Workers = workers ?? product.Workers,
                ReportEvery = 1000,
                ActorConfiguration = "akka.loglevel = WARNING",
            };
            await LocalTrainer.RunAsync(job, watched, options, null, observer, CancellationToken.None);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                test = "tta",
                fw = "disttrainer",
                seed,
                workers = options.Workers,
                dataShards = job.Training.DataShards,
                epochs,
                train_s = Math.Round(observer.Reports.Sum(report => report.TrainSeconds), 3),
                s_epoch = observer.Reports.Select(report => Math.Round(report.TrainSeconds, 3)),
                acc = observer.Reports.Select(report => Math.Round(report.ValidationAccuracy ?? 0, 4)),
                rss_mib = PeakMemory.Mebibytes(),
            }));
        }
    }

    private sealed class EpochObserver : ITrainingObserver
    {
        public List<EpochReport> Reports { get; } = [];

        public void OnStarted(int stepsPerEpoch, long totalSteps)
        {
        }

        public void OnStep(StepReport report)
        {
        }

        public void OnEpoch(EpochReport report) => Reports.Add(report);
    }
}
