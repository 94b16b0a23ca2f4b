using DistTrainer.Engine;
using InitializerTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.InitializerDescription>;
using LayerTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.LayerDescription>;
using LossTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.LossDescription>;
using Table = DistTrainer.Jobs.JobTable<DistTrainer.Engine.ModelDescription>;

namespace DistTrainer.Jobs;

/// <summary>The keys of <c>model</c>.</summary>
internal static class ModelKeys
{
    private const int MostUnits = 1_000_000;
    private const int MostLayers = 1_000;

    private static readonly PluginSettingsValue Settings = new();

    private static readonly OldPartNameValue<ActivationKind> Activation = new(
        PluginPart.Activation,
        ActivationKind.Plugin,
        [
            (ActivationKind.Identity, ["identity", "none", "linear"]), (ActivationKind.Relu, ["relu"]), (ActivationKind.LeakyRelu, ["leaky-relu"]),
            (ActivationKind.Sigmoid, ["sigmoid"]), (ActivationKind.Tanh, ["tanh"]), (ActivationKind.Gelu, ["gelu"]), (ActivationKind.Silu, ["silu", "swish"]),
        ],
        text => text is "softmax" or "log-softmax" ? "is part of the cross-entropy loss and no layer's activation: leave the last layer's activation out and set model.loss.kind = cross-entropy" : null);

    private static readonly JobValue<InitializerKind> Initializer = JobValues.Name<InitializerKind>([
        (InitializerKind.Zeros, ["zeros"]), (InitializerKind.Constant, ["constant"]), (InitializerKind.RandomUniform, ["random-uniform"]),
        (InitializerKind.RandomNormal, ["random-normal"]), (InitializerKind.XavierUniform, ["xavier-uniform", "glorot-uniform"]),
        (InitializerKind.XavierNormal, ["xavier-normal", "glorot-normal"]), (InitializerKind.HeUniform, ["he-uniform", "kaiming-uniform"]),
        (InitializerKind.HeNormal, ["he-normal", "kaiming-normal"]), (InitializerKind.LecunNormal, ["lecun-normal"]), (InitializerKind.Orthogonal, ["orthogonal"])]);

    private static readonly OldPartNameValue<LossKind> Loss = new(PluginPart.Loss, LossKind.Plugin, [
        (LossKind.CrossEntropy, ["cross-entropy"]), (LossKind.BinaryCrossEntropy, ["binary-cross-entropy", "bce"]),
        (LossKind.MeanSquaredError, ["mean-squared-error", "mse"]), (LossKind.Huber, ["huber"])]);

    private static readonly JobSection<LayerDescription> Layer = new(
        () => new LayerDescription(),
        LayerTable.Key("kind", "What the layer is: dense, or what a plug-in brings", new LayerKindValue(), l => l.Plugin, (l, v) => l with { Plugin = v }),
        LayerTable.Key("units", "Outputs of the layer; left out in the last layer, where the data decide", JobValues.OptionalWhole(1, MostUnits), l => l.Units, (l, v) => l with { Units = v }),
        LayerTable.Key("activation", "Function behind the layer; softmax and sigmoid at the end belong to the loss", Activation, l => new(l.Activation, l.PluginActivation), (l, v) => l with { Activation = v.Kind, PluginActivation = v.Plugin }),
        LayerTable.Key("settings", "Settings of a plug-in's layer and activation", Settings, l => l.Settings, (l, v) => l with { Settings = v }, l => (l.Plugin ?? l.PluginActivation) is not null, "with a plug-in's layer or activation"),
        LayerTable.Key("leaky-slope", "Slope for negative inputs", JobValues.Number(0f, 1f), l => l.LeakySlope, (l, v) => l with { LeakySlope = v }, l => l.Activation == ActivationKind.LeakyRelu, "with leaky-relu"),
        LayerTable.Key("bias", "Whether the layer has biases", JobValues.Bool, l => l.Bias, (l, v) => l with { Bias = v }),
        LayerTable.Key("weight-initializer", "First values of the weights; a name alone does, e.g. weight-initializer = he-uniform", InitializerOf(() => new LayerDescription().WeightInitializer), l => l.WeightInitializer, (l, v) => l with { WeightInitializer = v }),
        LayerTable.Key("bias-initializer", "First values of the biases", InitializerOf(() => new LayerDescription().BiasInitializer), l => l.BiasInitializer, (l, v) => l with { BiasInitializer = v }, l => l.Bias, "with bias = true"),
        LayerTable.Key("dropout", "Probability that an output is dropped in training", JobValues.Number(0f, 1f, ")"), l => l.Dropout, (l, v) => l with { Dropout = v }));

    private static readonly JobSection<LossDescription> LossSection = new(
        () => new LossDescription(),
        LossTable.Key("kind", "What is minimized", Loss, l => new(l.Kind, l.Plugin), (l, v) => l with { Kind = v.Kind, Plugin = v.Plugin }),
        LossTable.Key("settings", "Settings of a plug-in's loss", Settings, l => l.Settings, (l, v) => l with { Settings = v }, l => l.Kind == LossKind.Plugin, "with a plug-in's loss"),
        LossTable.Key("label-smoothing", "Share of the target probability spread over all classes", JobValues.Number(0f, 1f, ")"), l => l.LabelSmoothing, (l, v) => l with { LabelSmoothing = v }, l => l.Kind == LossKind.CrossEntropy, "with cross-entropy"),
        LossTable.Key("huber-delta", "Error at which the loss turns from quadratic to linear", JobValues.Number(0f, float.MaxValue, "("), l => l.HuberDelta, (l, v) => l with { HuberDelta = v }, l => l.Kind == LossKind.Huber, "with huber"));

    /// <summary>The section.</summary>
    public static JobSection<ModelDescription> Section { get; } = new(
        () => new ModelDescription { Layers = [] },
        Table.Key("layers", "The layers from the inputs on", new SectionListValue<LayerDescription>(Layer, MostLayers), m => m.Layers, (m, v) => m with { Layers = v }),
        Table.Key("loss", "What is minimized", LossSection, m => m.Loss, (m, v) => m with { Loss = v }));

    private static JobSection<InitializerDescription> InitializerOf(Func<InitializerDescription> standard) => new(
        standard,
        InitializerTable.Key("kind", "Which rule", Initializer, i => i.Kind, (_, v) => InitializerDescription.Default(v)),
        InitializerTable.Key("scale", "Gain of the rule; the value itself for constant, half-width or deviation for random-uniform and random-normal", JobValues.AnyNumber, i => i.Scale, (i, v) => i with { Scale = v }, i => i.Kind != InitializerKind.Zeros, "with any kind but zeros", "0 for constant, 0.01 for random-uniform and random-normal, else 1"));
}
