using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;

namespace DistTrainer.ParameterServer.Tests;

/// <summary>A small model, its parameters cut into parameter shards, and the gradients of its data shards.</summary>
internal sealed class ShardRig : IDisposable
{
    /// <summary>
    /// Weights and biases of two layers; rows of 13 and 40, so that nothing falls on a multiple of eight.
    /// </summary>
    public static readonly ParameterLayout Layout = MakeLayout((40, 13), (7, 40));

    private readonly AlignedBuffer _parameters;

    public ShardRig(JobDescription job, int parameterShards, ParameterLayout? layout = null)
    {
        Job = job;
        Blocks = new ParameterBlocks(
            layout ?? Layout, Optimizer.Create(job.Optimizer).BlockRule is { NeedsWholeTensors: true });
        _parameters = new AlignedBuffer(Blocks.Layout.Length);
        Random(0, Blocks.Layout.Length).CopyTo(_parameters.Span);
        Shards = [.. ParameterShardMap.Cut(Blocks, parameterShards)
            .Select(range => new ParameterShard(range, Blocks, job, 1, new ParameterBuffers(_parameters)))];
    }

    public JobDescription Job { get; }

    public ParameterBlocks Blocks { get; }

    public IReadOnlyList<ParameterShard> Shards { get; }

    public ReadOnlySpan<float> Parameters => _parameters.Span;

    public static ParameterLayout MakeLayout(params (int Outputs, int Inputs)[] layers)
    {
        var tensors = new List<ParameterTensor>();
        int offset = 0;
        for (int i = 0; i < layers.Length; i++)
        {
            tensors.Add(
                new ParameterTensor(
                    $"{i}.weight", ParameterKind.Weight, i, [layers[i].Outputs, layers[i].Inputs], offset));
            offset = tensors[^1].End;
            tensors.Add(new ParameterTensor($"{i}.bias", ParameterKind.Bias, i, [layers[i].Outputs], offset));
            offset = tensors[^1].End;
        }
        return new ParameterLayout(tensors);
    }

    public static JobDescription MakeJob(int dataShards, OptimizerDescription? optimizer = null) => new()
    {
        Model = new ModelDescription { Layers = [] },
        Optimizer = optimizer ?? new OptimizerDescription(),
        Training = new TrainingDescription { DataShards = dataShards },
    };

    /// <summary>Values in (−1, 1) over many binary orders, so that another order of additions shows.</summary>
    public static float[] Random(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => MathF.ScaleB(2 * random.NextSingle() - 1, -random.Next(8)))];
    }

    /// <summary>The gradient of one data shard; empty data shards contribute zeros.</summary>
    public float[] Leaf(long step, int dataShard, bool isEmpty = false) =>
        isEmpty ? new float[Blocks.Layout.Length] : Random((int)step * 100 + dataShard + 1, Blocks.Layout.Length);

    /// <summary>The tree, written as plainly as it can be.</summary>
    public static float[] NaiveSum(IReadOnlyList<float[]> leaves)
    {
        if (leaves.Count == 1)
            return leaves[0];
        int half = 1;
        while (half * 2 < leaves.Count)
            half *= 2;
        float[] left = NaiveSum([.. leaves.Take(half)]), right = NaiveSum([.. leaves.Skip(half)]);
        return [.. left.Zip(right, (a, b) => a + b)];
    }

    /// <summary>
    /// What a worker pushes for a node: the sum over its leaves, behind a gap so that offsets matter.
    /// </summary>
    public GradientPush Push(ParameterShard shard, long step, TreeNode node, int emptyFrom = int.MaxValue)
    {
        float[] sum = NaiveSum(
            [.. Enumerable.Range(node.Start, node.Count).Select(leaf => Leaf(step, leaf, leaf >= emptyFrom))]);
        var buffer = new AlignedBuffer(sum.Length + 3);
        sum.CopyTo(buffer.Span[3..]);
        return new GradientPush(1, step, node, buffer, shard.Range.Start + 3);
    }

    /// <summary>Runs one whole step on all parameter shards.</summary>
    /// <returns>The blocks' sums of squares that the norm is made of; empty unless it was wanted or is
    /// clipped.</returns>
    public double[] Step(long step, IReadOnlyList<TreeNode> arrivals, bool wantNorm = false,
        bool wantStatistics = false, bool wantHistograms = false, int emptyFrom = int.MaxValue)
    {
        var clippedSums = new List<double>();
        foreach (ParameterShard shard in Shards)
        {
            foreach (TreeNode node in arrivals)
                shard.Accept(Push(shard, step, node, emptyFrom));
            if (Job.Clipping.Norm > 0)
                clippedSums.AddRange(shard.PartialNorms(10, wantHistograms));
        }
        double? norm = clippedSums.Count > 0 ? GlobalNorm.Norm([.. clippedSums]) : null;
        var context = new StepContext(step, 0.01, 10)
        {
            GradientNorm = norm,
            WantNorm = wantNorm,
            WantStatistics = wantStatistics,
            WantHistograms = wantHistograms,
        };
        foreach (ParameterShard shard in Shards)
            shard.Apply(context);
        return norm is not null || wantNorm ? [.. Shards.SelectMany(shard => shard.GradientSquares.ToArray())] : [];
    }

    public void Dispose()
    {
        foreach (ParameterShard shard in Shards)
            shard.Dispose();
        _parameters.Dispose();
    }
}
