using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Links;

/// <summary>Who takes parameters in.</summary>
internal enum Audience
{
    /// <summary>The workers of a node: every step's parameters.</summary>
    Workers,

    /// <summary>The run: parameters when it asks for them.</summary>
    Run,
}

/// <summary>
/// How the actors of one node reach those that take or send tensors: by a message with references where they share the
/// process, over the data plane where they do not.
/// </summary>
internal interface ILinks : IDisposable
{
    /// <summary>The newest generation that anybody on this node has joined; 0 before the first.</summary>
    int Generation { get; }

    /// <summary>
    /// Brings the node into a generation, for a worker: connects to the parameter shards' nodes, takes in their
    /// parameters from now on and tells <paramref name="worker"/> of them. Blocks until the links stand. A second call
    /// changes nothing.
    /// </summary>
    /// <param name="generation">The generation; older parameters are no longer taken in.</param>
    /// <param name="parameterShards">Those that the worker hands gradients in to.</param>
    /// <param name="worker">Gets <see cref="ParametersBroadcast"/>.</param>
    /// <returns>A link to each of them.</returns>
    /// <exception cref="IOException">A node cannot be reached or refuses.</exception>
    IReadOnlyList<IParameterShardLink> Join(
        int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef worker);

    /// <summary>
    /// As <see cref="Join"/> for the run, which must hear of who is lost while connecting takes its time.
    /// </summary>
    /// <param name="generation">The generation; older parameters are no longer taken in.</param>
    /// <param name="parameterShards">Those that hand parameters out.</param>
    /// <param name="run">Gets <see cref="ParametersBroadcast"/>.</param>
    /// <exception cref="IOException">A node cannot be reached or refuses.</exception>
    Task JoinAsync(int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef run);

    /// <summary>Takes in contributions for a parameter shard of this node, and tells it.</summary>
    /// <param name="generation">The generation; older contributions are no longer taken in.</param>
    /// <param name="parameterShard">Which one.</param>
    /// <param name="actor">Gets <see cref="PushGradient"/>.</param>
    void Serve(int generation, int parameterShard, IActorRef actor);

    /// <summary>Links to actors that take parameters in; one for all those of a node.</summary>
    /// <param name="audience">What they are.</param>
    /// <param name="places">Where they are; they have joined the generation.</param>
    IReadOnlyList<IParameterLink> To(Audience audience, IReadOnlyList<ActorPlace> places);
}

/// <summary>A parameter shard, as a worker sees it.</summary>
internal interface IParameterShardLink
{
    /// <summary>
    /// Whether contributions go over a network: not to this process, nor to one that can map this one's memory.
    /// </summary>
    bool LeavesMachine { get; }

    /// <summary>A part of a contribution is ready: it may be sent ahead of the contribution itself.</summary>
    /// <param name="worker">Who computed it.</param>
    /// <param name="step">The step.</param>
    /// <param name="node">Which data shards, and the flat gradient.</param>
    /// <param name="start">First element of the part in the flat vector.</param>
    /// <param name="length">Its elements; all of them belong to the parameter shard.</param>
    void Prepare(int worker, long step, GradientNode node, int start, int length);

    /// <summary>Hands a contribution in, all parts of which were prepared.</summary>
    void Push(PushGradient push);
}

/// <summary>A node with workers, or with the run, as a parameter shard sees it.</summary>
internal interface IParameterLink
{
    /// <summary>Hands a slice of the parameters on, and its slots where a round begins with it.</summary>
    /// <param name="broadcast">Which one.</param>
    /// <param name="parameters">The exchange of that step; the slice is not changed before the step after the
    /// next.</param>
    /// <param name="range">The slice; null only says that the step is applied.</param>
    void Broadcast(ParametersBroadcast broadcast, AlignedBuffer parameters, ParameterShardRange? range);
}

/// <summary>A data connection to a node could not be made.</summary>
/// <param name="node">The node's name.</param>
/// <param name="failure">Why.</param>
internal sealed class PeerFailure(string node, IOException failure) : IOException(failure.Message, failure)
{
    /// <summary>The node's name.</summary>
    public string Node => node;
}

/// <summary>Links within a process: buffers pass as references.</summary>
internal sealed class LocalLinks : ILinks
{
    // Nobody takes a run over in a single process.
    public int Generation => 0;

    public IReadOnlyList<IParameterShardLink> Join(
        int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef worker) =>
        [.. parameterShards.Select(shard => new LocalParameterShardLink(shard.Place.Actor))];

    public Task JoinAsync(int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef run) =>
        Task.CompletedTask;

    public void Serve(int generation, int parameterShard, IActorRef actor)
    {
        // Contributions reach the actor directly.
    }

    public IReadOnlyList<IParameterLink> To(Audience audience, IReadOnlyList<ActorPlace> places) =>
        [.. places.Select(place => new LocalParameterLink(place.Actor))];

    public void Dispose()
    {
        // There is nothing to close.
    }
}

/// <summary>A parameter shard in the same process.</summary>
internal sealed class LocalParameterShardLink(IActorRef actor) : IParameterShardLink
{
    public bool LeavesMachine => false;

    public void Prepare(int worker, long step, GradientNode node, int start, int length)
    {
        // The buffer is a reference: nothing goes ahead of the contribution.
    }

    public void Push(PushGradient push) => actor.Tell(push);
}

/// <summary>
/// A worker, or the run, in the same process: its parameters lie where the parameter shard wrote them.
/// </summary>
internal sealed class LocalParameterLink(IActorRef actor) : IParameterLink
{
    public void Broadcast(ParametersBroadcast broadcast, AlignedBuffer parameters, ParameterShardRange? range) =>
        actor.Tell(broadcast);
}
