using Akka.Actor;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// The one way of a finished gradient: cut at parameter shards, node of the tree by node, over a link to each parameter
/// shard and its replicas. A link within the process passes the reference, one to another node makes bytes of it; what
/// goes to another machine is summed over the node's workers before (<see cref="NodeGradients"/>).
/// </summary>
/// <param name="setup">What the node's actors share.</param>
/// <param name="generation">The generation that the links belong to.</param>
/// <param name="worker">The worker's number.</param>
/// <param name="links">Parameter shards in the order of their ranges, then replicas.</param>
/// <param name="replicas">Whose replicas those are.</param>
internal sealed class GradientRoute(
    TrainingSetup setup, int generation, int worker, IReadOnlyList<IParameterShardLink> links, int[] replicas)
{
    /// <summary>Connects to whoever sums a worker's gradients.</summary>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="assignment">The worker's data shards, parameter shards and replicas.</param>
    /// <param name="worker">Hears of parameters.</param>
    /// <exception cref="IOException">A node cannot be reached, or the generation is over.</exception>
    public static GradientRoute Join(TrainingSetup setup, AssignDataShards assignment, IActorRef worker)
    {
        ParameterShardCopyPlace[] places = [.. assignment.ParameterShards.Select((place, number) =>
            new ParameterShardCopyPlace(IndexOf(setup, assignment.Replicas, number), place))];
        IReadOnlyList<IParameterShardLink> links = setup.Links.Join(assignment.Generation, places, worker);
        // Memory for sums is reserved only where there is somebody to send them to.
        if (links.Any(link => link.LeavesMachine) && setup.NodeGradients.Of(assignment) is { } node)
            links = [.. links.Select((link, number) => link.LeavesMachine ? node.Through(number, link) : link)];
        return new GradientRoute(setup, assignment.Generation, assignment.Worker, links, assignment.Replicas);
    }

    /// <summary>A stage's gradient is out, in all nodes: what must be sent can go ahead of the rest.</summary>
    /// <param name="from">Whose gradient.</param>
    /// <param name="stage">Its parameters.</param>
    public void Prepare(GradientWorker from, ParameterSlice stage)
    {
        for (int number = 0; number < links.Count; number++)
        {
            ParameterShardRange range = setup.Ranges[IndexOf(number)];
            int start = Math.Max(range.Start, stage.Offset), end = Math.Min(range.End, stage.End);
            for (int n = 0; start < end && n < from.Nodes.Count; n++)
                links[number].Prepare(worker, from.Step, from.Nodes[n], start, end - start);
        }
    }

    /// <summary>
    /// Hands in what a round has come to, one parameter shard after the other: while the next one's is sent, the first
    /// can hand out what it makes of it.
    /// </summary>
    /// <param name="from">Whose; it is not written again before all have applied the step.</param>
    public void PushRound(GradientWorker from)
    {
        for (int number = 0; number < links.Count; number++)
        {
            ParameterShardRange range = setup.Ranges[IndexOf(number)];
            (int slots, int length) = setup.Exchange.SlotsOf(range);
            foreach (GradientNode node in from.Nodes)
            {
                links[number].Prepare(worker, from.Step, node, range.Start, range.Length);
                if (length > 0)
                    links[number].Prepare(worker, from.Step, node, slots, length);
            }
            Push(from, links[number]);
        }
    }

    /// <summary>All stages are out: hands the gradient in, the last layers' parameter shards first.</summary>
    /// <param name="from">Whose gradient; it is not written again before all have applied the step.</param>
    public void Push(GradientWorker from)
    {
        for (int shard = setup.Ranges.Count - 1; shard >= 0; shard--)
        {
            for (int number = 0; number < links.Count; number++)
            {
                if (IndexOf(number) == shard)
                    Push(from, links[number]);
            }
        }
    }

    private void Push(GradientWorker from, IParameterShardLink link)
    {
        for (int n = 0; n < from.Nodes.Count; n++)
        {
            GradientNode node = from.Nodes[n];
            (LossSums[] losses, ulong sampleHash) = from.CountsOf(n);
            link.Push(new PushGradient(
                generation, worker, from.Step, node.Node, node.Gradient, 0, from.IsKnownFinite, losses, sampleHash));
        }
    }

    private int IndexOf(int number) => IndexOf(setup, replicas, number);

    /// <summary>Which parameter shard it is, or of which it is a replica.</summary>
    private static int IndexOf(TrainingSetup setup, int[] replicas, int number) =>
        number < setup.Ranges.Count ? number : replicas[number - setup.Ranges.Count];
}
