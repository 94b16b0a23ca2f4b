using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Schedules;

/// <summary>max(r · factor, m): times gamma when the validation loss has not improved for some epochs
/// (<see cref="PlateauTracker"/>).</summary>
internal static class PlateauSchedule
{
    private static readonly Setting<int> s_patience = Setting.Whole(
        "patience", "Epochs without improvement to wait", 10, 0);
    private static readonly Setting<float> s_threshold = Setting.Number(
        "threshold", "Relative improvement that counts", 1e-4f, 0);

    /// <summary>The part.</summary>
    public static SchedulePart Part { get; } = new(
        "reduce-on-plateau", Create, StepSchedule.Gamma, CosineSchedule.Minimum, s_patience, s_threshold)
    {
        Aliases = ["plateau"],
        Tracker = settings =>
            new PlateauTracker(settings.Get(StepSchedule.Gamma), settings.Get(s_threshold), settings.Get(s_patience)),
    };

    private static Func<SchedulePoint, double> Create(PartSettings settings)
    {
        double minimum = ScalarMath.AsWritten(settings.Get(CosineSchedule.Minimum));
        return point => Math.Max(point.FullRate * point.PlateauFactor, Math.Min(minimum, point.FullRate));
    }
}
