namespace DistTrainer.Engine.Optimizers;

/// <summary>Limits on the averaged gradient, before regularization.</summary>
public sealed record ClippingDescription
{
    /// <summary>Each element is clamped to [−value, value]; 0 is off.</summary>
    public float Value { get; init; }

    /// <summary>The whole gradient is scaled down to this Euclidean norm; 0 is off.</summary>
    public float Norm { get; init; }
}
