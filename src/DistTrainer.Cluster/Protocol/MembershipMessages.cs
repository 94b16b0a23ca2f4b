using Akka.Actor;
using DistTrainer.Engine;
using DistTrainer.Engine.Models;

namespace DistTrainer.Cluster.Protocol;

// Who takes part in a run, comes, goes, fails: between nodes, coordinator and run.

/// <summary>Node → run: the actors that it hosts for the run. No reply. A second copy changes nothing.</summary>
/// <param name="Node">The node.</param>
/// <param name="ParameterShards">The parameter shards on it.</param>
/// <param name="Workers">The workers on it.</param>
/// <param name="DataHash">
/// Hash of the data that it has read, and after a space its model's <see cref="IModel.Identity"/> where that is not
/// empty; all nodes' must be the same.
/// </param>
/// <param name="Generation">The newest generation that it was in, under whatever coordinator: the next one is
/// newer.</param>
internal sealed record ActorsHosted(
    NodeAddress Node, HostedParameterShard[] ParameterShards, IActorRef[] Workers, string DataHash, int Generation)
        : IControlMessage;

/// <summary>A parameter shard on a node.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Actor">Its actor.</param>
internal sealed record HostedParameterShard(int Index, IActorRef Actor);

/// <summary>Node → run: an actor failed and is not restarted. No reply.</summary>
/// <param name="Node">The node's name.</param>
/// <param name="Actor">The actor's name.</param>
/// <param name="Kind">What kind of failure.</param>
/// <param name="Message">Why, for people.</param>
internal sealed record ActorFailed(string Node, string Actor, FailureKind Kind, string Message) : IControlMessage;

/// <summary>Node → run: the data connection to another node is gone.</summary>
/// <param name="Generation">The newest generation that the node knew.</param>
/// <param name="Node">Who tells.</param>
/// <param name="Peer">The other end.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="PeerIsDead">Whether the other end's machine says that nobody listens there any more.</param>
internal sealed record LinkLost(int Generation, string Node, string Peer, string Reason, bool PeerIsDead)
    : IControlMessage;

/// <summary>
/// Run → coordinator: of these parameter shards there are too few copies, or none; deal them out anew.
/// </summary>
/// <param name="ParameterShards">Their numbers.</param>
/// <param name="Gone">Names of nodes that the run has lost; the cluster may not have noticed yet.</param>
internal sealed record ParameterShardsLost(
    IReadOnlyList<ScarceParameterShard> ParameterShards, IReadOnlyList<string> Gone);

/// <summary>A parameter shard of which there are too few copies.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Hosts">Names of the nodes that host it.</param>
internal sealed record ScarceParameterShard(int Index, IReadOnlyList<string> Hosts);

/// <summary>Coordinator → run: a node takes no part in the run from now on.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="Bans">Whether it stays out, whatever it says, until <see cref="NodeBack"/>.</param>
internal sealed record NodeGone(string Node, string Reason, bool Bans);

/// <summary>Coordinator → run: a node may take part again when it says that it is there.</summary>
/// <param name="Node">Its name.</param>
internal sealed record NodeBack(string Node);

/// <summary>Run → coordinator: a node cannot take part, and has no part in the run any more.</summary>
/// <param name="Node">Its name; the coordinator's own where the run's nodes agree that it is the one.</param>
/// <param name="Kind">What kind of failure: its exit code.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record NodeUnfit(string Node, FailureKind Kind, string Reason);

/// <summary>Run → coordinator: the first generation has begun.</summary>
internal sealed record RunBegun;

/// <summary>Coordinator → run: it can never begin, since nodes that it needs cannot take part.</summary>
/// <param name="Kind">What kind of failure.</param>
/// <param name="Reason">Why, for people.</param>
internal sealed record AbandonRun(FailureKind Kind, string Reason);

/// <summary>Run → coordinator, before its end: it fails.</summary>
/// <param name="Step">The last step that was reported.</param>
internal sealed record RunFails(long Step);
