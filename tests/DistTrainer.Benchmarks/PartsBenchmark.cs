using System.Diagnostics;
using System.Text.Json;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer;

namespace DistTrainer.Benchmarks;

/// <summary>
/// The parts of a step at one thread, without actors: what a worker of two computes, and what a parameter shard of two
/// does when both have handed in. JSON lines with the time of each part in µs.
/// </summary>
internal static class PartsBenchmark
{
    private const int Workers = 2;

    /// <param name="cells">Models and update rules.</param>
    /// <param name="dataShards">Data shards of a step; a power of two, ≥ 2, so that each worker has one node.</param>
    /// <param name="seconds">Length of the measurement, and of what goes before to warm up.</param>
    /// <param name="data">Samples.</param>
    public static void Run(
        IEnumerable<(string Model, string Optimizer)> cells, int dataShards, double seconds, DataSet data)
    {
        foreach ((string name, string optimizer) in cells)
            One(BenchmarkModel.Named(name), optimizer, dataShards, seconds, data);
    }

    private static void One(BenchmarkModel model, string optimizer, int dataShards, double seconds, DataSet data)
    {
        if (dataShards < Workers || !int.IsPow2(dataShards))
            throw new ArgumentException($"{dataShards} data shards; it takes a power of two from {Workers} on.");
        JobDescription job = model.Job(optimizer, dataShards, 1);
        Network network = Network.Create(job.Model, data.FeatureCount, 10);
        using var parameters = new AlignedBuffer(network.Layout.Length);
        network.InitialParameters(1).CopyTo(parameters.Span);
        var blocks = new ParameterBlocks(network.Layout);
        using var shard = new ParameterShard(
            ParameterShardMap.Cut(blocks, Workers)[0], blocks, job, 1, new ParameterBuffers(parameters));
        int own = model.Batch / Workers, shards = dataShards / Workers;
        GradientEngine[] engines = [.. Enumerable.Range(0, Workers).Select(_ => new GradientEngine(network, own, 1))];
        GradientNode[] nodes = [.. Enumerable.Range(0, Workers).Select(worker => new GradientNode(
            new TreeNode(worker * shards, shards), new AlignedBuffer(network.Layout.Length)))];
        int[] bounds = [.. Enumerable.Range(0, shards + 1).Select(s => EpochSampler.Bound(own, shards, s))];
        foreach (GradientNode node in nodes)
            bounds.CopyTo(node.Bounds, 0);
        string[] names = ["load", "forward", "loss", "backward", "apply"];
        var times = new double[names.Length];
        var losses = new LossSums[shards];
        int steps = 0;
        int[] samples = new int[own];
        var watch = Stopwatch.StartNew();
        for (long step = 1; watch.Elapsed.TotalSeconds < 2 * seconds; step++)
        {
            if (steps == 0 && watch.Elapsed.TotalSeconds < seconds)
                Array.Clear(times);
            else
                steps++;
            for (int worker = 0; worker < Workers; worker++)
            {
                long at = Stopwatch.GetTimestamp();
                for (int i = 0; i < own; i++)
                    samples[i] = (int)((((step * Workers) + worker) * own + i) % data.Count);
                engines[worker].Load(data, samples, true, step, 1);
                Lap(0, ref at);
                engines[worker].Forward(parameters.Span);
                Lap(1, ref at);
                engines[worker].Loss(bounds, losses, true);
                Lap(2, ref at);
                for (int stage = network.Layers.Count - 1; stage >= 0; stage--)
                    engines[worker].Backward(stage, parameters.Span, nodes.AsSpan(worker, 1));
                Lap(3, ref at);
            }
            long start = Stopwatch.GetTimestamp();
            foreach (GradientNode node in nodes)
            {
                shard.Accept(new GradientPush(1, step, node.Node, node.Gradient, shard.Range.Start)
                {
                    IsKnownFinite = true,
                });
            }
            shard.Apply(new StepContext(step, job.Optimizer.LearningRate, model.Batch));
            Lap(4, ref start);
        }
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            test = "parts",
            model = model.Name,
            opt = optimizer,
            us = names.Select((name, i) => (name, times[i] / steps / (i < 4 ? Workers : 1) * 1e6))
                .ToDictionary(part => part.name, part => Math.Round(part.Item2, 1)),
        }));

        void Lap(int part, ref long at)
        {
            long now = Stopwatch.GetTimestamp();
            times[part] += Stopwatch.GetElapsedTime(at, now).TotalSeconds;
            at = now;
        }
    }
}
