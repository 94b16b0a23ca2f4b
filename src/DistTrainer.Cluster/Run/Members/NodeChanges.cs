using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Phases;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// What follows when nodes come, go, fail, cannot reach each other or do not answer: whoever takes part has changed,
/// and a new generation begins. A node that fails before it has taken part is refused, and the run goes on as if it had
/// not come.
/// </summary>
/// <param name="run">The run.</param>
internal sealed class NodeChanges(LedRun run)
{
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(300);
    private readonly LinkFailures _linkFailures = new();

    /// <summary>Nodes that start together have come: they join in one generation.</summary>
    internal sealed record JoinsSettled;

    private Membership Members => run.Members;

    /// <summary>A node is there, as it says every few seconds.</summary>
    public void On(ActorsHosted hosted)
    {
        if (hosted.DataHash != run.Setup.Common)
        {
            OnOtherData(hosted);
            return;
        }
        if (!Members.Add(hosted, run.Shell.Now))
            return;
        if (!run.Options.ToleratesLoss)
        {
            run.Renew(); // who is lost is not waited for
            return;
        }
        run.Log.NodeJoined(hosted);
        SettleLater(s_settle);
    }

    /// <summary>The cluster has lost a node, or it leaves.</summary>
    public void On(NodeGone gone)
    {
        if (gone.Bans)
            Members.Ban(gone.Node);
        Remove(gone.Node, gone.Reason);
    }

    /// <summary>
    /// A worker's node that lost a link is most likely dead: the others go on without it at once, and it is taken in
    /// again if it says that it is there. Where parameter shards are at the other end, all try once more.
    /// </summary>
    public void On(LinkLost lost)
    {
        if (Members.Find(lost.Peer) is not { } peer || Members.Find(lost.Node) is null)
            return;
        if (peer.ParameterShards.Length == 0 || lost.PeerIsDead)
        {
            Remove(lost.Peer, $"{lost.Node} lost its connection: {lost.Reason}");
        }
        else if (lost.Generation == run.Generation.Number)
        {
            run.Log.LinkLost(lost, run.Step);
            run.Renew();
        }
    }

    /// <summary>An actor failed, or a whole node.</summary>
    public void OnFailed(ActorFailed failed)
    {
        string message = failed.Kind == FailureKind.Internal
            ? $"{failed.Actor} failed in epoch {run.Setup.EpochOf(run.Step + 1)}: {failed.Message}" : failed.Message;
        if (IsNewcomer(failed))
            Refuse(failed.Node, failed.Kind, message);
        else if (run.Options.ToleratesLoss && failed.Actor.StartsWith("worker", StringComparison.Ordinal))
            Remove(failed.Node, message);
        else
            run.Fail(new DistTrainerException(failed.Kind, message));
    }

    /// <summary>
    /// A worker's node could not connect to the parameter shards: it is tried again, but not for ever.
    /// </summary>
    public void On(DataShardsRefused refused)
    {
        string node = run.Generation.Workers[refused.Worker].Node.Name;
        if (refused.Peer is not { } peer || !IsRefused(node, peer, refused.Reason))
            Remove(node, refused.Reason);
    }

    /// <summary>This node could not connect to a server.</summary>
    /// <returns>Whether a node was refused for it.</returns>
    public bool IsRefused(Linked linked) =>
        (linked.Failure as PeerFailure ?? linked.Failure?.InnerException as PeerFailure) is { } failure
        && IsRefused(run.Node.Name, failure.Node, failure.Message);

    /// <summary>A new generation begins after a while, unless one is about to.</summary>
    public void SettleLater(TimeSpan delay)
    {
        if (!run.Shell.Timers.IsTimerActive(nameof(JoinsSettled)))
            run.Shell.After(delay, new JoinsSettled());
    }

    /// <summary>
    /// A message may have been lost: a new generation asks everybody again, but for nodes that have not said for long
    /// that they are there. What does take so long gets twice the time.
    /// </summary>
    public void AskAgain()
    {
        if (!run.Options.ToleratesLoss)
            return;
        run.Waits.Double();
        IReadOnlyList<(string Node, TimeSpan Silence)> silent = Members.Silent(WaitWatch.Lost, run.Shell.Now);
        foreach ((string node, TimeSpan silence) in silent)
            Remove(node, $"it has said nothing for {silence.TotalSeconds:F0} s");
        if (silent.Count == 0)
            run.Renew();
    }

    /// <summary>A generation begins: from now on a failure of its actors is the run's.</summary>
    public void TakePart()
    {
        if (!Members.HasBegun)
            run.Shell.Coordinator.Tell(new RunBegun(), run.Shell.Self);
        ActorPlace[] all = [.. run.Generation.ParameterShards, .. run.Generation.Workers];
        Members.TakePart(all);
        _linkFailures.Forget(all.Select(place => place.Node.Name).Append(run.Node.Name).ToHashSet());
    }

    /// <summary>Asks for other hosts of parameter shards of which copies are lost.</summary>
    public void TellLost()
    {
        if (Members.Scarce is { Count: > 0 } scarce)
            run.Shell.Coordinator.Tell(new ParameterShardsLost(scarce, Members.Lost), run.Shell.Self);
    }

    private void Remove(string node, string reason)
    {
        if (Members.Remove(node, run.Shell.Now) is not { } gone)
        {
            // It may have been about to host some.
            if (!run.IsStarted)
                TellLost();
            return;
        }
        run.Log.NodeGone(gone, run.Step, reason);
        TellLost();
        run.Renew();
    }

    /// <summary>
    /// Whether an actor, or a whole node, failed that was about to take part; the run can do without it.
    /// </summary>
    private bool IsNewcomer(ActorFailed failed) =>
        run.Options.ToleratesLoss && failed.Node != run.Node.Name && !Members.TookPart(failed.Node, failed.Actor);

    private void Refuse(string node, FailureKind kind, string reason)
    {
        Members.Ban(node);
        run.Shell.Coordinator.Tell(new NodeUnfit(node, kind, reason), run.Shell.Self);
        Remove(node, reason);
    }

    private void OnOtherData(ActorsHosted hosted)
    {
        // A node that was in the run before this one led it has the run's data; then this node has not.
        bool isThisNode = !run.Asked.HasLed && hosted.Generation > 0;
        (string own, string others) = (run.Setup.Common, hosted.DataHash);
        (FailureKind kind, string reason) = isThisNode
            ? TrainingSetup.Difference(runs: others, nodes: own) : TrainingSetup.Difference(runs: own, nodes: others);
        if (isThisNode)
            run.Shell.Coordinator.Tell(new NodeUnfit(run.Node.Name, kind, reason), run.Shell.Self);
        else if (!Members.IsBanned(hosted.Node.Name))
            Refuse(hosted.Node.Name, kind, reason);
    }

    private bool IsRefused(string dialer, string peer, string reason)
    {
        if (_linkFailures.Add(dialer, peer, run.Node.Name, Members.IsNewcomer) is not { } blamed)
            return false;
        Refuse(blamed, FailureKind.Quorum,
            $"data connections from {dialer} to {peer} could not be made {LinkFailures.Most} times in a row "
                + $"({reason.TrimEnd('.')}); "
            + "do all nodes reach each other's data ports under the addresses that they announce?");
        return true;
    }
}
