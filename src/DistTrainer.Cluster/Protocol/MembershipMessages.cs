using Akka.Actor;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Protocol;

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
