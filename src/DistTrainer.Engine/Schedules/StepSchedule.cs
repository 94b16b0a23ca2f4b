using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Schedules;

/// <summary>r · γ^⌊e / size⌋: times gamma every so many epochs.</summary>
internal static class StepSchedule
{
    /// <summary>γ; all schedules that reduce have it.</summary>
    public static readonly Setting<float> Gamma = Setting.Number("gamma", "Factor of a reduction", 0.1f, 0, 1, "(");

    private static readonly Setting<int> s_size = Setting.Whole("step-size", "Epochs between reductions", 10, 1);

    /// <summary>The part.</summary>
    public static SchedulePart Part { get; } = new("step", Create, Gamma, s_size);

    private static Func<SchedulePoint, double> Create(PartSettings settings)
    {
        double gamma = ScalarMath.AsWritten(settings.Get(Gamma));
        int size = settings.Get(s_size);
        return point => point.FullRate * ScalarMath.Power(gamma, point.Epoch / size);
    }
}
