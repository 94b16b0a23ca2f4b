namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// An update rule: immutable, shared by all parameter shards. What it remembers lies in an
/// <see cref="OptimizerState"/>. A rule works element by element, or on whole blocks that no cut divides
/// (<see cref="IBlockRule"/>), so a result never depends on how the flat vector is cut. The built-in rules, their order
/// of operations and their defaults are PyTorch's (<c>torch.optim</c>); a plug-in's rule derives from
/// <see cref="CustomOptimizer"/>, or is made by <see cref="ByBlocks"/>.
/// </summary>
public abstract class Optimizer
{
    /// <summary>Names the slots.</summary>
    /// <param name="slotNames">At most three.</param>
    private protected Optimizer(params string[] slotNames) => SlotNames = slotNames;

    /// <summary>The names of the vectors that the rule remembers, PyTorch's names; may be empty.</summary>
    public IReadOnlyList<string> SlotNames { get; }

    /// <summary>Makes the rule that a description asks for.</summary>
    /// <exception cref="DistTrainerException">There is no such rule, or a setting is out of its range
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    internal static Optimizer Create(OptimizerDescription description)
    {
        UpdateChecks.Check("optimizer.learning-rate", description.LearningRate, UpdateChecks.Positive);
        return description.Part.Create(description.Settings);
    }

    /// <summary>A rule that works on whole blocks or tensors.</summary>
    /// <param name="rule">The rule.</param>
    public static Optimizer ByBlocks(IBlockRule rule) => new BlockOptimizer(rule);

    /// <summary>The rule that is to be called for each block, with <see cref="GradientAdjustment.Apply"/> before it, in
    /// the place of <see cref="Update"/>; null where the rule works element by element.</summary>
    internal virtual IBlockRule? BlockRule => null;

    /// <summary>Computes, in double, what all elements of one step share.</summary>
    /// <param name="step">The step t, counted from 1.</param>
    /// <param name="rate">Learning rate of the step, ≥ 0.</param>
    internal UpdateContext At(long step, double rate)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        return WithBiasCorrections(new UpdateContext(step, rate, 1, 1));
    }

    /// <summary>Reserves the state for a number of parameters.</summary>
    internal OptimizerState CreateState(int length) => new(SlotNames, length);

    /// <summary>Updates parameters and state in place; allocates nothing.</summary>
    /// <param name="context">The step, from <see cref="At"/>.</param>
    /// <param name="adjustment">What is done to the gradient first.</param>
    /// <param name="gradient">[n], the summed gradient, perhaps as two terms; not changed; may not overlap the
    /// others.</param>
    /// <param name="state">From <see cref="CreateState"/>; elements offset … offset + n − 1 are changed.</param>
    /// <param name="offset">Index of the first parameter in the state.</param>
    /// <param name="parameters">[n], changed in place.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    /// <exception cref="NotSupportedException">There is a <see cref="BlockRule"/>.</exception>
    internal void Update(
        in UpdateContext context, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState state,
        int offset, Span<float> parameters)
    {
        if (gradient.First.Length != parameters.Length
            || (gradient.IsPair && gradient.Second.Length != parameters.Length))
            throw new ArgumentException(
                $"The gradient's terms have {gradient.First.Length} and {gradient.Second.Length} elements; both must "
                + $"have {parameters.Length}, as the parameters.", nameof(gradient));
        if (offset < 0 || offset > state.Length - parameters.Length)
            throw new ArgumentException(
                $"Elements {offset} … {(long)offset + parameters.Length - 1} lie outside the state of {state.Length}.",
                nameof(offset));
        if (state.Names.Count != SlotNames.Count)
            throw new ArgumentException(
                $"The state has {state.Names.Count} slots; this rule needs {SlotNames.Count}.", nameof(state));
        if (!parameters.IsEmpty)
            UpdateChecked(context, adjustment, gradient, state, offset, parameters);
    }

    /// <summary>Fills in the bias corrections where the rule has them; called once a step, in double.</summary>
    /// <param name="context">Step and rate, with corrections of 1.</param>
    protected virtual UpdateContext WithBiasCorrections(UpdateContext context) => context;

    /// <summary>As <see cref="Update"/>, with lengths that fit and n ≥ 1.</summary>
    private protected abstract void UpdateChecked(
        in UpdateContext context, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState state,
        int offset, Span<float> parameters);
}
