using Akka.Actor;
using DistTrainer.Transport;

namespace DistTrainer.Cluster.Protocol;

/// <summary>Where a node takes tensors in.</summary>
/// <param name="Name">The node's name; another one after each start of its process.</param>
/// <param name="Endpoint">Where its data plane listens; null where nobody connects to it.</param>
/// <param name="Token">What a connection must show.</param>
internal sealed record NodeAddress(string Name, DataEndpoint? Endpoint, byte[] Token);

/// <summary>An actor and the node that it is on.</summary>
/// <param name="Actor">The actor.</param>
/// <param name="Node">Its node.</param>
internal sealed record ActorPlace(IActorRef Actor, NodeAddress Node);

/// <summary>Some data shards in a row.</summary>
/// <param name="First">First data shard.</param>
/// <param name="Count">How many.</param>
public readonly record struct DataShardRange(int First, int Count);

/// <summary>Where a worker's time went, in milliseconds a step.</summary>
/// <param name="Compute">Loading samples, forward, loss, backward.</param>
/// <param name="Wait">From the end of the backward pass until the last layer's parameters were in, computing not
/// counted.</param>
public readonly record struct WorkerTimes(double Compute, double Wait);

/// <summary>Where a parameter shard's time went, in milliseconds a step.</summary>
/// <param name="Gather">From the first contribution of a step to the last.</param>
/// <param name="Apply">Summing, updating, handing out.</param>
internal readonly record struct ParameterShardTimes(double Gather, double Apply);

/// <summary>A copy of a parameter shard.</summary>
/// <param name="Index">Number of the parameter shard.</param>
/// <param name="Place">Its actor, and where it is.</param>
internal sealed record ParameterShardCopyPlace(int Index, ActorPlace Place);
