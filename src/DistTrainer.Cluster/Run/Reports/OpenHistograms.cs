using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Models;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Run.Reports;

/// <summary>
/// Puts the histograms of tensors together from the parameter shards' parts. Those of two steps are open at a time,
/// since parameter shards are at most a step apart; of a step before them a part was lost.
/// </summary>
/// <param name="layout">The tensors.</param>
internal sealed class OpenHistograms(ParameterLayout layout)
{
    // In the order in which they came; a run may go back to earlier steps.
    private readonly List<(long Step, Dictionary<(int Tensor, int ParameterShard), TensorHistogram> Parts)> _open = [];

    /// <summary>Takes a part; a second copy changes nothing.</summary>
    /// <returns>The tensor's histograms, if this was the last part that they lacked.</returns>
    public HistogramReport? Add(ReportHistogram report)
    {
        int tensor = report.Part.Tensor;
        if (tensor < 0 || tensor >= layout.Tensors.Count)
            return null;
        Dictionary<(int Tensor, int ParameterShard), TensorHistogram> parts = PartsOf(report.Step);
        if (!parts.TryAdd((tensor, report.ParameterShard), report.Part))
            return null;
        TensorHistogram[] own =
            [.. parts.Where(part => part.Key.Tensor == tensor).OrderBy(part => part.Key.ParameterShard)
            .Select(part => part.Value)];
        if (own.Sum(part => part.Parameters.Count) < layout.Tensors[tensor].Length)
            return null;
        return new HistogramReport(
            report.Step, layout.Tensors[tensor].Name,
            own.Select(part => part.Parameters).Aggregate((left, right) => left + right),
                own.Select(part => part.Gradients).Aggregate((left, right) => left + right));
    }

    private Dictionary<(int Tensor, int ParameterShard), TensorHistogram> PartsOf(long step)
    {
        if (_open.Find(open => open.Step == step).Parts is { } known)
            return known;
        if (_open.Count == Ends.Versions)
            _open.RemoveAt(0);
        _open.Add((step, []));
        return _open[^1].Parts;
    }
}
