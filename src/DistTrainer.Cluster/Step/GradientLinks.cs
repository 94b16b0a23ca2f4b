using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>Takes a gradient as it comes out of the backward pass.</summary>
internal interface IGradientSink
{
    /// <summary>A layer's gradient is out.</summary>
    /// <param name="worker">Whose it is.</param>
    /// <param name="layer">The layer; it has parameters.</param>
    void Ready(GradientWorker worker, NetworkLayer layer);

    /// <summary>The pass is through: a parameter shard's part of the gradient may be handed in.</summary>
    /// <param name="worker">Whose it is.</param>
    /// <param name="parameterShard">The parameter shard's index.</param>
    void Push(GradientWorker worker, int parameterShard);
}

/// <summary>Hands a worker's gradients in to all copies of all parameter shards, in one generation.</summary>
/// <param name="setup">What all actors share.</param>
/// <param name="assignment">What the worker was assigned.</param>
/// <param name="links">A link to each copy, by its number.</param>
internal sealed class GradientLinks(
    TrainingSetup setup, AssignDataShards assignment, IReadOnlyList<IParameterShardLink> links) : IGradientSink
{
    public void Ready(GradientWorker worker, NetworkLayer layer)
    {
        for (int number = 0; number < links.Count; number++)
        {
            ParameterShardRange range = setup.Ranges[IndexOf(setup, assignment, number)];
            int start = Math.Max(range.Start, layer.Offset), end = Math.Min(range.End, layer.End);
            for (int n = 0; start < end && n < worker.Nodes.Count; n++)
                links[number].Prepare(assignment.Worker, worker.Step, worker.Nodes[n], start, end - start);
        }
    }

    public void Push(GradientWorker worker, int parameterShard)
    {
        for (int number = 0; number < links.Count; number++)
        {
            if (IndexOf(setup, assignment, number) == parameterShard)
                Push(worker, links[number]);
        }
    }

    /// <summary>The copies of the parameter shards that a worker was assigned.</summary>
    public static ParameterShardCopyPlace[] Places(TrainingSetup setup, AssignDataShards assignment) =>
        [.. assignment.ParameterShards.Select(
            (place, number) => new ParameterShardCopyPlace(IndexOf(setup, assignment, number), place))];

    /// <summary>Which parameter shard a copy is of: replicas come after all parameter shards.</summary>
    private static int IndexOf(TrainingSetup setup, AssignDataShards assignment, int number) =>
        number < setup.Ranges.Count ? number : assignment.Replicas[number - setup.Ranges.Count];

    private void Push(GradientWorker worker, IParameterShardLink link)
    {
        for (int n = 0; n < worker.Nodes.Count; n++)
        {
            GradientNode node = worker.Nodes[n];
            link.Push(new PushGradient(
                assignment.Generation, assignment.Worker, worker.Step, worker.BatchRows, node.Node, node.Gradient, 0,
                worker.IsKnownFinite, worker.LossesOf(n), worker.SampleHashOf(n)));
        }
    }
}
