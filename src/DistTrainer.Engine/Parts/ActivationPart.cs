using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Parts;

/// <summary>An activation that a job names by <c>activation</c> in a section of <c>model.layers</c>.</summary>
/// <param name="name">Its name.</param>
/// <param name="create">Makes the layer, with as many features out as in and no parameters, from the number of features
/// (≥ 1) and its settings, which are checked; called once a run on each node.</param>
/// <param name="settings">Its settings.</param>
public sealed class ActivationPart(
    string name, Func<int, PartSettings, ILayer> create, params IReadOnlyList<Setting> settings)
    : Part(name, settings)
{
    /// <summary>Whether it changes nothing, so that a network has no module for it.</summary>
    internal bool IsIdentity { get; init; }

    /// <summary>Makes the layer. The settings are not checked: they may be shared with the layer before it.</summary>
    /// <param name="features">Features that come in and go out, ≥ 1.</param>
    /// <param name="settings">Its settings.</param>
    internal ILayer Create(int features, PartSettings settings) => create(features, settings);
}
