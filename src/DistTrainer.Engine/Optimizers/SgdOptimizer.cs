using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine;

/// <summary>
/// Stochastic gradient descent with momentum μ and dampening τ (Sutskever et al. 2013, in PyTorch's form):
/// <code>
/// b = g                        (first step)
/// b = μ b + (1 − τ) g          (later)
/// p = p − rate · b             p = p − rate · (g + μ b)  with Nesterov
/// </code>
/// Without momentum p = p − rate · g and there is no state.
/// </summary>
internal sealed class SgdOptimizer : Optimizer
{
    private readonly float _momentum;
    private readonly float _input;
    private readonly bool _nesterov;

    /// <summary>Takes the checked options.</summary>
    public SgdOptimizer(OptimizerDescription description)
        : base(description.Momentum > 0 ? ["momentum_buffer"] : [])
    {
        _momentum = description.Momentum;
        _input = (float)(1 - ScalarMath.AsWritten(description.Dampening));
        _nesterov = description.Nesterov;
    }

    private protected override void UpdateChecked(
        in UpdateContext context, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState state,
        int offset, Span<float> parameters)
    {
        float rate = (float)context.Rate;
        float input = context.Step == 1 ? 1 : _input; // the buffer is zero then, so b = g
        if (SlotNames.Count == 0)
            ElementwiseUpdate.Run(new PlainRule(rate), adjustment, gradient, state, offset, parameters);
        else if (_nesterov)
            ElementwiseUpdate.Run(new MomentumRule<On>(rate, _momentum, input), adjustment, gradient, state, offset, parameters);
        else
            ElementwiseUpdate.Run(new MomentumRule<Off>(rate, _momentum, input), adjustment, gradient, state, offset, parameters);
    }

    private readonly struct PlainRule(float rate) : IUpdateRule
    {
        private readonly float _minusRate = -rate;

        public static int SlotCount => 0;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Apply(
            Vector256<float> parameter, Vector256<float> gradient,
            ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2) =>
            Vector256.FusedMultiplyAdd(Vector256.Create(_minusRate), gradient, parameter);
    }

    private readonly struct MomentumRule<TNesterov>(float rate, float momentum, float input) : IUpdateRule
        where TNesterov : struct, IFlag
    {
        private readonly float _minusRate = -rate;
        private readonly float _momentum = momentum;
        private readonly float _input = input;

        public static int SlotCount => 1;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Apply(
            Vector256<float> parameter, Vector256<float> gradient,
            ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2)
        {
            Vector256<float> momentum = Vector256.Create(_momentum);
            slot0 = Vector256.FusedMultiplyAdd(momentum, slot0, gradient * _input);
            Vector256<float> direction = TNesterov.IsOn ? Vector256.FusedMultiplyAdd(momentum, slot0, gradient) : slot0;
            return Vector256.FusedMultiplyAdd(Vector256.Create(_minusRate), direction, parameter);
        }
    }
}
