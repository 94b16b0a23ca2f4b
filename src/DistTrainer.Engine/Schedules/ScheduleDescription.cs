using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Schedules;

/// <summary>
/// A learning-rate schedule, with a linear warm-up before any of them. Epochs are counted from 0, as PyTorch does.
/// </summary>
public sealed record ScheduleDescription
{
    /// <summary>The schedule's name; see <see cref="PluginRegistry.Schedules"/>.</summary>
    public string Kind { get; init; } = ConstantSchedule.Part.Name;

    /// <summary>The schedule's settings.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>Steps over which the rate rises linearly from rate/n to the full rate; 0 is none.</summary>
    public int WarmUpSteps { get; init; }

    /// <summary>Whether the schedule goes by the validation loss.</summary>
    /// <exception cref="DistTrainerException">There is no such schedule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public bool WatchesValidation => Part.Tracker is not null;

    /// <summary>The schedule.</summary>
    /// <exception cref="DistTrainerException">There is no such schedule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    internal SchedulePart Part => PluginRegistry.Shared.Schedules[Kind];

    /// <summary>A schedule with settings, e.g. <c>Of("step", ("gamma", 0.5f))</c>.</summary>
    /// <param name="kind">The schedule's name.</param>
    /// <param name="settings">Names and values; see <see cref="PartSettings.Of"/>.</param>
    public static ScheduleDescription Of(string kind, params ReadOnlySpan<(string Name, object Value)> settings) =>
        new() { Kind = kind, Settings = PartSettings.Of(settings) };

    /// <summary>Makes what watches the validation loss; null where the schedule does not go by it.</summary>
    /// <exception cref="DistTrainerException">There is no such schedule, or a setting is wrong
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public PlateauTracker? CreateTracker()
    {
        Part.Check(Settings, "schedule");
        return Part.Tracker?.Invoke(Settings);
    }
}
