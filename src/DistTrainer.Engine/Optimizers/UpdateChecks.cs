using System.Globalization;

namespace DistTrainer.Engine;

/// <summary>The ranges of the options that shape an update; each message names the key, the value, what is allowed and the fix.</summary>
public static class UpdateChecks
{
    /// <summary>What a learning rate may be.</summary>
    public static ValueForm<float> Positive { get; } = ValueForms.Number(0f, float.MaxValue, "(");

    /// <summary>What a penalty, a decay and a limit may be; 0 is off.</summary>
    public static ValueForm<float> NotNegative { get; } = ValueForms.Number(0f, float.MaxValue);

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
        Check("regularization.l1", regularization.L1, NotNegative);
        Check("regularization.l2", regularization.L2, NotNegative);
        Check("regularization.decoupled-weight-decay", regularization.DecoupledWeightDecay, NotNegative);
        Check("regularization.max-norm", regularization.MaxNorm, NotNegative);
    }

    /// <summary>Checks the limits on the gradient.</summary>
    /// <exception cref="DistTrainerException">One is out of its range (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(ClippingDescription clipping)
    {
        Check("clipping.value", clipping.Value, NotNegative);
        Check("clipping.norm", clipping.Norm, NotNegative);
    }

    /// <summary>Refuses a value that is out of its range.</summary>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <param name="key">The key's full name, for the error.</param>
    /// <param name="value">The value.</param>
    /// <param name="form">What is allowed.</param>
    /// <exception cref="DistTrainerException">It is not allowed (<see cref="FailureKind.Configuration"/>).</exception>
    internal static void Check<T>(string key, T value, ValueForm<T> form)
    {
        string text = form.Format(value);
        try
        {
            form.Parse(text);
        }
        catch (FormatException wrong)
        {
            throw Wrong($"{key} = {text} {wrong.Message}; allowed: {form.Allowed}.");
        }
    }

    private static bool IsNotNegative(float value) => value >= 0 && float.IsFinite(value);

    private static void Require(bool holds, string key, IFormattable value, string allowed)
    {
        if (!holds)
            throw Wrong($"{key} is {value.ToString(null, CultureInfo.InvariantCulture)}; allowed is {allowed}.");
    }

    private static DistTrainerException Wrong(string message) => new(FailureKind.Configuration, message);
}
