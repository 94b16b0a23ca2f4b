using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

/// <summary>Tensors that are not trained follow what the layers measure, and nothing else acts on them.</summary>
public class RunningAverageTests
{
    private const float Momentum = 0.1f;

    private static readonly ParameterLayout s_layout = new(
    [
        new ParameterTensor("0.weight", ParameterKind.Weight, 0, [40, 13], 0),
        new ParameterTensor("0.bias", ParameterKind.Bias, 0, [40], 520),
        new ParameterTensor("1.running_mean", ParameterKind.RunningAverage, 1, [43], 560) { Momentum = Momentum },
        new ParameterTensor("2.weight", ParameterKind.Weight, 2, [7, 43], 603),
    ]);

    /// <summary>The same model without the tensor.</summary>
    private static readonly ParameterLayout s_trained = new(
    [
        s_layout.Tensors[0], s_layout.Tensors[1], s_layout.Tensors[3] with { Offset = 560 },
    ]);

    public static TheoryData<string> Jobs => [.. s_jobs.Keys];

    private static readonly Dictionary<string, JobDescription> s_jobs = new()
    {
        ["sgd"] = ShardRig.MakeJob(6),
        ["adam, penalties, max-norm"] = ShardRig.MakeJob(6, new OptimizerDescription { Kind = "adam" }) with
        {
            Regularization = new RegularizationDescription { L1 = 0.1f, L2 = 0.1f, MaxNorm = 0.5f, ApplyToBiases = true },
        },
        ["clipped by value"] = ShardRig.MakeJob(6) with { Clipping = new ClippingDescription { Value = 0.01f } },
        ["clipped by value and norm"] = ShardRig.MakeJob(6) with
        {
            Clipping = new ClippingDescription { Value = 0.01f, Norm = 0.05f },
        },
    };

    [Theory]
    [MemberData(nameof(Jobs))]
    public void It_is_the_average_of_the_means_with_the_momentum_whatever_the_job_does_to_gradients(string job)
    {
        using var rig = new ShardRig(s_jobs[job], 2, s_layout);
        double[] expected = [.. rig.Parameters[560..603].ToArray().Select(value => (double)value)];
        for (int step = 1; step <= 5; step++)
        {
            float[] sum = ShardRig.NaiveSum([.. Enumerable.Range(0, 6).Select(leaf => rig.Leaf(step, leaf))]);
            rig.Step(step, GradientTree.Decompose(0, 6), wantNorm: step == 2, wantStatistics: step == 3);
            for (int i = 0; i < expected.Length; i++)
                expected[i] += Momentum * (sum[560 + i] / 10.0 - expected[i]);
        }
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], rig.Parameters[560 + i], 1e-6);
    }

    [Fact]
    public void It_has_no_part_in_the_norm_so_the_other_tensors_get_the_bits_of_a_model_without_it()
    {
        JobDescription job = s_jobs["clipped by value and norm"];
        using ShardRig with = new(job, 1, s_layout), without = new(job, 1, s_trained);
        float[] sum = ShardRig.Random(7, s_layout.Length);
        double[] norms = [.. new[] { with, without }.Select(rig =>
        {
            bool isWhole = rig == with;
            float[] start = ShardRig.Random(3, s_layout.Length),
                taken = isWhole ? sum : [.. sum[..560], .. sum[603..]];
            ParameterShard shard = rig.Shards[0];
            shard.Reset(isWhole ? start : [.. start[..560], .. start[603..]]);
            var buffer = new AlignedBuffer(taken.Length);
            taken.CopyTo(buffer.Span);
            shard.Accept(new GradientPush(1, 1, new TreeNode(0, 4), buffer, 0));
            shard.Accept(new GradientPush(1, 1, new TreeNode(4, 2), new AlignedBuffer(taken.Length), 0));
            double norm = GlobalNorm.Norm(shard.PartialNorms(10));
            shard.Apply(new StepContext(1, 0.01, 10) { GradientNorm = norm });
            return norm;
        })];
        Assert.Equal(norms[0], norms[1], 1e-12);
        Assert.Equal(without.Parameters[..560], with.Parameters[..560]);
        Assert.Equal(without.Parameters[560..], with.Parameters[603..]);
    }

    [Theory]
    [MemberData(nameof(Jobs))]
    public void Any_number_of_parameter_shards_and_any_figures_wanted_give_the_same_bits(string job)
    {
        var hashes = new HashSet<string>();
        for (int parameterShards = 1; parameterShards <= 6; parameterShards++)
        {
            using var rig = new ShardRig(s_jobs[job], parameterShards, s_layout);
            for (int step = 1; step <= 4; step++)
                rig.Step(
                    step, GradientTree.Decompose(0, 6), wantNorm: parameterShards == 2,
                    wantStatistics: parameterShards == 3, wantHistograms: parameterShards == 4);
            hashes.Add(ParameterHash.Compute(rig.Parameters));
        }
        Assert.Single(hashes);
    }

    [Fact]
    public void What_is_measured_and_not_finite_spoils_the_step_as_a_gradient_does()
    {
        JobDescription job = ShardRig.MakeJob(2) with
        {
            Training = new TrainingDescription
            {
                DataShards = 2,
                Divergence = new DivergenceDescription { Policy = DivergencePolicy.SkipStep },
            },
        };
        using var rig = new ShardRig(job, 1, s_layout);
        ParameterShard shard = rig.Shards[0];
        string before = ParameterHash.Compute(rig.Parameters);
        for (int leaf = 0; leaf < 2; leaf++)
        {
            var huge = new AlignedBuffer(s_layout.Length);
            huge.Span.Slice(560, 43).Fill(float.MaxValue); // finite alone, not as a sum
            shard.Accept(new GradientPush(1, 1, new TreeNode(leaf, 1), huge, 0));
        }
        double norm = GlobalNorm.Norm(shard.PartialNorms(10));
        Assert.False(double.IsFinite(norm));
        Assert.False(shard.Apply(new StepContext(1, 0.01, 10) { GradientNorm = norm }));
        Assert.Equal(before, ParameterHash.Compute(rig.Parameters));
    }
}
