using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Example;

/// <summary>Names what this assembly brings; <c>saddle.conf</c> uses it.</summary>
public sealed class ExamplePlugin : IDistTrainerPlugin
{
    /// <inheritdoc/>
    public void Register(PluginRegistry registry)
    {
        registry.Add(Softsign.Part);
        registry.Add(new LayerPart("scale", (site, _) => new ScaleLayer(site.Input.Features)));
        registry.Add(PseudoHuberLoss.Part);
        registry.Add(LionOptimizer.Part);
        registry.Add(LambOptimizer.Part);
        registry.Add(Saddle.Part);
    }
}
