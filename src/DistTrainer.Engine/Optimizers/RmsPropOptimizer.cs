using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// RMSprop (Hinton 2012), centered (Graves 2013), with momentum μ, in PyTorch's form:
/// <code>
/// v = α v + (1 − α) g²
/// d = √v + ε                   centered: a = α a + (1 − α) g,  d = √max(0, v − a²) + ε
/// p = p − rate · g / d         with momentum: b = μ b + g / d,  p = p − rate · b
/// </code>
/// Deviation: PyTorch has no max(0, ·) and gives NaN where rounding makes v − a² negative.
/// </summary>
internal sealed class RmsPropOptimizer : Optimizer
{
    private static readonly Setting<float> s_alpha = Setting.Number(
        "alpha", "Decay of the squared-gradient average", 0.99f, 0, 1, ")");
    private static readonly Setting<bool> s_centered = Setting.Flag("centered", "Subtract the squared mean gradient");

    /// <summary>The part.</summary>
    public static OptimizerPart Part { get; } = new(
        "rmsprop", settings =>
            new RmsPropOptimizer(settings), SgdOptimizer.Momentum, AdamOptimizer.Epsilon, s_alpha, s_centered)
    {
        LearningRate = 1e-2f,
    };

    private readonly double _alpha;
    private readonly float _epsilon;
    private readonly float _momentum;
    private readonly bool _centered;

    /// <summary>Takes the checked settings.</summary>
    private RmsPropOptimizer(PartSettings settings)
        : base(Slots(settings))
    {
        _alpha = ScalarMath.AsWritten(settings.Get(s_alpha));
        _epsilon = settings.Get(AdamOptimizer.Epsilon);
        _momentum = settings.Get(SgdOptimizer.Momentum);
        _centered = settings.Get(s_centered);
    }

    private protected override void UpdateChecked(
        in UpdateContext context, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState state,
        int offset, Span<float> parameters)
    {
        var scalars = new Scalars((float)context.Rate, _alpha, _epsilon, _momentum);
        if (_centered && _momentum > 0)
            ElementwiseUpdate.Run(new Rule<On, On>(scalars), adjustment, gradient, state, offset, parameters);
        else if (_centered)
            ElementwiseUpdate.Run(new Rule<On, Off>(scalars), adjustment, gradient, state, offset, parameters);
        else if (_momentum > 0)
            ElementwiseUpdate.Run(new Rule<Off, On>(scalars), adjustment, gradient, state, offset, parameters);
        else
            ElementwiseUpdate.Run(new Rule<Off, Off>(scalars), adjustment, gradient, state, offset, parameters);
    }

    private static string[] Slots(PartSettings settings)
    {
        var names = new List<string> { "square_avg" };
        if (settings.Get(s_centered))
            names.Add("grad_avg");
        if (settings.Get(SgdOptimizer.Momentum) > 0)
            names.Add("momentum_buffer");
        return [.. names];
    }

    private readonly struct Scalars(float rate, double alpha, float epsilon, float momentum)
    {
        public readonly float MinusRate = -rate;
        public readonly float Alpha = (float)alpha;
        public readonly float Input = (float)(1 - alpha);
        public readonly float Epsilon = epsilon;
        public readonly float Momentum = momentum;
    }

    private readonly struct Rule<TCentered, TMomentum>(Scalars scalars) : IUpdateRule
        where TCentered : struct, IFlag
        where TMomentum : struct, IFlag
    {
        private readonly Scalars _scalars = scalars;

        public static int SlotCount
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => 1 + (TCentered.IsOn ? 1 : 0) + (TMomentum.IsOn ? 1 : 0);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Apply(
            Vector256<float> parameter, Vector256<float> gradient,
            ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2)
        {
            Vector256<float> alpha = Vector256.Create(_scalars.Alpha);
            slot0 = Vector256.FusedMultiplyAdd(alpha, slot0, gradient * gradient * _scalars.Input);
            Vector256<float> second = slot0;
            if (TCentered.IsOn)
            {
                slot1 = Vector256.FusedMultiplyAdd(alpha, slot1, gradient * _scalars.Input);
                second = Vector256.FusedMultiplyAdd(-slot1, slot1, slot0);
                second = Vector256.ConditionalSelect(
                    Vector256.GreaterThan(second, Vector256<float>.Zero), second, Vector256<float>.Zero);
            }
            Vector256<float> direction = gradient / (Vector256.Sqrt(second) + Vector256.Create(_scalars.Epsilon));
            if (TMomentum.IsOn)
            {
                ref Vector256<float> buffer = ref TCentered.IsOn ? ref slot2 : ref slot1;
                direction = buffer = Vector256.FusedMultiplyAdd(Vector256.Create(_scalars.Momentum), buffer, direction);
            }
            return Vector256.FusedMultiplyAdd(Vector256.Create(_scalars.MinusRate), direction, parameter);
        }
    }
}
