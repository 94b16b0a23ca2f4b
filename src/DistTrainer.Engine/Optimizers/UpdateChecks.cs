using System.Globalization;

namespace DistTrainer.Engine;

/// <summary>The ranges of the options that shape an update; each message names the key, the value, what is allowed and the fix.</summary>
public static class UpdateChecks
{
    /// <summary>Checks an optimizer's options.</summary>
    /// <exception cref="DistTrainerException">One is out of its range (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(OptimizerDescription optimizer)
    {
        Require(optimizer.LearningRate > 0 && float.IsFinite(optimizer.LearningRate), "optimizer.learning-rate", optimizer.LearningRate, "a number above 0; try 0.001");
        Require(IsShareBelowOne(optimizer.Momentum), "optimizer.momentum", optimizer.Momentum, "0 or more and below 1; 0.9 is usual");
        Require(optimizer.Dampening is >= 0 and <= 1, "optimizer.dampening", optimizer.Dampening, "from 0 to 1; 0 is usual");
        Require(IsShareBelowOne(optimizer.Beta1), "optimizer.beta1", optimizer.Beta1, "0 or more and below 1; 0.9 is usual");
        Require(IsShareBelowOne(optimizer.Beta2), "optimizer.beta2", optimizer.Beta2, "0 or more and below 1; 0.999 is usual");
        Require(optimizer.Epsilon > 0 && float.IsFinite(optimizer.Epsilon), "optimizer.epsilon", optimizer.Epsilon, "a number above 0; 1e-8 is usual");
        Require(IsShareBelowOne(optimizer.Alpha), "optimizer.alpha", optimizer.Alpha, "0 or more and below 1; 0.99 is usual");
        if (optimizer.Kind == OptimizerKind.Sgd && optimizer.Nesterov && (optimizer.Momentum == 0 || optimizer.Dampening != 0))
        {
            throw Wrong(FormattableString.Invariant(
                $"optimizer.nesterov is true with optimizer.momentum {optimizer.Momentum} and optimizer.dampening {optimizer.Dampening}; it needs a momentum above 0 and dampening 0: set optimizer.momentum = 0.9 or nesterov = false."));
        }
    }

    /// <summary>Checks a schedule's options.</summary>
    /// <exception cref="DistTrainerException">One is out of its range (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(ScheduleDescription schedule)
    {
        Require(schedule.Gamma is > 0 and <= 1, "schedule.gamma", schedule.Gamma, "above 0 and at most 1; 0.1 is usual");
        Require(schedule.StepSize >= 1, "schedule.step-size", schedule.StepSize, "a number of epochs, 1 or more");
        Require(IsNotNegative(schedule.MinimumRate), "schedule.minimum-rate", schedule.MinimumRate, "0 or more");
        Require(schedule.Patience >= 0, "schedule.patience", schedule.Patience, "a number of epochs, 0 or more");
        Require(IsNotNegative(schedule.Threshold), "schedule.threshold", schedule.Threshold, "0 or more; 0.0001 is usual");
        Require(schedule.WarmUpSteps >= 0, "schedule.warm-up-steps", schedule.WarmUpSteps, "a number of steps, 0 or more");
        int before = 0;
        foreach (int milestone in schedule.Milestones)
        {
            Require(milestone > before, "schedule.milestones", milestone, $"epochs in rising order, here {before + 1} or more");
            before = milestone;
        }
        if (schedule.Kind == ScheduleKind.MultiStep && schedule.Milestones.Count == 0)
            throw Wrong("schedule.milestones is empty; schedule.kind = multi-step needs at least one epoch, e.g. [30, 60].");
    }

    /// <summary>Checks the penalties and constraints.</summary>
    /// <exception cref="DistTrainerException">One is out of its range (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(RegularizationDescription regularization)
    {
        Require(IsNotNegative(regularization.L1), "regularization.l1", regularization.L1, "0 (off) or more");
        Require(IsNotNegative(regularization.L2), "regularization.l2", regularization.L2, "0 (off) or more");
        Require(IsNotNegative(regularization.DecoupledWeightDecay), "regularization.decoupled-weight-decay", regularization.DecoupledWeightDecay, "0 (off) or more");
        Require(IsNotNegative(regularization.MaxNorm), "regularization.max-norm", regularization.MaxNorm, "0 (off) or more");
    }

    /// <summary>Checks the limits on the gradient.</summary>
    /// <exception cref="DistTrainerException">One is out of its range (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(ClippingDescription clipping)
    {
        Require(IsNotNegative(clipping.Value), "clipping.value", clipping.Value, "0 (off) or more");
        Require(IsNotNegative(clipping.Norm), "clipping.norm", clipping.Norm, "0 (off) or more");
    }

    private static bool IsShareBelowOne(float value) => value is >= 0 and < 1;

    private static bool IsNotNegative(float value) => value >= 0 && float.IsFinite(value);

    private static void Require(bool holds, string key, IFormattable value, string allowed)
    {
        if (!holds)
            throw Wrong($"{key} is {value.ToString(null, CultureInfo.InvariantCulture)}; allowed is {allowed}.");
    }

    private static DistTrainerException Wrong(string message) => new(FailureKind.Configuration, message);
}
