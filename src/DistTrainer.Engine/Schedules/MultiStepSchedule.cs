using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Schedules;

/// <summary>r · γ^(milestones ≤ e): times gamma at each of some epochs.</summary>
internal static class MultiStepSchedule
{
    private static readonly Setting<IReadOnlyList<int>> s_milestones = Setting.Wholes(
        "milestones", "Epochs at which to reduce, rising", 1);

    /// <summary>The part.</summary>
    public static SchedulePart Part { get; } = new("multi-step", Create, StepSchedule.Gamma, s_milestones)
    {
        Problems = ProblemsOf,
    };

    private static Func<SchedulePoint, double> Create(PartSettings settings)
    {
        double gamma = ScalarMath.AsWritten(settings.Get(StepSchedule.Gamma));
        IReadOnlyList<int> milestones = settings.Get(s_milestones);
        return point =>
            point.FullRate * ScalarMath.Power(gamma, milestones.Count(milestone => milestone <= point.Epoch));
    }

    private static IEnumerable<(string Setting, string What)> ProblemsOf(PartSettings settings)
    {
        IReadOnlyList<int> milestones = settings.Get(s_milestones);
        if (milestones.Count == 0)
            yield return (s_milestones.Name, "is missing; multi-step needs at least one epoch, e.g. [10, 20]");
        if (milestones.Zip(milestones.Skip(1)).Any(pair => pair.First >= pair.Second))
            yield return (s_milestones.Name, "must rise from each epoch to the next");
    }
}
