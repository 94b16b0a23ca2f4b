using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// A rule for eight elements at once; a struct, so that each one gets a loop of its own with the rule inlined.
/// </summary>
internal interface IUpdateRule
{
    /// <summary>Slots in use, 0 … 3; the others are never touched.</summary>
    static abstract int SlotCount { get; }

    /// <summary>Returns the new parameters and changes the slots in use.</summary>
    Vector256<float> Apply(
        Vector256<float> parameter, Vector256<float> gradient,
        ref Vector256<float> slot0, ref Vector256<float> slot1, ref Vector256<float> slot2);
}

/// <summary>An option that is known when a loop is compiled.</summary>
internal interface IFlag
{
    /// <summary>Whether it is on.</summary>
    static abstract bool IsOn { get; }
}

/// <summary>An option that is on.</summary>
internal readonly struct On : IFlag
{
    /// <inheritdoc/>
    public static bool IsOn => true;
}

/// <summary>An option that is off.</summary>
internal readonly struct Off : IFlag
{
    /// <inheritdoc/>
    public static bool IsOn => false;
}

/// <summary>
/// The one loop behind all optimizers: loads, adjusts the gradient, applies the rule, stores; limited by memory
/// bandwidth. The last n % 8 elements are copied into full vectors and go through the same code, so that an element's
/// bits do not depend on its place.
/// </summary>
internal static class ElementwiseUpdate
{
    private const float SmallestNormal = 1.17549435e-38f; // 2⁻¹²⁶

    /// <summary>
    /// Updates n ≥ 1 elements; see <see cref="Optimizer.Update"/> for the shapes. A rule without slots needs no state.
    /// </summary>
    public static void Run<TRule>(
        in TRule rule, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState? state, int offset,
        Span<float> parameters)
        where TRule : struct, IUpdateRule
    {
        if (adjustment.IsScaleOnly && gradient.IsPair)
            Loop<TRule, Off, On>(rule, adjustment, gradient, state, offset, parameters);
        else if (adjustment.IsScaleOnly)
            Loop<TRule, Off, Off>(rule, adjustment, gradient, state, offset, parameters);
        else if (gradient.IsPair)
            Loop<TRule, On, On>(rule, adjustment, gradient, state, offset, parameters);
        else
            Loop<TRule, On, Off>(rule, adjustment, gradient, state, offset, parameters);
    }

    /// <summary>The adjusted gradient alone, and the decay; see <see cref="GradientAdjustment.Apply"/>.</summary>
    public static void Adjust(
        in GradientAdjustment adjustment, GradientTerms gradient, Span<float> parameters, Span<float> adjusted)
    {
        Span<float> tail = stackalloc float[3 * 8];
        for (int i = 0; i < parameters.Length; i += 8)
        {
            int count = Math.Min(8, parameters.Length - i);
            tail.Clear();
            gradient.First.Slice(i, count).CopyTo(tail);
            if (gradient.IsPair)
                gradient.Second.Slice(i, count).CopyTo(tail[8..]);
            parameters.Slice(i, count).CopyTo(tail[16..]);
            Vector256<float> sum = Vector256.Create<float>(tail);
            if (gradient.IsPair)
                sum += Vector256.Create<float>(tail[8..]);
            sum *= adjustment.Scale;
            Vector256<float> parameter = Vector256.Create<float>(tail[16..]);
            if (!adjustment.IsScaleOnly)
                Adjust(adjustment, ref sum, ref parameter);
            sum.CopyTo(tail);
            parameter.CopyTo(tail[16..]);
            tail[..count].CopyTo(adjusted[i..]);
            tail.Slice(16, count).CopyTo(parameters[i..]);
        }
    }

