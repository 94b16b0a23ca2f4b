using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Training;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

/// <summary>Update rules that need a whole block or tensor at a time.</summary>
public class BlockRuleTests
{
    static BlockRuleTests() => PluginRegistry.Shared.Add(new Rules());

    [Theory]
    [InlineData("trust-tensor")]
    [InlineData("trust-block")]
    public void The_rule_sees_each_block_whole_with_the_adjusted_gradient_and_its_own_memory(string kind)
    {
        JobDescription job = Job(kind);
        using var rig = new ShardRig(job, 2);
        double[] parameters = [.. rig.Parameters.ToArray().Select(value => (double)value)],
            memory = new double[parameters.Length];
        for (int step = 1; step <= 3; step++)
        {
            float[] sum = ShardRig.NaiveSum([.. Enumerable.Range(0, 6).Select(leaf => rig.Leaf(step, leaf))]);
            rig.Step(step, GradientTree.Decompose(0, 6));
            for (int b = 0; b < rig.Blocks.Count; b++)
                Expect(rig.Blocks[b], rig.Blocks.Layout.Tensors[rig.Blocks[b].Tensor]
                    .Kind == ParameterKind.Weight, sum, memory, parameters);
        }
        for (int i = 0; i < parameters.Length; i++)
            Assert.Equal(parameters[i], rig.Parameters[i], 1e-5);
    }

    [Theory]
    [InlineData("trust-tensor", 3)]
    [InlineData("trust-block", 8)]
    public void Any_number_of_parameter_shards_gives_the_same_bits(string kind, int most)
    {
        var jobs =
            new[] { Job(kind), Job(kind) with { Clipping = new ClippingDescription { Norm = 0.5f, Value = 0.1f } } };
        foreach (JobDescription job in jobs)
        {
            var hashes = new HashSet<string>();
            for (int parameterShards = 1; parameterShards <= most; parameterShards++)
            {
                using var rig = new ShardRig(job, parameterShards);
                Assert.Equal(parameterShards, rig.Shards.Count);
                for (int step = 1; step <= 4; step++)
                    rig.Step(
                        step, GradientTree.Decompose(0, 6), wantNorm: step == 2, wantStatistics: step == 3,
                        wantHistograms: step == 4);
                hashes.Add(ParameterHash.Compute(rig.Parameters));
            }
            Assert.Single(hashes);
        }
    }

    [Fact]
    public void A_step_beside_the_one_before_gives_the_bits_of_a_step_in_place()
    {
        using var rig = new ShardRig(Job("trust-tensor"), 1);
        using AlignedBuffer even = new(rig.Parameters.Length), odd = new(rig.Parameters.Length);
        rig.Parameters.CopyTo(even.Span);
        using var beside =
            new ParameterShard(rig.Shards[0].Range, rig.Blocks, rig.Job, 1, new ParameterBuffers(even, odd));
        for (int step = 1; step <= 2; step++)
        {
            foreach (TreeNode node in GradientTree.Decompose(0, 6))
                beside.Accept(rig.Push(beside, step, node));
            beside.Apply(new StepContext(step, 0.01, 10));
            rig.Step(step, GradientTree.Decompose(0, 6));
            Assert.Equal(ParameterHash.Compute(rig.Parameters), ParameterHash.Compute(beside.Parameters));
        }
    }

    [Fact]
    public void Its_memory_goes_on_from_a_checkpoint_and_blocks_that_are_too_small_are_refused()
    {
        using ShardRig rig = new(Job("trust-tensor"), 1), other = new(Job("trust-tensor"), 1);
        rig.Step(1, GradientTree.Decompose(0, 6));
        ParameterShardCopy copy = rig.Shards[0].MakeCopy();
        rig.Shards[0].CopyTo(copy);
        other.Shards[0].Restore(copy);
        rig.Step(2, GradientTree.Decompose(0, 6));
        other.Step(2, GradientTree.Decompose(0, 6));
        Assert.Equal(ParameterHash.Compute(rig.Parameters), ParameterHash.Compute(other.Parameters));

        var blocks = new ParameterBlocks(ShardRig.Layout);
        var refused = Assert.Throws<ArgumentException>(() => new ParameterShard(
            ParameterShardMap.Cut(blocks, 1)[0], blocks, rig.Job, 1,
                new ParameterBuffers(new AlignedBuffer(blocks.Layout.Length))));
        Assert.Contains(
            "trust-tensor needs whole tensors; 4 tensors lie in", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_cannot_be_called_element_by_element()
    {
        Optimizer rule = Optimizer.Create(OptimizerDescription.Of("trust-block"));
        using OptimizerState state = rule.CreateState(8);
        Assert.Throws<NotSupportedException>(
            () => rule.Update(
                rule.At(1, 1), GradientAdjustment.ScaleOnly(1), new GradientTerms(new float[8]),
                state, 0, new float[8]));
    }

    private static JobDescription Job(string kind) => ShardRig.MakeJob(6, OptimizerDescription.Of(kind)) with
    {
        Regularization = new RegularizationDescription { L1 = 0.01f, L2 = 0.02f, DecoupledWeightDecay = 0.1f },
    };

    // Ten samples, a rate of 0.01, no clipping.
    private static void Expect(ParameterBlock block, bool isWeight, float[] sum, double[] memory, double[] parameters)
    {
        double length = 0, step = 0;
        for (int i = block.Start; i < block.End; i++)
        {
            double p = parameters[i];
            double gradient = (sum[i] / 10.0) + (isWeight ? (0.02 * p) + (0.01 * Math.Sign(p)) : 0);
            parameters[i] = isWeight ? p * (1 - (0.01 * 0.1)) : p;
            memory[i] = (0.5 * memory[i]) + gradient;
            length += parameters[i] * parameters[i];
            step += memory[i] * memory[i];
        }
        for (int i = block.Start; i < block.End; i++)
            parameters[i] -= 0.01 * Math.Sqrt(length / step) * memory[i];
    }

    /// <summary>p = p − rate · ‖p‖ / ‖m‖ · m with m = m / 2 + g, for each tensor or each block.</summary>
    private sealed class TrustRatio(bool wholeTensors) : IBlockRule
    {
        public IReadOnlyList<string> SlotNames { get; } = ["memory"];

        public bool NeedsWholeTensors => wholeTensors;

        public void Update(in BlockUpdate update)
        {
            Span<float> memory = update.Slot(0);
            for (int i = 0; i < memory.Length; i++)
                memory[i] = (0.5f * memory[i]) + update.Gradient[i];
            float rate =
                (float)(update.Context.Rate * Math.Sqrt(SquareSum.Of(update.Parameters) / SquareSum.Of(memory)));
            for (int i = 0; i < memory.Length; i++)
                update.Parameters[i] -= rate * memory[i];
        }
    }

    private sealed class Rules : IDistTrainerPlugin
    {
        public void Register(PluginRegistry registry)
        {
            registry.Add(
                new OptimizerPart("trust-tensor", _ => Optimizer.ByBlocks(new TrustRatio(wholeTensors: true))));
            registry.Add(
                new OptimizerPart("trust-block", _ => Optimizer.ByBlocks(new TrustRatio(wholeTensors: false))));
        }
    }
}
