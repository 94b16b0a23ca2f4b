using System.Globalization;

namespace DistTrainer.Engine;

/// <summary>Makes losses from their descriptions.</summary>
public static class Losses
{
    /// <summary>The loss that a description asks for.</summary>
    /// <param name="description">Which loss, and its settings.</param>
    /// <exception cref="DistTrainerException">Configuration: a setting is out of its range.</exception>
    public static ILoss Create(LossDescription description)
    {
        float smoothing = description.LabelSmoothing;
        float delta = description.HuberDelta;
        switch (description.Kind)
        {
            case LossKind.CrossEntropy:
                if (!(smoothing >= 0 && smoothing < 1))
                    throw OutOfRange("label-smoothing", smoothing, "at least 0 and below 1");
                return new CrossEntropyLoss(smoothing);
            case LossKind.BinaryCrossEntropy:
                return new ElementwiseLoss<BinaryCrossEntropyElement>(default);
            case LossKind.MeanSquaredError:
                return new ElementwiseLoss<SquaredErrorElement>(default);
            case LossKind.Huber:
                if (!(delta > 0 && float.IsFinite(delta)))
                    throw OutOfRange("huber-delta", delta, "greater than 0 and finite");
                return new ElementwiseLoss<HuberElement>(new HuberElement(delta));
            case LossKind.Plugin:
                return PluginRegistry.Shared.Make<LossFactory, ILoss>(PluginPart.Loss, description.Plugin ?? "", "model.loss", description.Settings, (make, settings) => make(settings));
            default:
                throw new ArgumentOutOfRangeException(nameof(description), description.Kind, "There is no such loss.");
        }
    }

    private static DistTrainerException OutOfRange(string setting, float value, string allowed) => new(
        FailureKind.Configuration,
        string.Create(CultureInfo.InvariantCulture, $"The loss has {setting} = {value}; it must be {allowed}. Change it in the job file."));
}