    private static void Loop<TRule, TAdjust, TPair>(
        TRule rule, GradientAdjustment adjustment, GradientTerms gradient, OptimizerState? state, int offset,
        Span<float> parameters)
        where TRule : struct, IUpdateRule
        where TAdjust : struct, IFlag
        where TPair : struct, IFlag
    {
        ref float p = ref MemoryMarshal.GetReference(parameters);
        ref float g = ref MemoryMarshal.GetReference(gradient.First);
        ref float h = ref MemoryMarshal.GetReference(gradient.Second);
        ref float s0 = ref TRule.SlotCount > 0 ? ref state!.Slot(0)[offset] : ref p;
        ref float s1 = ref TRule.SlotCount > 1 ? ref state!.Slot(1)[offset] : ref p;
        ref float s2 = ref TRule.SlotCount > 2 ? ref state!.Slot(2)[offset] : ref p;
        int whole = parameters.Length & ~7;
        for (nuint i = 0; i < (nuint)whole; i += 8)
            Eight<TRule, TAdjust, TPair>(rule, adjustment, ref g, ref h, ref s0, ref s1, ref s2, ref p, i);
        if (whole < parameters.Length)
            Tail<TRule, TAdjust, TPair>(rule, adjustment, gradient, state, offset, parameters, whole);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Tail<TRule, TAdjust, TPair>(
        in TRule rule, in GradientAdjustment adjustment, GradientTerms gradient, OptimizerState? state, int offset,
        Span<float> parameters, int whole)
        where TRule : struct, IUpdateRule
        where TAdjust : struct, IFlag
        where TPair : struct, IFlag
    {
        Span<float> tail = stackalloc float[6 * 8];
        tail.Clear();
        int rest = parameters.Length - whole;
        gradient.First[whole..].CopyTo(tail);
        if (TPair.IsOn)
            gradient.Second[whole..].CopyTo(tail[40..]);
        parameters[whole..].CopyTo(tail[8..]);
        for (int slot = 0; slot < TRule.SlotCount; slot++)
            state!.Slot(slot).Slice(offset + whole, rest).CopyTo(tail[(16 + 8 * slot)..]);
        Eight<TRule, TAdjust, TPair>(
            rule, adjustment, ref tail[0], ref tail[40], ref tail[16], ref tail[24], ref tail[32], ref tail[8], 0);
        tail.Slice(8, rest).CopyTo(parameters[whole..]);
        for (int slot = 0; slot < TRule.SlotCount; slot++)
            tail.Slice(16 + 8 * slot, rest).CopyTo(state!.Slot(slot)[(offset + whole)..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Eight<TRule, TAdjust, TPair>(
        in TRule rule, in GradientAdjustment adjustment, ref float g, ref float h, ref float s0, ref float s1,
            ref float s2, ref float p, nuint i)
        where TRule : struct, IUpdateRule
        where TAdjust : struct, IFlag
        where TPair : struct, IFlag
    {
        Vector256<float> gradient = Vector256.LoadUnsafe(ref g, i);
        if (TPair.IsOn)
            gradient += Vector256.LoadUnsafe(ref h, i);
        gradient *= adjustment.Scale;
        Vector256<float> parameter = Vector256.LoadUnsafe(ref p, i);
        if (TAdjust.IsOn)
            Adjust(adjustment, ref gradient, ref parameter);
        Vector256<float> slot0 = default, slot1 = default, slot2 = default;
        if (TRule.SlotCount > 0)
            slot0 = Vector256.LoadUnsafe(ref s0, i);
        if (TRule.SlotCount > 1)
            slot1 = Vector256.LoadUnsafe(ref s1, i);
        if (TRule.SlotCount > 2)
            slot2 = Vector256.LoadUnsafe(ref s2, i);
        rule.Apply(parameter, gradient, ref slot0, ref slot1, ref slot2).StoreUnsafe(ref p, i);
        if (TRule.SlotCount > 0)
            Normal(slot0).StoreUnsafe(ref s0, i);
        if (TRule.SlotCount > 1)
            Normal(slot1).StoreUnsafe(ref s1, i);
        if (TRule.SlotCount > 2)
            Normal(slot2).StoreUnsafe(ref s2, i);
    }

    /// <summary>
    /// A slot without subnormal numbers. One that decays would come to the smallest of them and stay there, since 0.9
    /// times it rounds to itself, and each of its steps would take the processor a hundred times as long.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Normal(Vector256<float> slot) =>
        slot & Vector256.GreaterThanOrEqual(Vector256.Abs(slot), Vector256.Create(SmallestNormal));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Adjust(
        in GradientAdjustment adjustment, ref Vector256<float> gradient, ref Vector256<float> parameter)
    {
        Vector256<float> limit = Vector256.Create(adjustment.Limit);
        gradient = Vector256.ConditionalSelect(Vector256.GreaterThan(gradient, limit), limit, gradient);
        gradient = Vector256.ConditionalSelect(Vector256.LessThan(gradient, -limit), -limit, gradient);
        Vector256<float> l1 = Vector256.Create(adjustment.L1);
        Vector256<float> sign = (Vector256.GreaterThan(parameter, Vector256<float>.Zero) & l1)
            - (Vector256.LessThan(parameter, Vector256<float>.Zero) & l1);
        gradient = Vector256.FusedMultiplyAdd(Vector256.Create(adjustment.L2), parameter, gradient) + sign;
        parameter *= adjustment.Decay;
    }
}
