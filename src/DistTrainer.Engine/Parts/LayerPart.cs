using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;

namespace DistTrainer.Engine.Parts;

/// <summary>Where a layer is to stand.</summary>
/// <param name="Input">What comes in.</param>
/// <param name="Units">Features that must go out: the section's <c>units</c>, or in the last layer the data's outputs;
/// null: the layer decides.</param>
/// <param name="Description">The layer's section, e.g. with the initializers.</param>
public sealed record LayerSite(Shape Input, int? Units, LayerDescription Description);

/// <summary>A layer that a job names by <c>kind</c> in a section of <c>model.layers</c>.</summary>
/// <param name="name">Its name.</param>
/// <param name="create">Makes it for its place from its settings, which are checked; called once a run on each
/// node, for each of the network's members.</param>
/// <param name="settings">Its settings.</param>
public sealed class LayerPart(
    string name, Func<LayerSite, PartSettings, ILayer> create, params IReadOnlyList<Setting> settings)
    : Part(name, settings)
{
    /// <summary>Whether <c>units</c> must be given, but in the last layer.</summary>
    public bool NeedsUnits { get; init; }

    /// <summary>Makes the layer. The settings are not checked: they may be shared with the activation behind
    /// it.</summary>
    /// <param name="site">Where it is to stand.</param>
    /// <param name="settings">Its settings.</param>
    internal ILayer Create(LayerSite site, PartSettings settings) => create(site, settings);
}
