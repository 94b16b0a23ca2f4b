using DistTrainer.Engine.Data;
using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Layers.Activations;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Models;

/// <summary>An initializer and its settings: how a tensor gets its first values.</summary>
/// <param name="Kind">The rule's name; see <see cref="PluginRegistry.Initializers"/>.</param>
public sealed record InitializerDescription(string Kind)
{
    /// <summary>A rule with a scale of its own.</summary>
    /// <param name="kind">The rule's name.</param>
    /// <param name="scale">Gain of the rule; the value for <c>constant</c>, half-width or deviation for
    /// <c>random-uniform</c> and <c>random-normal</c>.</param>
    public InitializerDescription(string kind, float scale)
        : this(kind) => Settings = PartSettings.Of(("scale", scale));

    /// <summary>The rule's settings.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;
}

/// <summary>One layer of the job file with what follows it: an activation and dropout.</summary>
public sealed record LayerDescription
{
    /// <summary>The layer's name; see <see cref="PluginRegistry.Layers"/>.</summary>
    public string Kind { get; init; } = DenseLayer.Part.Name;

    /// <summary>Number of output units; null in the last layer, where the data decide, and in a layer that decides
    /// itself.</summary>
    public int? Units { get; init; }

    /// <summary>The name of the function of the outputs; see <see cref="PluginRegistry.Activations"/>.</summary>
    public string Activation { get; init; } = IdentityFunction.Part.Name;

    /// <summary>Settings of the layer and of the activation.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>How the weights get their first values.</summary>
    public InitializerDescription WeightInitializer { get; init; } = new(UniformInitializer.Xavier.Name);

    /// <summary>How the biases get their first values.</summary>
    public InitializerDescription BiasInitializer { get; init; } = new(ConstantInitializer.Zeros.Name);

    /// <summary>Whether the layer has biases.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>Probability in [0, 1) that an output is dropped in training; 0 leaves the dropout module out.</summary>
    public float Dropout { get; init; }
}

/// <summary>A loss and its settings.</summary>
public sealed record LossDescription
{
    /// <summary>The loss's name; see <see cref="PluginRegistry.Losses"/>.</summary>
    public string Kind { get; init; } = CrossEntropyLoss.Part.Name;

    /// <summary>The loss's settings.</summary>
    public PartSettings Settings { get; init; } = PartSettings.None;

    /// <summary>What the targets mean to the loss.</summary>
    /// <exception cref="DistTrainerException">There is no such loss
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public TaskKind Task => PluginRegistry.Shared.Losses[Kind].Task;

    /// <summary>A loss with settings, e.g. <c>Of("huber", ("huber-delta", 0.5f))</c>.</summary>
    /// <param name="kind">The loss's name.</param>
    /// <param name="settings">Names and values; see <see cref="PartSettings.Of"/>.</param>
    public static LossDescription Of(string kind, params ReadOnlySpan<(string Name, object Value)> settings) =>
        new() { Kind = kind, Settings = PartSettings.Of(settings) };

    /// <summary>Makes the loss.</summary>
    /// <exception cref="DistTrainerException">There is no such loss, or a setting is wrong
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public ILoss Create() => PluginRegistry.Shared.Losses[Kind].Create(Settings);
}

/// <summary>A feed-forward network: its layers from inputs to outputs, and the loss.</summary>
public sealed record ModelDescription
{
    /// <summary>The most members of a network.</summary>
    internal const int MostMembers = 64;

    /// <summary>The layers from the inputs on.</summary>
    public required IReadOnlyList<LayerDescription> Layers { get; init; }

    /// <summary>What is minimized.</summary>
    public LossDescription Loss { get; init; } = new();

    /// <summary>
    /// Independent copies of the layers, 1 to 64, each with first values and dropout of its own. Each is trained on its
    /// own loss, all on the same batches; the mean of their outputs, before softmax or sigmoid, is predicted and
    /// evaluated.
    /// </summary>
    public int Members { get; init; } = 1;
}
