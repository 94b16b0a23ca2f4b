using System.Globalization;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Schedules;
using ClippingTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Optimizers.ClippingDescription>;
using OptimizerTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Optimizers.OptimizerDescription>;
using RegularizationTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Optimizers.RegularizationDescription>;
using ScheduleTable = DistTrainer.Jobs.JobTable<DistTrainer.Engine.Schedules.ScheduleDescription>;

namespace DistTrainer.Jobs;

/// <summary>The keys of <c>optimizer</c>, <c>schedule</c>, <c>regularization</c> and <c>clipping</c>.</summary>
internal static class OptimizerKeys
{
    private static readonly JobValue<float> s_notNegative = JobValues.Of(UpdateChecks.NotNegative);
    private static readonly JobValue<float> s_positive = JobValues.Of(UpdateChecks.Positive);

    private static readonly PartKeys<OptimizerDescription, OptimizerPart> s_rule = new(
        PluginRegistry.Shared.Optimizers, o => o.Kind, o => o.Settings, (o, v) => o with { Settings = v });

    private static readonly PartKeys<ScheduleDescription, SchedulePart> s_course = new(
        PluginRegistry.Shared.Schedules, s => s.Kind, s => s.Settings, (s, v) => s with { Settings = v });

    /// <summary>The section <c>optimizer</c>.</summary>
    public static JobSection<OptimizerDescription> Optimizer { get; } = new(
        () => new OptimizerDescription(),
        () => [
            s_rule.Kind("kind", "The update rule, with PyTorch's meanings and defaults", (o, v) => o with { Kind = v }),
            s_rule.SettingsOfPlugin("rule"),
            OptimizerTable.Key("learning-rate", "Learning rate at full height, before the schedule",
                s_positive, o => o.LearningRate, (o, v) => o with { LearningRate = v },
                defaultText: Defaults(part => part.LearningRate)),
            .. s_rule.Settings(),
        ]);

    /// <summary>The section <c>schedule</c>.</summary>
    public static JobSection<ScheduleDescription> Schedule { get; } = new(
        () => new ScheduleDescription(),
        () => [
            s_course.Kind("kind", "How the learning rate changes; epochs count from 0", (s, v) => s with { Kind = v }),
            s_course.SettingsOfPlugin("schedule"),
            .. s_course.Settings(),
            ScheduleTable.Key("warm-up-steps", "Steps over which the rate rises linearly to its full height; 0 is none",
                JobValues.Of(UpdateChecks.Steps), s => s.WarmUpSteps, (s, v) => s with { WarmUpSteps = v }),
        ]);

    /// <summary>The section <c>regularization</c>.</summary>
    public static JobSection<RegularizationDescription> Regularization { get; } = new(
        () => new RegularizationDescription(),
        RegularizationTable.Key("l1", "Adds l1 · sign(w) to the gradient",
            s_notNegative, r => r.L1, (r, v) => r with { L1 = v }),
        RegularizationTable.Key("l2", "Adds l2 · w to the gradient (PyTorch's weight_decay); with l1 an elastic net",
            s_notNegative, r => r.L2, (r, v) => r with { L2 = v }),
        RegularizationTable.Key(
            "decoupled-weight-decay", "Scales w by 1 − rate · decay before the update (AdamW's weight_decay)",
            s_notNegative, r => r.DecoupledWeightDecay, (r, v) => r with { DecoupledWeightDecay = v },
            defaultText: Defaults(part => part.DecoupledWeightDecay)),
        RegularizationTable.Key("max-norm", "Largest Euclidean norm of one unit's incoming weights; 0 is off",
            s_notNegative, r => r.MaxNorm, (r, v) => r with { MaxNorm = v }),
        RegularizationTable.Key("apply-to-biases", "Whether l1, l2 and decoupled decay act on biases too",
            JobValues.Bool, r => r.ApplyToBiases, (r, v) => r with { ApplyToBiases = v },
            r => r.L1 > 0 || r.L2 > 0 || r.DecoupledWeightDecay > 0, "with l1, l2 or decoupled-weight-decay above 0"));

    /// <summary>The section <c>clipping</c>.</summary>
    public static JobSection<ClippingDescription> Clipping { get; } = new(
        () => new ClippingDescription(),
        ClippingTable.Key("value", "Each element of the averaged gradient is clamped to ± this; 0 is off",
            s_notNegative, c => c.Value, (c, v) => c with { Value = v }),
        ClippingTable.Key("norm", "The whole averaged gradient is scaled down to this Euclidean norm; 0 is off",
            s_notNegative, c => c.Norm, (c, v) => c with { Norm = v }));

    private static string? Defaults(Func<OptimizerPart, float> standard) => PartTexts.Defaults(
        PluginRegistry.Shared.Optimizers.All, part => part, part =>
            standard(part).ToString(CultureInfo.InvariantCulture));
}
