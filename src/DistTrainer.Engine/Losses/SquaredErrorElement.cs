using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Losses;

/// <summary>(x − y)², derivative 2 (x − y). The score is the squared error.</summary>
internal readonly struct SquaredErrorElement : ILossElement
{
    /// <summary>The part.</summary>
    public static LossPart Part { get; } = new(
        "mean-squared-error", TaskKind.Regression, _ => new ElementwiseLoss<SquaredErrorElement>(default))
    {
        Aliases = ["mse"],
    };

    /// <inheritdoc/>
    public static bool TargetsAreProbabilities => false;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<float> Evaluate(
        Vector256<float> output, Vector256<float> target, out Vector256<float> gradient, out Vector256<float> score)
    {
        Vector256<float> error = output - target;
        gradient = error + error;
        score = error * error;
        return score;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Predict(Vector256<float> output) => output;

    /// <inheritdoc/>
    public static LossSums SumsOf(float loss, float score) => new(1, loss, 0, score);
}
