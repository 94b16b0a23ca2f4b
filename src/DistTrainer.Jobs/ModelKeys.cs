using DistTrainer.Engine.Models;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using LayerTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Models.LayerDescription>;
using Table = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Models.ModelDescription>;

namespace DistTrainer.Jobs;

/// <summary>The keys of <c>model</c>.</summary>
internal static class ModelKeys
{
    private const int MostUnits = 1_000_000;
    private const int MostLayers = 1_000;

    private static readonly PartKeys<LayerDescription, LayerPart> s_layers = new(
        PluginRegistry.Shared.Layers, l => l.Kind, l => l.Settings, (l, v) => l with { Settings = v });

    private static readonly PartKeys<LayerDescription, ActivationPart> s_activations = new(
        PluginRegistry.Shared.Activations, l => l.Activation, l => l.Settings, (l, v) => l with { Settings = v });

    private static readonly PartKeys<LossDescription, LossPart> s_losses = new(
        PluginRegistry.Shared.Losses, l => l.Kind, l => l.Settings, (l, v) => l with { Settings = v });

    private static readonly PartKeys<InitializerDescription, InitializerPart> s_initializers = new(
        PluginRegistry.Shared.Initializers, i => i.Kind, i => i.Settings, (i, v) => i with { Settings = v });

    private static readonly JobSection<LayerDescription> s_layer = new(
        () => new LayerDescription(),
        () => [
            s_layers.Kind("kind", "What the layer is: dense, or what a plug-in brings", (l, v) => l with { Kind = v }),
            LayerTable.Key("units", "Outputs of the layer; left out in the last layer, where the data decide",
                JobValues.OptionalWhole(1, MostUnits), l => l.Units, (l, v) => l with { Units = v }),
            s_activations.Kind(
                "activation", "Function behind the layer; softmax and sigmoid at the end belong to the loss", (l, v) =>
                l with { Activation = v }),
            new PartSettingsKey<LayerDescription>(PartsOf, l => l.Settings, (l, v) => l with { Settings = v })
            {
                Name = "settings",
                Meaning = "Settings of a plug-in's layer and activation",
                Only = (l => PartsOf(l).Any(part => part?.Plugin is not null), "with a plug-in's layer or activation"),
            },
            .. s_layers.Settings(),
            .. s_activations.Settings(),
            LayerTable.Key("bias", "Whether the layer has biases",
                JobValues.Bool, l => l.Bias, (l, v) => l with { Bias = v }),
            LayerTable.Key(
                "weight-initializer",
                "First values of the weights; a name alone does, e.g. weight-initializer = he-uniform",
                InitializerOf(() => new LayerDescription().WeightInitializer), l => l.WeightInitializer,
                (l, v) => l with { WeightInitializer = v }),
            LayerTable.Key("bias-initializer", "First values of the biases",
                InitializerOf(() => new LayerDescription().BiasInitializer), l => l.BiasInitializer,
                (l, v) => l with { BiasInitializer = v }, l => l.Bias, "with bias = true"),
            LayerTable.Key("dropout", "Probability that an output is dropped in training",
                JobValues.Number(0f, 1f, ")"), l => l.Dropout, (l, v) => l with { Dropout = v }),
        ]);

    private static readonly JobSection<LossDescription> s_lossSection = new(
        () => new LossDescription(),
        () => [
            s_losses.Kind("kind", "What is minimized", (l, v) => l with { Kind = v }),
            s_losses.SettingsOfPlugin("loss"),
            .. s_losses.Settings(),
        ]);

    /// <summary>The section.</summary>
    public static JobSection<ModelDescription> Section { get; } = new(
        () => new ModelDescription { Layers = [] },
        Table.Key("layers", "The layers from the inputs on",
            new SectionListValue<LayerDescription>(s_layer, MostLayers),
            m => m.Layers, (m, v) => m with { Layers = v }),
        Table.Key("loss", "What is minimized", s_lossSection, m => m.Loss, (m, v) => m with { Loss = v }),
        Table.Key("members",
            "Independent copies of the layers, each trained on its own loss; the mean of their outputs is predicted",
            JobValues.Whole(1, ModelDescription.MostMembers), m => m.Members, (m, v) => m with { Members = v }));

    private static IEnumerable<Part?> PartsOf(LayerDescription layer) => [s_layers.Of(layer), s_activations.Of(layer)];

    private static JobSection<InitializerDescription> InitializerOf(Func<InitializerDescription> standard) => new(
        standard,
        () => [
            s_initializers.Kind("kind", "Which rule", (_, v) => new InitializerDescription(v)),
            s_initializers.SettingsOfPlugin("rule"),
            .. s_initializers.Settings(),
        ]);
}
