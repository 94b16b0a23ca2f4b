using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Optimizers;

/// <summary>
/// The ranges of the options that shape an update; each message names the key, the value, what is allowed and the fix.
/// </summary>
internal static class UpdateChecks
{
    /// <summary>What a learning rate may be.</summary>
    public static ValueForm<float> Positive { get; } = ValueForms.Number(0f, float.MaxValue, "(");

    /// <summary>What a number of steps may be; 0 is none.</summary>
    public static ValueForm<int> Steps { get; } = ValueForms.Whole(0, int.MaxValue);

    /// <summary>What a penalty, a decay and a limit may be; 0 is off.</summary>
    public static ValueForm<float> NotNegative { get; } = ValueForms.Number(0f, float.MaxValue);

    /// <summary>Checks the penalties and constraints.</summary>
    /// <exception cref="DistTrainerException">One is out of its range
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(RegularizationDescription regularization)
    {
        Check("regularization.l1", regularization.L1, NotNegative);
        Check("regularization.l2", regularization.L2, NotNegative);
        Check("regularization.decoupled-weight-decay", regularization.DecoupledWeightDecay, NotNegative);
        Check("regularization.max-norm", regularization.MaxNorm, NotNegative);
    }

    /// <summary>Checks the limits on the gradient.</summary>
    /// <exception cref="DistTrainerException">One is out of its range
    /// (<see cref="FailureKind.Configuration"/>).</exception>
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

    private static DistTrainerException Wrong(string message) => new(FailureKind.Configuration, message);
}
