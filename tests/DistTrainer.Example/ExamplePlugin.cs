using DistTrainer.Engine;

namespace DistTrainer.Example;

/// <summary>Names what this assembly brings; <c>saddle.conf</c> uses it.</summary>
public sealed class ExamplePlugin : IDistTrainerPlugin
{
    /// <inheritdoc/>
    public void Register(PluginRegistry registry)
    {
        registry.AddActivation("softsign", (features, settings) => new Softsign(features, settings.Number("sharpness", 1, 0, 100)));
        registry.AddLayer("scale", (inputs, _, _, _) => new ScaleLayer(inputs));
        registry.AddLoss("pseudo-huber", TaskKind.Regression, settings => new PseudoHuberLoss(settings.Number("delta", 1, 1e-3f, 1e3f)));
        registry.Add(LionOptimizer.Part);
        registry.Add(LambOptimizer.Part);
        registry.AddSource("saddle", settings => Saddle.Read(settings.Whole("samples", 1000, 10, 1_000_000)));
    }
}
