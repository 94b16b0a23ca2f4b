using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.Golden;
using Xunit;

namespace DistTrainer.ParameterServer.Tests.Golden;

/// <summary>
/// Engine and parameter shards in a plain loop, without actors, against PyTorch from the same initial parameters.
/// </summary>
public class GoldenTrainingTests
{
    private const double Tolerance = 1e-5;
    private const int DataShards = 3;

    public static TheoryData<string> Names => [.. GoldenCases.Trainings.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Parameters_after_50_steps_are_those_of_pytorch(string name)
    {
        TrainingCase golden = GoldenCases.Trainings.Single(c => c.Name == name);
        DataSet data = GoldenCases.Data(golden.Model);
        JobDescription job = golden.Job with { Training = golden.Training with { DataShards = DataShards } };
        var network = Network.Create(golden.Model, data.FeatureCount, golden.Model.Layers[^1].Units!.Value);
        using var parameters = new AlignedBuffer(network.Layout.Length);
        GoldenCases.InitialParameters(golden.Model).CopyTo(parameters.Span);
        var blocks = new ParameterBlocks(network.Layout);
        ParameterShard[] shards = [.. ParameterShardMap.Cut(blocks, 2)
            .Select(range => new ParameterShard(range, blocks, job, 1, new ParameterBuffers(parameters)))];
        using var engine = new GradientEngine(network, golden.Training.BatchSize, data.TargetWidth);
        GradientNode[] nodes =
            [.. GradientTree.Decompose(0, DataShards)
            .Select(n => new GradientNode(n, new AlignedBuffer(parameters.Length)))];

        long step = 0;
        for (int epoch = 0; epoch < golden.Training.Epochs; epoch++)
        {
            for (int start = 0; start < data.Count; start += golden.Training.BatchSize)
            {
                int[] samples = [.. Enumerable.Range(start, Math.Min(golden.Training.BatchSize, data.Count - start))];
                Gradient(engine, network, data, samples, ++step, parameters.Span, nodes);
                Update(shards, nodes, step, job, samples.Length);
            }
        }

        Assert.Equal(50, step);
        // The expected parameters are a float64 run's. Less PyTorch's own error: so close to its float32 result, too.
        Closeness.AssertClose(
            golden.ExpectedParameters, parameters.Span.ToArray(), Tolerance - golden.TorchFloat32Error);
        foreach (ParameterShard shard in shards)
            shard.Dispose();
        foreach (GradientNode node in nodes)
            node.Gradient.Dispose();
    }

    private static void Gradient(
        GradientEngine engine, Network network, DataSet data, int[] samples, long step, ReadOnlySpan<float> parameters,
            GradientNode[] nodes)
    {
        int[] bounds = [.. Enumerable.Range(0, DataShards + 1).Select(s => samples.Length * s / DataShards)];
        foreach (GradientNode node in nodes)
            bounds.AsSpan(node.Node.Start, node.Node.Count + 1).CopyTo(node.Bounds);
        engine.Load(data, samples, training: true, step, seed: 1);
        engine.Forward(parameters);
        engine.Loss(bounds, new LossSums[DataShards], withGradient: true);
        for (int layer = network.Layers.Count - 1; layer >= 0; layer--)
            engine.Backward(layer, parameters, nodes);
    }

    private static void Update(
        ParameterShard[] shards, GradientNode[] nodes, long step, JobDescription job, int samples)
    {
        var sums = new List<double>();
        foreach (ParameterShard shard in shards)
        {
            foreach (GradientNode node in nodes)
                shard.Accept(new GradientPush(1, step, node.Node, node.Gradient, shard.Range.Start));
            if (job.Clipping.Norm > 0)
                sums.AddRange(shard.PartialNorms(samples));
        }
        double? norm = job.Clipping.Norm > 0 ? GlobalNorm.Norm([.. sums]) : null;
        foreach (ParameterShard shard in shards)
            shard.Apply(new StepContext(step, job.Optimizer.LearningRate, samples) { GradientNorm = norm });
    }
}
