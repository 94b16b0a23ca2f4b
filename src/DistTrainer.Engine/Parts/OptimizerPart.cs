using DistTrainer.Engine.Optimizers;

namespace DistTrainer.Engine.Parts;

/// <summary>An update rule that a job names by <c>optimizer.kind</c>.</summary>
/// <param name="name">Its name.</param>
/// <param name="create">Makes the rule from its settings, which are checked; called for each parameter shard.</param>
/// <param name="settings">Its settings.</param>
public sealed class OptimizerPart(
    string name, Func<PartSettings, Optimizer> create, params IReadOnlyList<Setting> settings)
    : Part(name, settings)
{
    /// <summary>The learning rate where none is set; &gt; 0.</summary>
    public float LearningRate { get; init; } = 1e-3f;

    /// <summary>The decoupled weight decay where none is set; ≥ 0.</summary>
    public float DecoupledWeightDecay { get; init; }

    /// <summary>Makes the rule.</summary>
    /// <param name="settings">Its settings.</param>
    /// <exception cref="DistTrainerException">One is wrong (<see cref="FailureKind.Configuration"/>).</exception>
    internal Optimizer Create(PartSettings settings)
    {
        Check(settings, "optimizer");
        return create(settings);
    }
}
