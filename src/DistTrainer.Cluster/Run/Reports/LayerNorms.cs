using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Models;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Run.Reports;

/// <summary>
/// Once an epoch, at debug level: the norms of weights, biases and gradients, and how large an update is beside its
/// weights.
/// </summary>
internal static class LayerNorms
{
    /// <summary>Writes one line a tensor.</summary>
    /// <param name="setup">The layout.</param>
    /// <param name="parts">All parameter shards' parts of the sums.</param>
    /// <param name="step">The step they belong to.</param>
    /// <param name="log">Where to.</param>
    public static void Log(TrainingSetup setup, IEnumerable<TensorStatistics> parts, long step, ILoggingAdapter log)
    {
        foreach (IGrouping<int, TensorStatistics> group in parts.GroupBy(part => part.Tensor)
            .OrderBy(group => group.Key))
        {
            TensorStatistics sum = group.Aggregate((left, right) => left + right);
            ParameterTensor tensor = setup.Layout.Tensors[group.Key];
            double norm = Math.Sqrt(sum.ParameterSquares);
            log.Event(
                LogLevel.DebugLevel,
                "tensor-norms epoch={Epoch} step={Step} tensor={Tensor} shape=\"{Shape}\" norm={Norm:G5} "
                + "gradientNorm={GradientNorm:G5} updateToParameter={Ratio:G5}",
                setup.EpochOf(step), step, tensor.Name, tensor.ShapeText, norm, Math.Sqrt(sum.GradientSquares),
                norm > 0 ? Math.Sqrt(sum.UpdateSquares) / norm : 0);
        }
    }
}
