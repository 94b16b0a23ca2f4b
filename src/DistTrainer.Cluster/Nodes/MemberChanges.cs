using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Nodes;

/// <summary>What follows when nodes come, go, cannot be reached or cannot take part.</summary>
/// <param name="cluster">The cluster.</param>
internal sealed class MemberChanges(LedCluster cluster)
{
    private KnownNodes Nodes => cluster.Nodes;

    /// <summary>A node is there, as it says every few seconds.</summary>
    public void On(RegisterNode node, IActorRef sender)
    {
        if (Admission.Conflict(node, cluster.Plugins) is { } reason)
        {
            cluster.Log.NodeRefused(
                NodeName.Problem(node.Node.Name) is null ? node.Node.Name : sender.Path.Address.ToString(), reason);
            sender.Tell(new EndNode((int)FailureKind.Configuration, reason));
            return;
        }
        sender.Tell(cluster.Registered);
        cluster.Queue.Inherit(node);
        var known = new KnownNode(node, sender);
        if (Nodes.TryAdd(known))
            OnNew(known, node);
        else
            TellAgain(Nodes.Find(known.Name)!, node.Run);
    }

    /// <summary>The cluster does not reach a node.</summary>
    public void Unreachable(Address address)
    {
        foreach (KnownNode node in Nodes.At(address.ToString()))
        {
            node.IsReachable = false;
            cluster.Log.NodeUnreachable(node);
            cluster.TellRun(new NodeGone(node.Name, "the cluster cannot reach it", Bans: true));
        }
    }

    /// <summary>The cluster reaches a node again.</summary>
    public void Reachable(Address address)
    {
        foreach (KnownNode node in Nodes.At(address.ToString()))
        {
            node.IsReachable = true;
            cluster.Log.NodeReachable(node);
            if (node.IsWorking)
                cluster.TellRun(new NodeBack(node.Name));
        }
    }

    /// <summary>A node is no member any more.</summary>
    public void Removed(Address address)
    {
        foreach (KnownNode node in Nodes.At(address.ToString()))
            Forget(node, "it left the cluster");
    }

    /// <summary>The run says that a node cannot take part in it.</summary>
    public void On(NodeUnfit unfit, IActorRef sender)
    {
        if (cluster.Queue.Going is not { } run || !sender.Equals(run.Actor))
            return;
        if (unfit.Node == cluster.Name)
            cluster.EndThisNode(unfit.Kind, unfit.Reason);
        else
            LedCluster.Tell(cluster.Admission.Refuse(unfit, run));
    }

    /// <summary>The run's first generation has begun.</summary>
    public void OnBegun(IActorRef sender)
    {
        if (cluster.Queue.Going is { } run && sender.Equals(run.Actor))
            LedCluster.Tell(cluster.Admission.Begun(run));
    }

    private void OnNew(KnownNode known, RegisterNode node)
    {
        foreach (KnownNode old in Nodes.At(known.Address).Where(old => old != known))
            Forget(old, "its process was started anew");
        cluster.Log.NodeKnown(known, Nodes.Count);
        cluster.TakeOver(node.Run);
        cluster.Queue.Current?.Inherit(node.Kept);
        LedCluster.Tell(RunHosting.Join(known, cluster.Queue.Current));
        cluster.StartIfReady();
    }

    private void TellAgain(KnownNode node, HostedRun? hosts)
    {
        LedCluster.Tell(Admission.Again(node, cluster.Queue.Current));
        LedCluster.Tell(RunHosting.Again(node, hosts, cluster.Queue.Current));
    }

    private void Forget(KnownNode node, string reason)
    {
        Nodes.Remove(node);
        cluster.Log.NodeForgotten(node, reason, Nodes.Count);
        cluster.TellRun(new NodeGone(node.Name, reason, Bans: true));
        cluster.EndIfAlone();
    }
}
