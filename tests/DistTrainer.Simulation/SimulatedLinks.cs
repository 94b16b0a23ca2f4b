using Akka.Actor;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Simulation;

/// <summary>
/// The links of one node, with simulated connections in the place of sockets: the same bookkeeping as
/// <see cref="DataPlaneLinks"/>, and floats are copied, late, from where they lie at that moment.
/// </summary>
/// <param name="simulation">Time, network and invariants.</param>
/// <param name="node">The node.</param>
internal sealed class SimulatedLinks(SeedRun simulation, Node node) : ILinks
{
    private readonly Dictionary<string, Connection> _dialed = [];
    private readonly Dictionary<string, Connection> _accepted = [];
    private readonly Dictionary<int, Served> _served = [];
    private readonly Listeners _listeners = new();

    private sealed record Served(int Generation, IActorRef Actor)
    {
        public Dictionary<(int Worker, TreeNode Node), AlignedBuffer> Contributions { get; } = [];
    }

    /// <summary>Connections that this side knows.</summary>
    public IEnumerable<Connection> Connections => _dialed.Values.Concat(_accepted.Values);

    private TrainingSetup Setup => node.Setup;

    private Exchange Exchange => Setup.Exchange;

    public int Generation =>
        Math.Max(_listeners.Generation, _served.Values.Select(served => served.Generation).DefaultIfEmpty(0).Max());

    public IReadOnlyList<IParameterShardLink> Join(
        int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef worker) =>
        Join(generation, parameterShards, Audience.Workers, worker);

    public Task JoinAsync(int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef run)
    {
        var joining = new TaskCompletionSource();
        simulation.Time.After(simulation.Network.Delay(), () =>
        {
            try
            {
                if (!simulation.Network.IsClosed)
                    Join(generation, parameterShards, Audience.Run, run);
                joining.SetResult();
            }
            catch (IOException failure)
            {
                joining.SetException(failure);
            }
        });
        return joining.Task;
    }

    public void Serve(int generation, int parameterShard, IActorRef actor)
    {
        simulation.Invariants.Begin(generation);
        _served[parameterShard] = new Served(generation, actor);
    }

    public IReadOnlyList<IParameterLink> To(Audience audience, IReadOnlyList<ActorPlace> places)
    {
        var links = new List<IParameterLink>();
        foreach (IGrouping<string, ActorPlace> group in places.GroupBy(place => place.Node.Name))
        {
            if (group.Key == node.Name)
                links.AddRange(group.Select(place => new ParameterLink(this, null, audience, place.Actor)));
            else if (_accepted.TryGetValue(group.Key, out Connection? connection))
                links.Add(new ParameterLink(this, connection, audience, ActorRefs.Nobody));
            else
                TellLost(group.Key, "it has no connection here");
        }
        return links;
    }

    /// <summary>A node has connected to this one.</summary>
    public void Opened(Connection connection)
    {
        if (_accepted.Remove(connection.Dialer.Name, out Connection? old))
            old.Close(node, "the peer connected again");
        _accepted[connection.Dialer.Name] = connection;
    }

    /// <summary>A connection is gone.</summary>
    public void Closed(Connection connection, string reason)
    {
        string peer = connection.Peer(node).Name;
        bool wasOurs = Remove(_dialed) | Remove(_accepted);
        if (wasOurs)
            TellLost(peer, reason);

        bool Remove(Dictionary<string, Connection> connections) =>
            connections.GetValueOrDefault(peer) == connection && connections.Remove(peer);
    }

    public void Dispose()
    {
        // Connections end with the node.
    }

    private IReadOnlyList<IParameterShardLink> Join(
        int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, Audience audience, IActorRef listener)
    {
        _listeners.Join(generation, audience, listener);
        return [
            .. parameterShards.Select(
                shard =>
                new ParameterShardLink(
                    this, shard.Place.Node.Name == node.Name ? null
                    : Connect(shard.Place.Node.Name), generation, shard.Index, shard.Place.Actor))];
    }

    private Connection Connect(string name)
    {
        if (!_dialed.TryGetValue(name, out Connection? connection))
        {
            try
            {
                _dialed[name] = connection = simulation.Connect(node, name);
            }
            catch (IOException failure)
            {
                throw new PeerFailure(name, failure);
            }
        }
        return connection;
    }

    private void TellLost(string name, string reason)
    {
        Node peer = simulation.Network.Nodes.First(other => other.Name == name);
        bool isDead = peer is { IsAlive: false, IsSilent: false };
        peer.IsUnreachable |= isDead;
        simulation.Network.View(simulation.Run, node).Tell(new LinkLost(Generation, node.Name, name, reason, isDead));
    }

