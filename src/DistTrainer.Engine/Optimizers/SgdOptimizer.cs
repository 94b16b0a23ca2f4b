using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Optimizers;

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
    /// <summary>Momentum μ; RMSprop has it too.</summary>
    public static readonly Setting<float> Momentum = Setting.Number("momentum", "Momentum", 0, 0, 1, ")");

    private static readonly Setting<float> s_dampening = Setting.Number(
        "dampening", "Dampening of the momentum buffer's input", 0, 0, 1);
    private static readonly Setting<bool> s_nesterov = Setting.Flag(
        "nesterov", "Look-ahead momentum; needs momentum above 0 and dampening 0");

    /// <summary>The part.</summary>
    public static OptimizerPart Part { get; } = new(
        "sgd", settings => new SgdOptimizer(settings), Momentum, s_dampening, s_nesterov)
    {
        Problems = ProblemsOf,
    };

    private readonly float _momentum;
    private readonly float _input;
    private readonly bool _nesterov;

    /// <summary>Takes the checked settings.</summary>
    private SgdOptimizer(PartSettings settings)
        : base(settings.Get(Momentum) > 0 ? ["momentum_buffer"] : [])
    {
        _momentum = settings.Get(Momentum);
        _input = (float)(1 - ScalarMath.AsWritten(settings.Get(s_dampening)));
        _nesterov = settings.Get(s_nesterov);
    }

    private static IEnumerable<(string Setting, string What)> ProblemsOf(PartSettings settings)
    {
        bool hasMomentum = settings.Get(Momentum) > 0, dampens = settings.Get(s_dampening) != 0;
        if (settings.Get(s_nesterov) && !hasMomentum)
            yield return (s_nesterov.Name, "= true needs optimizer.momentum above 0");
        if (settings.Get(s_nesterov) && dampens)
            yield return (s_nesterov.Name, "= true needs optimizer.dampening = 0");
        if (dampens && !hasMomentum)
            yield return (s_dampening.Name, "has no effect without optimizer.momentum above 0");
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
            ElementwiseUpdate.Run(
                new MomentumRule<On>(rate, _momentum, input), adjustment, gradient, state, offset, parameters);
        else
            ElementwiseUpdate.Run(
                new MomentumRule<Off>(rate, _momentum, input), adjustment, gradient, state, offset, parameters);
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
