using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Schedules;

/// <summary>No change.</summary>
internal static class ConstantSchedule
{
    /// <summary>The part.</summary>
    public static SchedulePart Part { get; } = new("constant", _ => point => point.FullRate);
}
