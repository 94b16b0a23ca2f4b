namespace DistTrainer.Engine;

/// <summary>
/// What an assembly brings beside the built-in layers, activations, losses, optimizers and data sources. A plug-in's file has
/// exactly one public class of this kind, with a constructor without arguments.
/// </summary>
public interface IDistTrainerPlugin
{
    /// <summary>Names what the plug-in brings. Called once a process, when the plug-in is loaded.</summary>
    /// <param name="registry">Takes the names.</param>
    void Register(PluginRegistry registry);
}

/// <summary>A kind of part that a plug-in may bring.</summary>
public enum PluginPart
{
    /// <summary>A layer, named by <c>kind</c> of a section of <c>model.layers</c>.</summary>
    Layer,

    /// <summary>An activation, named by <c>activation</c> of a section of <c>model.layers</c>.</summary>
    Activation,

    /// <summary>A loss, named by <c>model.loss.kind</c>.</summary>
    Loss,

    /// <summary>A data source, named by <c>data.source</c>.</summary>
    Source,
}

/// <summary>Makes a layer.</summary>
/// <param name="inputs">Features that come in, ≥ 1.</param>
/// <param name="units">Features that must go out, ≥ 1: the section's <c>units</c>; where it has none, the data's outputs in the last layer, else <paramref name="inputs"/>.</param>
/// <param name="description">The layer's section, with the initializers.</param>
/// <param name="settings">The section's <c>settings</c>.</param>
public delegate ILayer LayerFactory(int inputs, int units, LayerDescription description, PluginSettings settings);

/// <summary>Makes an activation: a layer without parameters and with as many features out as in.</summary>
/// <param name="features">Features, ≥ 1.</param>
/// <param name="settings">The section's <c>settings</c>.</param>
public delegate ILayer ActivationFactory(int features, PluginSettings settings);

/// <summary>Makes a loss.</summary>
/// <param name="settings">The section's <c>settings</c>.</param>
public delegate ILoss LossFactory(PluginSettings settings);

/// <summary>
/// Reads or makes all samples of a source, in an order that is always the same: each node calls it for itself, and nodes
/// whose data differ by a bit are refused.
/// </summary>
/// <param name="settings">The section's <c>settings</c>.</param>
public delegate SampleTable SourceFactory(PluginSettings settings);
