using Akka.Actor;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run;

// Nodes that fail before they have taken part: they are refused, and the run goes on as if they had not come.
internal sealed partial class RunActor
{
    private readonly LinkFailures _linkFailures = new();
    private readonly HashSet<(string Node, string Actor)> _tookPart = [];

    /// <summary>A generation begins: from now on a failure of these actors is the run's.</summary>
    private void TakePart()
    {
        if (_tookPart.Count == 0)
            Context.Parent.Tell(new RunBegun());
        ActorPlace[] all = [.. _parameterShards, .. _workers];
        _tookPart.UnionWith(all.Select(place => (place.Node.Name, place.Actor.Path.Name)));
        _linkFailures.Forget(all.Select(place => place.Node.Name).Append(_node.Name).ToHashSet());
    }

    /// <summary>Whether an actor, or a whole node, failed that was about to take part; the run can do without it.</summary>
    private bool IsNewcomer(ActorFailed failed) =>
        _options.ToleratesLoss && failed.Node != _node.Name && !_tookPart.Contains((failed.Node, failed.Actor));

    private void Refuse(string node, FailureKind kind, string reason)
    {
        _banned.Add(node);
        Context.Parent.Tell(new NodeUnfit(node, kind, reason));
        OnGone(node, reason);
    }

    private void OnOtherData(ActorsHosted hosted)
    {
        // A node that was in the run before this one led it has the run's data; then this node has not.
        bool isThisNode = !_hasLed && hosted.Generation > 0;
        (FailureKind kind, string reason) = isThisNode
            ? TrainingSetup.Difference(runs: hosted.DataHash, nodes: _setup.Common)
            : TrainingSetup.Difference(runs: _setup.Common, nodes: hosted.DataHash);
        if (isThisNode)
            Context.Parent.Tell(new NodeUnfit(_node.Name, kind, reason));
        else if (!_banned.Contains(hosted.Node.Name))
            Refuse(hosted.Node.Name, kind, reason);
    }

    /// <summary>A worker's node could not connect to the parameter shards: it is tried again, but not for ever.</summary>
    private void OnNotLinked(DataShardsRefused refused)
    {
        string node = _workers[refused.Worker].Node.Name;
        if (refused.Peer is not { } peer || !IsRefused(node, peer, refused.Reason))
            OnGone(node, refused.Reason);
    }

    /// <summary>This node could not connect to a server.</summary>
    /// <returns>Whether the server was refused.</returns>
    private bool IsRefused(Linked linked) =>
        (linked.Failure as PeerFailure ?? linked.Failure?.InnerException as PeerFailure) is { } failure && IsRefused(_node.Name, failure.Node, failure.Message);

    private bool IsRefused(string dialer, string peer, string reason)
    {
        if (_linkFailures.Add(dialer, peer, _node.Name, node => _tookPart.All(actor => actor.Node != node)) is not { } blamed)
            return false;
        Refuse(blamed, FailureKind.Quorum, $"data connections from {dialer} to {peer} could not be made {LinkFailures.Most} times in a row ({reason.TrimEnd('.')}); "
            + "do all nodes reach each other's data ports under the addresses that they announce?");
        return true;
    }
}
