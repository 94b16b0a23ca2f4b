using System.Globalization;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Schedules;
using Xunit;

namespace DistTrainer.Engine.Tests.Optimizers;

public class UpdateChecksTests
{
    public static TheoryData<string, OptimizerDescription> WrongOptimizers => new()
    {
        { "optimizer.learning-rate = 0 is out of range; allowed: a number above 0",
            new OptimizerDescription { LearningRate = 0 } },
        { "optimizer.learning-rate = NaN is not finite;", new OptimizerDescription { LearningRate = float.NaN } },
        { "optimizer.momentum = 1 is out of range; allowed: a number from 0 and below 1.",
            OptimizerDescription.Of("sgd", ("momentum", 1)) },
        { "optimizer.dampening = 1.5 is out of range;", OptimizerDescription.Of("sgd", ("dampening", 1.5f)) },
        { "optimizer.beta1 = -0.1 is out of range;", OptimizerDescription.Of("adam", ("beta1", -0.1f)) },
        { "optimizer.beta2 = 1 is out of range;", OptimizerDescription.Of("adamw", ("beta2", 1)) },
        { "optimizer.epsilon = 0 is out of range;", OptimizerDescription.Of("adam", ("epsilon", 0)) },
        { "optimizer.alpha = 2 is out of range;", OptimizerDescription.Of("rmsprop", ("alpha", 2)) },
        { "optimizer.centered = 1 is not a truth value; allowed: true or false.",
            OptimizerDescription.Of("rmsprop", ("centered", 1)) },
        { "optimizer: 'beta3' is not a setting of adam; did you mean 'beta1'?",
            OptimizerDescription.Of("adam", ("beta3", 0)) },
        { "optimizer: 'alpha' is not a setting of sgd; there are 'momentum', 'dampening', 'nesterov'.",
            OptimizerDescription.Of("sgd", ("alpha", 0.5f)) },
        { "optimizer.kind: there is no optimizer 'adma'; load the plug-in that brings it, or correct the name: did "
            + "you mean 'adam'?", OptimizerDescription.Of("adma") },
        { "optimizer.nesterov = true needs optimizer.momentum above 0.",
            OptimizerDescription.Of("sgd", ("nesterov", true)) },
        { "optimizer.nesterov = true needs optimizer.dampening = 0.",
            OptimizerDescription.Of("sgd", ("nesterov", true), ("momentum", 0.9f), ("dampening", 0.1f)) },
        { "optimizer.dampening has no effect without optimizer.momentum above 0.",
            OptimizerDescription.Of("sgd", ("dampening", 0.1f)) },
    };

    public static TheoryData<string, ScheduleDescription> WrongSchedules => new()
    {
        { "schedule.gamma = 0 is out of range; allowed: a number above 0 and to 1.",
            ScheduleDescription.Of("step", ("gamma", 0)) },
        { "schedule.step-size = 0 is out of range;", ScheduleDescription.Of("step", ("step-size", 0)) },
        { "schedule.milestones must rise from each epoch to the next.",
            ScheduleDescription.Of("multi-step", ("milestones", new[] { 3, 3 })) },
        { "schedule.milestones is missing;", ScheduleDescription.Of("multi-step") },
        { "schedule.minimum-rate = -1 is out of range;", ScheduleDescription.Of("cosine", ("minimum-rate", -1)) },
        { "schedule.patience = -1 is out of range;", ScheduleDescription.Of("reduce-on-plateau", ("patience", -1)) },
        { "schedule.threshold = -1 is out of range;", ScheduleDescription.Of("reduce-on-plateau", ("threshold", -1)) },
        { "schedule.warm-up-steps = -1 is out of range;", new ScheduleDescription { WarmUpSteps = -1 } },
        { "schedule: 'gamma' is not a setting of cosine; there are 'minimum-rate'.",
            ScheduleDescription.Of("cosine", ("gamma", 0.5f)) },
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
        Refused("regularization.l1 = -0.5 is ", () => UpdateChecks.Check(new RegularizationDescription { L1 = -0.5f }));
        Refused(
            "regularization.l2 = ", () =>
            UpdateChecks.Check(new RegularizationDescription { L2 = float.PositiveInfinity }));
        Refused(
            "regularization.decoupled-weight-decay = -1 is ", () =>
            UpdateChecks.Check(new RegularizationDescription { DecoupledWeightDecay = -1 }));
        Refused(
            "regularization.max-norm = NaN is ", () =>
            UpdateChecks.Check(new RegularizationDescription { MaxNorm = float.NaN }));
        Refused("clipping.value = -1 is ", () => UpdateChecks.Check(new ClippingDescription { Value = -1 }));
        Refused("clipping.norm = -1 is ", () => UpdateChecks.Check(new ClippingDescription { Norm = -1 }));
    }

    [Fact]
    public void The_defaults_of_every_kind_are_in_range_and_are_PyTorchs()
    {
        foreach (OptimizerPart part in PluginRegistry.Shared.Optimizers.All)
            Assert.NotNull(Optimizer.Create(OptimizerDescription.Of(part.Name)));
        Assert.Equal(0.01f, OptimizerDescription.Of("rmsprop").LearningRate);
        Assert.Equal(0.001f, OptimizerDescription.Of("adam").LearningRate);
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
