using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;

namespace DistTrainer.Engine.Parts;

/// <summary>A loss that a job names by <c>model.loss.kind</c>.</summary>
/// <param name="name">Its name.</param>
/// <param name="task">What the targets mean to it; not <see cref="TaskKind.Auto"/>.</param>
/// <param name="create">Makes it from its settings, which are checked; called once a run on each node.</param>
/// <param name="settings">Its settings.</param>
public sealed class LossPart(
    string name, TaskKind task, Func<PartSettings, ILoss> create, params IReadOnlyList<Setting> settings)
    : Part(name, settings)
{
    /// <summary>What the targets mean to it.</summary>
    public TaskKind Task { get; } = task != TaskKind.Auto ? task
        : throw new ArgumentOutOfRangeException(
            nameof(task), task,
            $"The loss {name} must say what its targets mean: classification, binary or regression.");

    /// <summary>Whether softmax or sigmoid behind the last layer belongs to it, so that the last layer has
    /// none.</summary>
    public bool HasOutputFunction { get; init; }

    /// <summary>Makes the loss.</summary>
    /// <param name="settings">Its settings.</param>
    /// <exception cref="DistTrainerException">One is wrong (<see cref="FailureKind.Configuration"/>).</exception>
    internal ILoss Create(PartSettings settings)
    {
        Check(settings, "model.loss");
        return create(settings);
    }
}
