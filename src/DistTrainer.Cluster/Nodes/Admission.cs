using DistTrainer.Cluster.Protocol;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// Who cannot take part, and what follows: the node is named and ends itself, and the run goes on without it. A run
/// that has not begun and never could without it ends with that reason, and its nodes stay for the next one.
/// </summary>
/// <param name="nodes">The nodes that are known.</param>
/// <param name="log">Where they are named.</param>
internal sealed class Admission(KnownNodes nodes, CoordinatorLog log)
{
    /// <summary>Why a node cannot take part in any run; null where it can.</summary>
    /// <param name="node">How it makes itself known.</param>
    /// <param name="plugins">The plug-ins of the coordinator's node.</param>
    public static string? Conflict(RegisterNode node, string plugins)
    {
        if (NodeName.Problem(node.Node.Name) is { } problem)
            return $"its name {problem}; allowed: {NodeName.Allowed()}";
        if (node.Version != ProtocolVersion.Current)
            return $"this cluster speaks protocol version {ProtocolVersion.Current}, {node.Address} speaks "
                + $"{node.Version}; run the same version of disttrainer on every node";
        return node.Plugins == plugins ? null
            : $"this cluster has the plug-ins: {plugins}; {node.Address} has: {node.Plugins}; list the same files "
            + "under plugins on every node";
    }

    /// <summary>A node cannot take part in a run: it gets no more work. The first reason stands.</summary>
    /// <returns>Its end where steps have been made, for then others can take part; else the run's, where it can never
    /// begin without the node.</returns>
    public IReadOnlyList<Letter> Refuse(NodeUnfit unfit, CurrentRun run)
    {
        if (nodes.Find(unfit.Node) is not { Refusal: null } node)
            return [];
        log.NodeRefused(node.Name, unfit.Reason);
        node.Refusal = new EndNode((int)unfit.Kind, unfit.Reason);
        if (run.HasBegun)
            return Again(node, run);
        return nodes.Missing() is null ? []
            : [new Letter(run.Actor, new AbandonRun(unfit.Kind, $"{node.Name}: {unfit.Reason}"))];
    }

    /// <summary>Steps are made from now on: whoever was refused before is to end.</summary>
    public IReadOnlyList<Letter> Begun(CurrentRun run)
    {
        run.HasBegun = true;
        return [.. nodes.All.SelectMany(node => Again(node, run))];
    }

    /// <summary>How a refused node is to end, unless the run has yet to begin: then it may be taken back.</summary>
    /// <param name="node">A node, refused or not.</param>
    /// <param name="run">The run; null: there is none.</param>
    public static IReadOnlyList<Letter> Again(KnownNode node, CurrentRun? run) =>
        node.Refusal is { } refusal && run is not { HasBegun: false } ? [new Letter(node.Actor, refusal)] : [];

    /// <summary>The run that they could not take part in has never begun.</summary>
    public void TakeBack()
    {
        foreach (KnownNode node in nodes.All)
            node.Refusal = null;
    }
}
