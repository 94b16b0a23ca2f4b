using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Optimizers;

/// <summary>An optimizer and its settings, with PyTorch's meanings and defaults.</summary>
public sealed record OptimizerDescription
{
    private readonly float? _learningRate;

    /// <summary>The name of the rule; see <see cref="PluginRegistry.Optimizers"/>.</summary>
    public string Kind { get; init; } = AdamOptimizer.Part.Name;

    /// <summary>The rule's settings.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>Learning rate at full height, before the schedule; &gt; 0. Where none is set it is the
    /// rule's.</summary>
    /// <exception cref="DistTrainerException">None is set, and there is no such rule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public float LearningRate
    {
        get => _learningRate ?? Part.LearningRate;
        init => _learningRate = value;
    }

    /// <summary>The rule.</summary>
    /// <exception cref="DistTrainerException">There is no such rule
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    internal OptimizerPart Part => PluginRegistry.Shared.Optimizers[Kind];

    /// <summary>A rule with settings, e.g. <c>Of("sgd", ("momentum", 0.9f))</c>.</summary>
    /// <param name="kind">The rule's name.</param>
    /// <param name="settings">Names and values; see <see cref="PartSettings.Of"/>.</param>
    public static OptimizerDescription Of(string kind, params ReadOnlySpan<(string Name, object Value)> settings) =>
        new() { Kind = kind, Settings = PartSettings.Of(settings) };
}
