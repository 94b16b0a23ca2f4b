using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// To derive an update rule from that works element by element. Averaging, clipping and penalties are done before
/// (<see cref="GradientAdjustment"/>), and an element's bits do not depend on its place in the flat vector.
/// </summary>
/// <remarks>For the same bits everywhere see <see cref="ElementwiseLayer"/>.</remarks>
public abstract class CustomOptimizer : Optimizer
{
    /// <summary>Names what the rule remembers.</summary>
    /// <param name="slotNames">At most three different words of lower-case letters, digits and underscores; may be
    /// none.</param>
    /// <exception cref="ArgumentException">There are more than three.</exception>
    protected CustomOptimizer(params string[] slotNames)
        : base(slotNames)
    {
        if (slotNames.Length > 3)
            throw new ArgumentException(
                $"An optimizer remembers at most three vectors, not {slotNames.Length}.", nameof(slotNames));
    }

    /// <summary>
    /// The new parameters, and the new content of the slots that the rule named; eight elements at once.
    /// </summary>
    /// <param name="context">Step and learning rate; corrections as <see cref="Optimizer.WithBiasCorrections"/> left
    /// them.</param>
    /// <param name="parameter">The parameters.</param>
    /// <param name="gradient">The averaged, clipped gradient with the penalties.</param>
    /// <param name="slot0">The first slot; zero before the first step; unused without one.</param>
    /// <param name="slot1">The second slot.</param>
    /// <param name="slot2">The third slot.</param>
    protected abstract Vector256<float> Apply(
        in UpdateContext context, Vector256<float> parameter, Vector256<float> gradient,
        ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2);

    private protected override void UpdateChecked(
        in UpdateContext context, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState state,
        int offset, Span<float> parameters)
    {
        switch (SlotNames.Count)
        {
            case 0:
                ElementwiseUpdate.Run(new Rule<None>(this, context), adjustment, gradient, state,
                offset, parameters); break;
            case 1:
                ElementwiseUpdate.Run(new Rule<One>(this, context), adjustment, gradient, state,
                offset, parameters); break;
            case 2:
                ElementwiseUpdate.Run(new Rule<Two>(this, context), adjustment, gradient, state,
                offset, parameters); break;
            default:
                ElementwiseUpdate.Run(new Rule<Three>(this, context), adjustment, gradient, state,
                offset, parameters); break;
        }
    }

    private interface ICount
    {
        static abstract int Value { get; }
    }

    private readonly struct None : ICount
    {
        public static int Value => 0;
    }

    private readonly struct One : ICount
    {
        public static int Value => 1;
    }

    private readonly struct Two : ICount
    {
        public static int Value => 2;
    }

    private readonly struct Three : ICount
    {
        public static int Value => 3;
    }

    private readonly struct Rule<TCount>(CustomOptimizer optimizer, UpdateContext context) : IUpdateRule
        where TCount : struct, ICount
    {
        private readonly UpdateContext _context = context;

        public static int SlotCount => TCount.Value;

        public Vector256<float> Apply(
            Vector256<float> parameter, Vector256<float> gradient,
            ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2) =>
            optimizer.Apply(_context, parameter, gradient, ref slot0, ref slot1, ref slot2);
    }
}
