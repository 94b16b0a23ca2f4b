using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// An update rule that needs a whole block, or a whole tensor, at once, e.g. for its norm (LAMB, Adafactor, Muon).
/// Averaging, clipping, penalties and decay are done before. A block is whole rows of one tensor, and no cut into
/// parameter shards divides it, so the result is the same bits for any number of them. Immutable; make it an
/// <see cref="Optimizer"/> by <see cref="Optimizer.ByBlocks"/>.
/// </summary>
/// <remarks>For the same bits everywhere see <see cref="ElementwiseLayer"/>; sums go in a fixed order
/// (<see cref="SquareSum"/>).</remarks>
public interface IBlockRule
{
    /// <summary>Names of the vectors that the rule remembers: different words of lower-case letters, digits and
    /// underscores; at most eight.</summary>
    IReadOnlyList<string> SlotNames { get; }

    /// <summary>Whether a block must be a whole tensor. Then there are at most as many parameter shards as tensors;
    /// else a tensor may be many blocks.</summary>
    bool NeedsWholeTensors { get; }

    /// <summary>Updates one block's parameters and slots in place. Blocks are updated in any order, also at once by
    /// several threads.</summary>
    /// <param name="update">The block.</param>
    void Update(in BlockUpdate update);
}

/// <summary>What a rule gets of one block: whole rows of one tensor, row-major.</summary>
public readonly ref struct BlockUpdate
{
    private readonly OptimizerState _state;
    private readonly int _offset;

    /// <summary>Takes one block.</summary>
    /// <param name="context">The step, from <see cref="Optimizer.At"/>.</param>
    /// <param name="tensor">The tensor that the block belongs to.</param>
    /// <param name="gradient">[n], averaged, clipped, with the penalties; from
    /// <see cref="GradientAdjustment.Apply"/>.</param>
    /// <param name="state">From <see cref="Optimizer.CreateState"/>.</param>
    /// <param name="offset">Index of the block's first parameter in the state.</param>
    /// <param name="parameters">[n].</param>
    internal BlockUpdate(
        UpdateContext context, ParameterTensor tensor, Span<float> gradient, OptimizerState state, int offset,
            Span<float> parameters)
    {
        (Context, Tensor, _state, _offset) = (context, tensor, state, offset);
        Gradient = gradient;
        Parameters = parameters;
    }

    /// <summary>Step and learning rate.</summary>
    public UpdateContext Context { get; }

    /// <summary>The tensor that the block belongs to: its kind, its shape, the length of its rows.</summary>
    public ParameterTensor Tensor { get; }

    /// <summary>[n], the gradient; may be used as scratch memory.</summary>
    public Span<float> Gradient { get; }

    /// <summary>[n], to be changed in place.</summary>
    public Span<float> Parameters { get; }

    /// <summary>[n], one of the slots, zero before the first step; to be changed in place.</summary>
    /// <param name="index">Index in <see cref="IBlockRule.SlotNames"/>.</param>
    public Span<float> Slot(int index) => _state.Slot(index).Slice(_offset, Parameters.Length);
}

/// <summary>A block rule as an optimizer.</summary>
internal sealed class BlockOptimizer(IBlockRule rule) : Optimizer([.. rule.SlotNames])
{
    internal override IBlockRule BlockRule => rule;

    private protected override void UpdateChecked(
        in UpdateContext context, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState state,
        int offset, Span<float> parameters) =>
        throw new NotSupportedException($"{rule.GetType().Name} works on whole blocks; call its {nameof(IBlockRule)}.");
}