    // As on the data plane: floats of another generation have no place.
    private void TakeGradient(
        int generation, int parameterShard, (int Worker, TreeNode Node) contribution, int start,
        ReadOnlySpan<float> floats)
    {
        if (!_served.TryGetValue(parameterShard, out Served? served) || served.Generation != generation)
            return;
        ParameterShardRange range = Setup.Ranges[parameterShard];
        if (!served.Contributions.TryGetValue(contribution, out AlignedBuffer? buffer))
            served.Contributions[contribution] = buffer = simulation.Keep(
                new AlignedBuffer(range.Length + Exchange.SlotsOf(range).Length));
        floats.CopyTo(buffer.Span.Slice(Exchange.PlaceIn(range, start, floats.Length)!.Value, floats.Length));
    }

    private void TakePush(int parameterShard, PushGradient push, bool sharesMemory)
    {
        if (!_served.TryGetValue(parameterShard, out Served? served) || served.Generation != push.Generation)
            return;
        if (sharesMemory)
            served.Actor.Tell(push);
        else if (served.Contributions.TryGetValue((push.Worker, push.Node), out AlignedBuffer? buffer))
            served.Actor.Tell(push with { Gradient = buffer, Offset = Setup.Ranges[parameterShard].Start });
    }

    private void TakeParameters(int generation, long step, int start, ReadOnlySpan<float> floats)
    {
        if (generation == _listeners.Generation)
            floats.CopyTo(Setup.Parameters[step].Span.Slice(start, floats.Length));
    }

    private void TakeBroadcast(Audience audience, ParametersBroadcast broadcast)
    {
        foreach (IActorRef listener in _listeners.Of(broadcast.Generation, audience))
            listener.Tell(broadcast);
    }

    /// <summary>A parameter shard, here or elsewhere, as a worker sees it.</summary>
    private sealed class ParameterShardLink(SimulatedLinks links, Connection? connection, int generation,
        int parameterShard, IActorRef actor) : IParameterShardLink
    {
        public bool LeavesMachine => connection is { SharesMemory: false };

        public void Prepare(int worker, long step, GradientNode node, int start, int length)
        {
            if (connection is not { SharesMemory: false })
                return;
            SimulatedLinks peer = connection.Acceptor.Links;
            links.Simulation.SendFloats(connection, links.Node, node.Gradient, start, length,
                floats => peer.TakeGradient(generation, parameterShard, (worker, node.Node), start, floats));
        }

        public void Push(PushGradient push)
        {
            links.Simulation.Invariants.Used(
                links.Node, push.Generation, links.Exchange.Ends.Before(push.Step));
            if (connection is null)
                actor.Tell(push);
            else
                links.Simulation.SendMessage(
                    connection, links.Node, push, () =>
                    connection.Acceptor.Links.TakePush(parameterShard, push, connection.SharesMemory));
        }
    }

    /// <summary>Workers of a node, or the run, here or elsewhere, as a parameter shard sees them.</summary>
    private sealed class ParameterLink(SimulatedLinks links, Connection? connection, Audience audience, IActorRef actor)
        : IParameterLink
    {
        public void Broadcast(ParametersBroadcast broadcast, AlignedBuffer parameters, ParameterShardRange? range)
        {
            if (range is { } slice)
                links.Simulation.Invariants.HandedOut(
                    links.Node, broadcast, slice.Start, parameters.Span.Slice(slice.Start, slice.Length));
            if (connection is null)
            {
                actor.Tell(broadcast);
                return;
            }
            SimulatedLinks peer = connection.Dialer.Links;
            SendFloats(peer, broadcast, parameters, range?.Start ?? 0, range?.Length ?? 0);
            if (range is { } own && links.Exchange.CarriesSlots(broadcast.Step))
                SendFloats(
                    peer, broadcast, parameters, links.Exchange.SlotsOf(own).Start, links.Exchange.SlotsOf(own).Length);
            links.Simulation.SendMessage(
                connection, links.Node, broadcast, () => peer.TakeBroadcast(audience, broadcast));
        }

        private void SendFloats(
            SimulatedLinks peer, ParametersBroadcast broadcast, AlignedBuffer parameters, int start, int length) =>
            links.Simulation.SendFloats(
                connection!, links.Node, parameters, start, length, floats =>
                peer.TakeParameters(broadcast.Generation, broadcast.Step, start, floats));
    }

    private Node Node => node;

    private SeedRun Simulation => simulation;
}
