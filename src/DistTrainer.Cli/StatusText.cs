using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli;

/// <summary>A cluster's status as parseable lines of <c>name=value</c>.</summary>
internal static class StatusText
{
    /// <summary>The lines.</summary>
    public static IEnumerable<string> Of(ClusterStatus status)
    {
        if (status.Run is { } run)
        {
            yield return $"run={run.Id} name={run.Name} state=\"{run.State}\" epoch={Numbers.Text(run.Epoch)} "
                + $"step={Numbers.Text(run.Step)}/{Numbers.Text(run.TotalSteps)}"
                + $" loss={Numbers.Text(run.Last?.Loss)} learning-rate={Numbers.Text(run.Last?.LearningRate)} "
                    + $"samples/s={Numbers.Text((long)(run.Last?.SamplesPerSecond ?? 0))} "
                    + $"generation={Numbers.Text(run.Generation)}";
            foreach (WorkerStatus worker in run.Workers)
            {
                yield return $"worker={Numbers.Text(worker.Worker)} node={worker.Node} "
                    + $"data-shards={Numbers.Text(worker.DataShards.First)}+{Numbers.Text(worker.DataShards.Count)}"
                    + $" compute-ms={Numbers.Text(worker.Times.Compute)} wait-ms={Numbers.Text(worker.Times.Wait)}";
            }
        }
        else
        {
            yield return "run=none" + (status.Waiting is null ? "" : $" waiting=\"{status.Waiting}\"");
            if (status.Ended is { } ended)
            {
                string hash = ended.ParameterHash is null ? "" : $" parameters-sha256={ended.ParameterHash}";
                string reason = ended.Failure is null ? "" : $" reason=\"{ended.Failure}\"";
                yield return $"last-run={ended.Id} name={ended.Name} end={ended.How} at={ended.At:yyyy-MM-ddTHH:mm:ssZ}"
                    + $" steps={Numbers.Text(ended.Steps)}{hash}{reason}";
            }
        }

        foreach (NodeStatus node in status.Nodes)
            yield return $"node={node.Name} address={node.Address} server={(node.IsServer ? "yes" : "no")} "
                + $"workers={Numbers.Text(node.Workers)} reachable={(node.IsReachable ? "yes" : "no")}";
    }
}
