using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Schedules;

/// <summary>
/// m + (r − m) · (1 + cos(π k / K)) / 2: half a cosine from the full rate to the minimum over the whole run behind the
/// warm-up (Loshchilov and Hutter 2017). It stays at the minimum beyond. A minimum above r counts as r.
/// </summary>
internal static class CosineSchedule
{
    /// <summary>m; reduce-on-plateau has it too.</summary>
    public static readonly Setting<float> Minimum = Setting.Number(
        "minimum-rate", "Never below this learning rate", 0, 0);

    /// <summary>The part.</summary>
    public static SchedulePart Part { get; } = new("cosine", Create, Minimum);

    private static Func<SchedulePoint, double> Create(PartSettings settings)
    {
        double least = ScalarMath.AsWritten(settings.Get(Minimum));
        return point => Rate(point, Math.Min(least, point.FullRate));
    }

    private static double Rate(SchedulePoint point, double minimum) => point.Step >= point.Steps
        ? minimum
        : minimum + (point.FullRate - minimum) * (1 + ScalarMath.CosPi((double)point.Step / point.Steps)) / 2;
}
