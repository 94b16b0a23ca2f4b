using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// Adam (Kingma and Ba 2015) and AMSGrad (Reddi et al. 2018), in PyTorch's form:
/// <code>
/// m = β₁ m + (1 − β₁) g
/// v = β₂ v + (1 − β₂) g²       u = max(u, v) with AMSGrad, else u = v
/// p = p − rate / (1 − β₁ᵗ) · m / (√u / √(1 − β₂ᵗ) + ε)
/// </code>
/// AdamW (Loshchilov and Hutter 2019) is the same rule; its decay comes from
/// <see cref="RegularizationDescription.DecoupledWeightDecay"/> (0.01 where none is set) and is applied before. As in
/// PyTorch, AMSGrad keeps the maximum of v before bias correction. Deviation: √u is multiplied by the rounded 1 / √(1 −
/// β₂ᵗ) instead of divided (1 ulp).
/// </summary>
internal sealed class AdamOptimizer : Optimizer
{
    /// <summary>ε; RMSprop has it too.</summary>
    public static readonly Setting<float> Epsilon = Setting.Number(
        "epsilon", "Added to the denominator", 1e-8f, 0, float.MaxValue, "(");

    private static readonly Setting<float> s_beta1 = Setting.Number(
        "beta1", "Decay of the first moment", 0.9f, 0, 1, ")");
    private static readonly Setting<float> s_beta2 = Setting.Number(
        "beta2", "Decay of the second moment", 0.999f, 0, 1, ")");
    private static readonly Setting<bool> s_amsGrad = Setting.Flag("ams-grad", "Use the largest second moment so far");

    /// <summary>Adam.</summary>
    public static OptimizerPart Part { get; } = new("adam", Create, s_beta1, s_beta2, Epsilon, s_amsGrad);

    /// <summary>AdamW.</summary>
    public static OptimizerPart DecoupledPart { get; } = new("adamw", Create, s_beta1, s_beta2, Epsilon, s_amsGrad)
    {
        DecoupledWeightDecay = 0.01f, // as in PyTorch
    };

    private readonly double _beta1;
    private readonly double _beta2;
    private readonly float _epsilon;

    /// <summary>Takes the checked settings.</summary>
    private AdamOptimizer(PartSettings settings)
        : base(settings.Get(s_amsGrad) ? ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] : ["exp_avg", "exp_avg_sq"])
    {
        _beta1 = ScalarMath.AsWritten(settings.Get(s_beta1));
        _beta2 = ScalarMath.AsWritten(settings.Get(s_beta2));
        _epsilon = settings.Get(Epsilon);
    }

    private static AdamOptimizer Create(PartSettings settings) => new(settings);

    protected override UpdateContext WithBiasCorrections(UpdateContext context) => context with
    {
        BiasCorrection1 = 1 - ScalarMath.Power(_beta1, context.Step),
        BiasCorrection2 = 1 - ScalarMath.Power(_beta2, context.Step),
    };

    private protected override void UpdateChecked(
        in UpdateContext context, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState state,
        int offset, Span<float> parameters)
    {
        float size = (float)(context.Rate / context.BiasCorrection1);
        float correction = (float)(1 / Math.Sqrt(context.BiasCorrection2));
        if (SlotNames.Count == 3)
            ElementwiseUpdate.Run(
                new Rule<On>(_beta1, _beta2, _epsilon, size, correction), adjustment, gradient, state,
                offset, parameters);
        else
            ElementwiseUpdate.Run(
                new Rule<Off>(_beta1, _beta2, _epsilon, size, correction), adjustment, gradient, state,
                offset, parameters);
    }

    private readonly struct Rule<TAmsGrad>(double beta1, double beta2, float epsilon, float size, float correction)
        : IUpdateRule
        where TAmsGrad : struct, IFlag
    {
        private readonly float _beta1 = (float)beta1;
        private readonly float _input1 = (float)(1 - beta1);
        private readonly float _beta2 = (float)beta2;
        private readonly float _input2 = (float)(1 - beta2);
        private readonly float _epsilon = epsilon;
        private readonly float _minusSize = -size;
        private readonly float _correction = correction;

        public static int SlotCount
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => TAmsGrad.IsOn ? 3 : 2;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Apply(
            Vector256<float> parameter, Vector256<float> gradient,
            ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2)
        {
            slot0 = Vector256.FusedMultiplyAdd(Vector256.Create(_beta1), slot0, gradient * _input1);
            slot1 = Vector256.FusedMultiplyAdd(Vector256.Create(_beta2), slot1, gradient * gradient * _input2);
            Vector256<float> second = slot1;
            if (TAmsGrad.IsOn)
                second = slot2 = Vector256.ConditionalSelect(Vector256.GreaterThan(slot1, slot2), slot1, slot2);
            Vector256<float> denominator = Vector256.FusedMultiplyAdd(
                Vector256.Sqrt(second), Vector256.Create(_correction), Vector256.Create(_epsilon));
            return Vector256.FusedMultiplyAdd(Vector256.Create(_minusSize), slot0 / denominator, parameter);
        }
    }
}
