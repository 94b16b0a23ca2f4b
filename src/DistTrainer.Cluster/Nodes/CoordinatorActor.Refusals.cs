using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Nodes;

// Who cannot take part, and what follows: the node is named and ends itself, and the run goes on without it.
internal sealed partial class CoordinatorActor
{
    private static FailureKind KindOf(Exception cause) => (cause as DistTrainerException)?.Kind ?? FailureKind.Internal;

    /// <summary>Why a node cannot take part in any run; null where it can.</summary>
    private string? Conflict(RegisterNode node)
    {
        if (NodeName.Problem(node.Node.Name) is { } problem)
            return $"its name {problem}; allowed: {NodeName.Allowed()}";
        if (node.Version != ProtocolVersion.Current)
            return $"this cluster speaks protocol version {ProtocolVersion.Current}, {node.Address} speaks "
                + $"{node.Version}; run the same version of disttrainer on every node";
        string own = _runtime.Services.Plugins;
        return node.Plugins == own ? null
            : $"this cluster has the plug-ins: {own}; {node.Address} has: {node.Plugins}; list the same files under "
            + "plugins on every node";
    }

    /// <summary>
    /// A node cannot take part in the run. Where steps have been made, others can, and it ends itself. A run that has
    /// not begun and never could without it ends with that reason, and its nodes stay for the next one.
    /// </summary>
    private void Refuse(NodeUnfit unfit)
    {
        if (_run is not { End: null } run || !Sender.Equals(run.Actor))
            return;
        if (unfit.Node == _runtime.Address.Name)
        {
            EndThisNode((int)unfit.Kind, unfit.Reason);
            return;
        }
        if (_nodes.Find(unfit.Node) is not { Refusal: null } node)
            return;
        LogRefused(node.Name, unfit.Reason);
        node.Refusal = new EndNode((int)unfit.Kind, unfit.Reason);
        TellRefusal(node);
        if (!run.HasBegun && _nodes.Missing() is not null)
            run.Actor.Tell(new AbandonRun(unfit.Kind, $"{node.Name}: {unfit.Reason}"));
    }

    private void OnBegun()
    {
        if (_run is not { End: null } run || !Sender.Equals(run.Actor))
            return;
        run.HasBegun = true;
        foreach (KnownNode node in _nodes.All)
            TellRefusal(node);
    }

    private void TellRefusal(KnownNode node)
    {
        if (node.Refusal is { } refusal && _run is not { HasBegun: false })
            node.Actor.Tell(refusal);
    }

    /// <summary>The run that they could not take part in has never begun.</summary>
    private void TakeBackRefusals()
    {
        foreach (KnownNode node in _nodes.All)
            node.Refusal = null;
    }

    /// <summary>This node is the one that cannot take part: another server is to lead.</summary>
    private void EndThisNode(int code, string reason)
    {
        LogRefused(_runtime.Address.Name, reason);
        _end(code, reason);
    }

    private void LogRefused(string node, string reason) =>
        _log.Event(LogLevel.WarningLevel, "node-refused node={Node} reason=\"{Reason}\"", node, reason);
}
