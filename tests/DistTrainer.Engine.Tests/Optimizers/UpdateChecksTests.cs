using System.Globalization;
using Xunit;

namespace DistTrainer.Engine.Tests;

public class UpdateChecksTests
{
    public static TheoryData<string, OptimizerDescription> WrongOptimizers => new()
    {
        { "optimizer.learning-rate is 0;", new OptimizerDescription { LearningRate = 0 } },
        { "optimizer.learning-rate is NaN;", new OptimizerDescription { LearningRate = float.NaN } },
        { "optimizer.momentum is 1;", new OptimizerDescription { Momentum = 1 } },
        { "optimizer.dampening is 1.5;", new OptimizerDescription { Dampening = 1.5f } },
        { "optimizer.beta1 is -0.1;", new OptimizerDescription { Beta1 = -0.1f } },
        { "optimizer.beta2 is 1;", new OptimizerDescription { Beta2 = 1 } },
        { "optimizer.epsilon is 0;", new OptimizerDescription { Epsilon = 0 } },
        { "optimizer.alpha is 2;", new OptimizerDescription { Alpha = 2 } },
        { "optimizer.nesterov is true", new OptimizerDescription { Kind = OptimizerKind.Sgd, Nesterov = true } },
        { "optimizer.dampening 0.1;", new OptimizerDescription { Kind = OptimizerKind.Sgd, Nesterov = true, Momentum = 0.9f, Dampening = 0.1f } },
    };

    public static TheoryData<string, ScheduleDescription> WrongSchedules => new()
    {
        { "schedule.gamma is 0;", new ScheduleDescription { Gamma = 0 } },
        { "schedule.step-size is 0;", new ScheduleDescription { StepSize = 0 } },
        { "schedule.milestones is 3;", new ScheduleDescription { Milestones = [3, 3] } },
        { "schedule.milestones is empty;", new ScheduleDescription { Kind = ScheduleKind.MultiStep } },
        { "schedule.minimum-rate is -1;", new ScheduleDescription { MinimumRate = -1 } },
        { "schedule.patience is -1;", new ScheduleDescription { Patience = -1 } },
        { "schedule.threshold is -1;", new ScheduleDescription { Threshold = -1 } },
        { "schedule.warm-up-steps is -1;", new ScheduleDescription { WarmUpSteps = -1 } },
    };

    [Theory]
    [MemberData(nameof(WrongOptimizers))]
    public void An_optimizer_option_out_of_range_names_key_and_value(string expected, OptimizerDescription optimizer) =>
        Refused(expected, () => Optimizer.Create(optimizer));

    [Theory]
    [MemberData(nameof(WrongSchedules))]
    public void A_schedule_option_out_of_range_names_key_and_value(string expected, ScheduleDescription schedule) =>
        Refused(expected, () => _ = new LearningRateSchedule(1, schedule));

    [Fact]
    public void Penalties_and_limits_out_of_range_name_key_and_value()
    {
        Refused("regularization.l1 is -0.5;", () => UpdateChecks.Check(new RegularizationDescription { L1 = -0.5f }));
        Refused("regularization.l2 is ", () => UpdateChecks.Check(new RegularizationDescription { L2 = float.PositiveInfinity }));
        Refused("regularization.decoupled-weight-decay is -1;", () => UpdateChecks.Check(new RegularizationDescription { DecoupledWeightDecay = -1 }));
        Refused("regularization.max-norm is NaN;", () => UpdateChecks.Check(new RegularizationDescription { MaxNorm = float.NaN }));
        Refused("clipping.value is -1;", () => UpdateChecks.Check(new ClippingDescription { Value = -1 }));
        Refused("clipping.norm is -1;", () => UpdateChecks.Check(new ClippingDescription { Norm = -1 }));
    }

    [Fact]
    public void The_defaults_of_every_kind_are_in_range_and_are_PyTorchs()
    {
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>().Where(kind => kind != OptimizerKind.Plugin))
            Assert.NotNull(Optimizer.Create(OptimizerDescription.Default(kind)));
        Assert.Equal(0.01f, OptimizerDescription.Default(OptimizerKind.RmsProp).LearningRate);
        Assert.Equal(0.001f, OptimizerDescription.Default(OptimizerKind.Adam).LearningRate);
    }

    private static void Refused(string expected, Action action)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
        try
        {
            var refused = Assert.Throws<DistTrainerException>(action);
            Assert.Equal(FailureKind.Configuration, refused.Kind);
            Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
