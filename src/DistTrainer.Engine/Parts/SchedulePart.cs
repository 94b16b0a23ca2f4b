using DistTrainer.Engine.Schedules;

namespace DistTrainer.Engine.Parts;

/// <summary>A step behind the warm-up, as a schedule sees it.</summary>
/// <param name="FullRate">Learning rate at full height, &gt; 0.</param>
/// <param name="Epoch">The step's epoch, counted from 0 at the start of the run.</param>
/// <param name="Step">The step, counted from 0 behind the warm-up.</param>
/// <param name="Steps">Steps of the whole run behind the warm-up.</param>
/// <param name="PlateauFactor"><see cref="PlateauTracker.Factor"/>; 1 where the schedule has no tracker.</param>
public readonly record struct SchedulePoint(double FullRate, long Epoch, long Step, long Steps, double PlateauFactor);

/// <summary>A learning-rate schedule that a job names by <c>schedule.kind</c>.</summary>
/// <param name="name">Its name.</param>
/// <param name="create">Makes, from its settings, which are checked, a pure function that gives a step's learning rate,
/// ≥ 0; without library functions, so that it is the same on every platform.</param>
/// <param name="settings">Its settings.</param>
public sealed class SchedulePart(
    string name, Func<PartSettings, Func<SchedulePoint, double>> create, params IReadOnlyList<Setting> settings)
    : Part(name, settings)
{
    /// <summary>Makes what watches the validation loss, from the settings; null: the schedule does not go by
    /// it.</summary>
    public Func<PartSettings, PlateauTracker>? Tracker { get; init; }

    /// <summary>Makes the function.</summary>
    /// <param name="settings">The settings.</param>
    /// <exception cref="DistTrainerException">One is wrong (<see cref="FailureKind.Configuration"/>).</exception>
    internal Func<SchedulePoint, double> Create(PartSettings settings)
    {
        Check(settings, "schedule");
        return create(settings);
    }
}
