using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Schedules;

/// <summary>r · γ^e: times gamma every epoch.</summary>
internal static class ExponentialSchedule
{
    /// <summary>The part.</summary>
    public static SchedulePart Part { get; } = new("exponential", Create, StepSchedule.Gamma);

    private static Func<SchedulePoint, double> Create(PartSettings settings)
    {
        double gamma = ScalarMath.AsWritten(settings.Get(StepSchedule.Gamma));
        return point => point.FullRate * ScalarMath.Power(gamma, point.Epoch);
    }
}
