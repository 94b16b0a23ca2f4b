using System.Globalization;
using DistTrainer.Engine;
using ClippingTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.ClippingDescription>;
using OptimizerTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.OptimizerDescription>;
using RegularizationTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.RegularizationDescription>;
using ScheduleTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.ScheduleDescription>;

namespace DistTrainer.Jobs;

/// <summary>The keys of <c>optimizer</c>, <c>schedule</c>, <c>regularization</c> and <c>clipping</c>.</summary>
internal static class OptimizerKeys
{
    private static readonly JobValue<float> NotNegative = JobValues.Of(UpdateChecks.NotNegative);
    private static readonly JobValue<float> Positive = JobValues.Of(UpdateChecks.Positive);

    private static readonly PartKeys<OptimizerDescription, OptimizerPart> Rule = new(
        PluginRegistry.Shared.Optimizers, o => o.Kind, o => o.Settings, (o, v) => o with { Settings = v });

    private static readonly JobValue<ScheduleKind> Course = JobValues.Name<ScheduleKind>([
        (ScheduleKind.Constant, ["constant"]), (ScheduleKind.Step, ["step"]), (ScheduleKind.MultiStep, ["multi-step"]),
        (ScheduleKind.Exponential, ["exponential"]), (ScheduleKind.Cosine, ["cosine"]), (ScheduleKind.ReduceOnPlateau, ["reduce-on-plateau", "plateau"])]);

    /// <summary>The section <c>optimizer</c>.</summary>
    public static JobSection<OptimizerDescription> Optimizer { get; } = new(
        () => new OptimizerDescription(),
        () => [
            Rule.Kind("kind", "The update rule, with PyTorch's meanings and defaults", (o, v) => o with { Kind = v }),
            new PartSettingsKey<OptimizerDescription>(o => [Rule.Of(o)], o => o.Settings, (o, v) => o with { Settings = v })
            {
                Name = "settings",
                Meaning = "Settings of a plug-in's rule",
                Only = (o => Rule.Of(o)?.Plugin is not null, "with a plug-in's rule"),
            },
            OptimizerTable.Key("learning-rate", "Learning rate at full height, before the schedule", Positive, o => o.LearningRate, (o, v) => o with { LearningRate = v }, defaultText: Defaults(part => part.LearningRate)),
            .. Rule.Settings(),
        ]);

    /// <summary>The section <c>schedule</c>.</summary>
    public static JobSection<ScheduleDescription> Schedule { get; } = new(
        () => new ScheduleDescription(),
        ScheduleTable.Key("kind", "How the learning rate changes; epochs count from 0", Course, s => s.Kind, (s, v) => s with { Kind = v }),
        ScheduleTable.Key("gamma", "Factor of a reduction", JobValues.Number(0f, 1f, "("), s => s.Gamma, (s, v) => s with { Gamma = v }, s => s.Kind is ScheduleKind.Step or ScheduleKind.MultiStep or ScheduleKind.Exponential or ScheduleKind.ReduceOnPlateau, "with step, multi-step, exponential and reduce-on-plateau"),
        ScheduleTable.Key("step-size", "Epochs between reductions", JobValues.Whole(1, int.MaxValue), s => s.StepSize, (s, v) => s with { StepSize = v }, s => s.Kind == ScheduleKind.Step, "with step"),
        ScheduleTable.Key("milestones", "Epochs at which to reduce, rising", new ListValue<int>(JobValues.Whole(1, int.MaxValue), 10_000), s => s.Milestones, (s, v) => s with { Milestones = v }, s => s.Kind == ScheduleKind.MultiStep, "with multi-step"),
        ScheduleTable.Key("minimum-rate", "Never below this learning rate", NotNegative, s => s.MinimumRate, (s, v) => s with { MinimumRate = v }, s => s.Kind is ScheduleKind.Cosine or ScheduleKind.ReduceOnPlateau, "with cosine and reduce-on-plateau"),
        ScheduleTable.Key("patience", "Epochs without improvement to wait", JobValues.Whole(0, int.MaxValue), s => s.Patience, (s, v) => s with { Patience = v }, s => s.Kind == ScheduleKind.ReduceOnPlateau, "with reduce-on-plateau"),
        ScheduleTable.Key("threshold", "Relative improvement that counts", NotNegative, s => s.Threshold, (s, v) => s with { Threshold = v }, s => s.Kind == ScheduleKind.ReduceOnPlateau, "with reduce-on-plateau"),
        ScheduleTable.Key("warm-up-steps", "Steps over which the rate rises linearly to its full height; 0 is none", JobValues.Whole(0, int.MaxValue), s => s.WarmUpSteps, (s, v) => s with { WarmUpSteps = v }));

    /// <summary>The section <c>regularization</c>.</summary>
    public static JobSection<RegularizationDescription> Regularization { get; } = new(
        () => new RegularizationDescription(),
        RegularizationTable.Key("l1", "Adds l1 · sign(w) to the gradient", NotNegative, r => r.L1, (r, v) => r with { L1 = v }),
        RegularizationTable.Key("l2", "Adds l2 · w to the gradient (PyTorch's weight_decay); with l1 an elastic net", NotNegative, r => r.L2, (r, v) => r with { L2 = v }),
        RegularizationTable.Key("decoupled-weight-decay", "Scales w by 1 − rate · decay before the update (AdamW's weight_decay)", NotNegative, r => r.DecoupledWeightDecay, (r, v) => r with { DecoupledWeightDecay = v }, defaultText: Defaults(part => part.DecoupledWeightDecay)),
        RegularizationTable.Key("max-norm", "Largest Euclidean norm of one unit's incoming weights; 0 is off", NotNegative, r => r.MaxNorm, (r, v) => r with { MaxNorm = v }),
        RegularizationTable.Key("apply-to-biases", "Whether l1, l2 and decoupled decay act on biases too", JobValues.Bool, r => r.ApplyToBiases, (r, v) => r with { ApplyToBiases = v }, r => r.L1 > 0 || r.L2 > 0 || r.DecoupledWeightDecay > 0, "with l1, l2 or decoupled-weight-decay above 0"));

    /// <summary>The section <c>clipping</c>.</summary>
    public static JobSection<ClippingDescription> Clipping { get; } = new(
        () => new ClippingDescription(),
        ClippingTable.Key("value", "Each element of the averaged gradient is clamped to ± this; 0 is off", NotNegative, c => c.Value, (c, v) => c with { Value = v }),
        ClippingTable.Key("norm", "The whole averaged gradient is scaled down to this Euclidean norm; 0 is off", NotNegative, c => c.Norm, (c, v) => c with { Norm = v }));

    private static string? Defaults(Func<OptimizerPart, float> standard) => PartTexts.Defaults(
        PluginRegistry.Shared.Optimizers.All, part => part, part => standard(part).ToString(CultureInfo.InvariantCulture));
}
