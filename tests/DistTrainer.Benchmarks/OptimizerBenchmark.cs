using System.Diagnostics;
using System.Text.Json;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer;

namespace DistTrainer.Benchmarks;

/// <summary>
/// The update of 25 million parameters by one parameter shard a thread: JSON lines with milliseconds of each chunk.
/// </summary>
internal static class OptimizerBenchmark
{
    private const int Count = 25_000_000;

    public static void Run(int threads, double seconds, int chunks)
    {
        foreach (string optimizer in (string[])["sgd", "adam"])
            One(optimizer, threads, seconds, chunks);
    }

    private static void One(string optimizer, int threads, double seconds, int chunks)
    {
        JobDescription job = BenchmarkModel.All[0].Job(optimizer, dataShards: 1, epochs: 1);
        var layout = new ParameterLayout([new ParameterTensor("0.weight", ParameterKind.Weight, 0, [5000, 5000], 0)]);
        var blocks = new ParameterBlocks(layout);
        using AlignedBuffer parameters = new(Count), gradient = new(Count);
        parameters.Span.Fill(0.1f);
        gradient.Span.Fill(1e-3f);
        ParameterShard[] shards = [.. ParameterShardMap.Cut(blocks, threads)
            .Select(range => new ParameterShard(range, blocks, job, 1, new ParameterBuffers(parameters)))];
        using var team = new ComputeTeam(threads, "optimizer");
        var step = new ApplyStep(shards, gradient);
        var watch = Stopwatch.StartNew();
        int warm = 0;
        while (watch.Elapsed.TotalSeconds < seconds || warm < 3)
        {
            step.Next();
            team.Run(step);
            warm++;
        }
        int count = Math.Max(2, (int)(seconds / (watch.Elapsed.TotalSeconds / warm)));
        var times = new List<double>();
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            watch.Restart();
            for (int i = 0; i < count; i++)
            {
                step.Next();
                team.Run(step);
            }
            times.Add(Math.Round(watch.Elapsed.TotalMilliseconds / count, 2));
        }
        Console.WriteLine(
            JsonSerializer.Serialize(new { test = "optim", fw = "disttrainer", opt = optimizer, threads, ms = times }));
        foreach (ParameterShard shard in shards)
            shard.Dispose();
    }

    private sealed class ApplyStep(ParameterShard[] shards, AlignedBuffer gradient) : IComputePart
    {
        private long _step;

        public void Next() => _step++;

        public void Run(int part, int parts)
        {
            ParameterShard shard = shards[part];
            shard.Accept(new GradientPush(1, _step, new TreeNode(0, 1), gradient, shard.Range.Start)
            {
                IsKnownFinite = true,
            });
            shard.Apply(new StepContext(_step, 1e-6, 1));
        }
    }
}
