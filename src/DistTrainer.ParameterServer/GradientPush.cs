using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.ParameterServer;

/// <summary>
/// A worker's contribution to one parameter shard and step: the gradient sum over one subtree of data shards. At a
/// round's end it is the sum over the subtree's groups of their parameters and slots, each times its share of the
/// samples.
/// </summary>
/// <param name="Generation">Membership version under which it was computed.</param>
/// <param name="Step">The step, counted from 1.</param>
/// <param name="Node">The data shards that are summed in it.</param>
/// <param name="Gradient">Holds the sum; it must stay as it is until the step is applied.</param>
/// <param name="GradientOffset">Index in <paramref name="Gradient"/> of the parameter shard's first element.</param>
internal readonly record struct GradientPush(
    int Generation, long Step, TreeNode Node, AlignedBuffer Gradient, int GradientOffset)
{
    /// <summary>
    /// Whether the sender has seen that all values are finite, e.g. while they were in its cache. Else
    /// <see cref="ParameterShard.Accept"/> reads them once more to see for itself.
    /// </summary>
    public bool IsKnownFinite { get; init; }

    /// <summary>
    /// Index in <see cref="Gradient"/> of the parameter shard's slots, where they come along (<see cref="Exchange"/>).
    /// </summary>
    public int SlotsOffset { get; init; }
}

/// <summary>What became of a push.</summary>
internal enum PushOutcome
{
    /// <summary>Taken; others are missing.</summary>
    Accepted,

    /// <summary>Taken, and all data shards of the open step are in: the step can be applied.</summary>
    Completed,

    /// <summary>Dropped: its data shards are in already.</summary>
    Duplicate,

    /// <summary>Dropped: its step is applied already, or it belongs to another generation.</summary>
    Stale,

    /// <summary>Dropped: its step is after the open one.</summary>
    Early,

    /// <summary>Refused before anything was summed: a value is not finite. Its data shards are still missing.</summary>
    Poisoned,

    /// <summary>Refused: the node is no subtree over the job's data shards, or the buffer is too short.</summary>
    Invalid,
}

/// <summary>What a parameter shard must be told to apply a step.</summary>
/// <param name="Step">The open step.</param>
/// <param name="Rate">Learning rate, ≥ 0.</param>
/// <param name="Weight">Sum of the weights of the step's samples over all data shards, ≥ 0: what the sum of their
/// gradients is divided by. Their number where all have weight 1.</param>
internal readonly record struct StepContext(long Step, double Rate, double Weight)
{
    /// <summary>What a sum over samples of a total weight is multiplied by to be the mean; where all weigh 0 the mean
    /// is 0 as well.</summary>
    public static float MeanFactor(double weight) => weight > 0 ? (float)(1.0 / weight) : 0;

    /// <summary>
    /// Norm of the whole gradient, from all parameter shards' <see cref="ParameterShard.PartialNorms"/>; needed where
    /// the parameter shard says so (<see cref="ParameterShard.NeedsNorm"/>), else ignored.
    /// </summary>
    public double? GradientNorm { get; init; }

    /// <summary>Whether <see cref="ParameterShard.GradientSquares"/> are wanted. Free where the norm is
    /// needed.</summary>
    public bool WantNorm { get; init; }

    /// <summary>
    /// Whether <see cref="ParameterShard.Statistics"/> is wanted; implies <see cref="WantNorm"/>, and is slower.
    /// </summary>
    public bool WantStatistics { get; init; }

    /// <summary>
    /// Whether <see cref="ParameterShard.Histograms"/> are wanted; implies <see cref="WantNorm"/>, and is slower.
    /// </summary>
    public bool WantHistograms { get; init; }
}

/// <summary>
/// Sums of squares over the part of one tensor that lies in one parameter shard; the parts of a tensor add up.
/// </summary>
/// <param name="Tensor">Index of the tensor in the layout.</param>
/// <param name="Count">Elements.</param>
/// <param name="ParameterSquares">Of the parameters after the update.</param>
/// <param name="GradientSquares">Of the averaged gradient, before clipping and regularization.</param>
/// <param name="UpdateSquares">Of the change that the step made.</param>
internal readonly record struct TensorStatistics(
    int Tensor, long Count, double ParameterSquares, double GradientSquares, double UpdateSquares)
{
    /// <summary>
    /// Adds two parts of the same tensor. The last digits may depend on the cut: these figures are for people.
    /// </summary>
    /// <exception cref="ArgumentException">The tensors differ.</exception>
    public static TensorStatistics operator +(TensorStatistics left, TensorStatistics right) =>
        left.Tensor == right.Tensor
        ? new(left.Tensor, left.Count + right.Count, left.ParameterSquares + right.ParameterSquares,
            left.GradientSquares + right.GradientSquares, left.UpdateSquares + right.UpdateSquares)
        : throw new ArgumentException(
            $"Parts of tensors {left.Tensor} and {right.Tensor} do not add up.", nameof(right));
}
