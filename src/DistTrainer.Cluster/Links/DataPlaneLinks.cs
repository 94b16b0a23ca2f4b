using System.Buffers;
using System.Collections.Concurrent;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Consistency;
using DistTrainer.Transport;
using MessagePack;

// Over 300 lines: the only place that knows both the actors' messages and the connections' buffers.
namespace DistTrainer.Cluster.Links;

/// <summary>
/// Links of one node to the others for one run. Workers' nodes connect to parameter shards' nodes; gradients go up and
/// parameters come down the same connection. Floats are received where they are used: parameters in the buffer of their
/// step, gradients in a buffer for each contribution. Between processes of one machine gradients are read, and
/// parameters copied, from memory that both have mapped. A lost connection is told to the run at once.
/// </summary>
/// <param name="parameters">The run's parameters on this node.</param>
/// <param name="ranges">Its parameter shards.</param>
/// <param name="dataShards">Its data shards.</param>
/// <param name="copiesFloats">Whether gradients may change while they are sent, as a backup worker's do.</param>
/// <param name="plane">The node's data plane.</param>
/// <param name="runId">The run; connections of another one are refused.</param>
/// <param name="self">This node.</param>
internal sealed class DataPlaneLinks(
    ParameterBuffers parameters, IReadOnlyList<ParameterShardRange> ranges, int dataShards, bool copiesFloats,
        DataPlane plane, string runId, NodeAddress self) : ILinks
{
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_acceptTimeout = TimeSpan.FromSeconds(1);
    private readonly object _joining = new();
    private readonly ConcurrentDictionary<string, DataConnection> _dialed = new();
    private readonly ConcurrentDictionary<string, DataConnection> _accepted = new();
    private readonly ConcurrentDictionary<int, Served> _served = new();
    private readonly ConcurrentDictionary<string, (DataEndpoint? Endpoint, Action Died)> _peers = new();
    // A reader thread writes through a pointer, which keeps nothing alive: a buffer of an older generation would be
    // freed under it.
    [ThreadStatic]
    private static AlignedBuffer? s_receiving;
    private readonly Listeners _listeners = new();
    private volatile bool _isClosed;

    /// <summary>
    /// A parameter shard of this node, with the buffers of the contributions to it. A slow worker may still be sending
    /// what another has handed in for it.
    /// </summary>
    private sealed record Served(int Generation, IActorRef Actor)
    {
        public ConcurrentDictionary<(int Worker, TreeNode Node), AlignedBuffer> Contributions { get; } = new();
    }

    /// <summary>
    /// Gives what to call when the process that is a member at a cluster address now is known to have ended.
    /// </summary>
    public Func<Address, Action> DeathOf { get; set; } = _ => () => { };

    /// <summary>Leads the run; hears of lost connections.</summary>
    public IActorRef Owner { get; set; } = ActorRefs.Nobody;

    public IReadOnlyList<IParameterShardLink> Join(
        int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef worker) =>
        Join(generation, parameterShards, Audience.Workers, worker);

    public Task JoinAsync(int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, IActorRef run) =>
        Task.Run(() => Join(generation, parameterShards, Audience.Run, run));

    private IReadOnlyList<IParameterShardLink> Join(
        int generation, IReadOnlyList<ParameterShardCopyPlace> parameterShards, Audience audience, IActorRef listener)
    {
        lock (_joining)
        {
            if (_listeners.Join(generation, audience, listener))
            {
                foreach (DataConnection connection in _dialed.Values)
                    connection.Segments.Forget(); // workers of another generation have gradients of their own
            }
            foreach (ActorPlace place in parameterShards.Select(shard => shard.Place))
                // its membership may not have been known here the last time
                _peers[place.Node.Name] = (place.Node.Endpoint, DeathOf(place.Actor.Path.Address));
            return [.. parameterShards.Select(shard => shard.Place.Node.Name == self.Name
                ? (IParameterShardLink)new LocalParameterShardLink(shard.Place.Actor)
                : new RemoteParameterShardLink(
                    Connect(shard.Place.Node), generation, shard.Index, parameters.Exchange))];
        }
    }

    public void Serve(int generation, int parameterShard, IActorRef actor) =>
        _served[parameterShard] = new Served(generation, actor);

    public IReadOnlyList<IParameterLink> To(Audience audience, IReadOnlyList<ActorPlace> places)
    {
        var links = new List<IParameterLink>();
        foreach (IGrouping<string, ActorPlace> node in places.GroupBy(place => place.Node.Name))
        {
            if (node.Key == self.Name)
                links.AddRange(node.Select(place => new LocalParameterLink(place.Actor)));
            else if (Accepted(node.Key) is { } connection)
            {
                Watch(node.First());
                links.Add(new RemoteParameterLink(connection, audience, parameters.Exchange));
            }
            else
                Owner.Tell(
                    new LinkLost(Generation, self.Name, node.Key, "it has no connection here", PeerIsDead: false));
        }
        return links;
    }

    /// <summary>Whether a peer belongs to this run.</summary>
    public (bool Accepted, string Reason) Admit(Hello hello) => hello.RunId == runId
        ? (true, "")
        : (false, $"the run here is {runId}, not {hello.RunId}");

    /// <summary>A connection stands.</summary>
    public void Opened(DataConnection connection)
    {
        connection.CopiesFloats = copiesFloats;
        if (connection.IsDialed)
            return;
        _accepted.AddOrUpdate(connection.Peer, connection, (_, old) =>
        {
            old.Close();
            return connection;
        });
    }

    /// <summary>Where floats go; nothing where they are of an old generation.</summary>
    /// <exception cref="InvalidDataException">They have no place in this run.</exception>
    public Span<float> Place(in FloatsHeader header)
    {
        Exchange exchange = parameters.Exchange;
        if (header.Count < 0 || header.Offset < 0 || header.Offset > exchange.Length - header.Count)
            throw new InvalidDataException(
                $"floats {header.Offset} to {header.Offset + (long)header.Count} lie outside of the "
                + $"{exchange.Length} parameters{(exchange.Slots > 0 ? " and slots" : "")}.");
        if (header.AreRounded && exchange.Codec is null)
            throw new InvalidDataException("the floats are rounded; those of this run are not.");
        if (header.AreParameters)
            return header.Generation == _listeners.Generation ? Receiving(parameters[header.Step])
                .Slice(header.Offset, header.Count) : [];
        var node = new TreeNode(header.NodeStart, header.NodeCount);
        if (!GradientTree.IsNode(node, dataShards))
            throw new InvalidDataException(
                $"data shards {node.Start} to {node.Start + (long)node.Count - 1} are no subtree of {dataShards}.");
        if (!_served.TryGetValue(header.ParameterShard, out Served? served) || served.Generation != header.Generation)
            return [];
        ParameterShardRange range = ranges[header.ParameterShard];
        if (exchange.PlaceIn(range, header.Offset, header.Count) is not { } place)
            throw new InvalidDataException(
                $"floats {header.Offset} to {header.Offset + header.Count} lie outside of parameter shard "
                + $"{range.Index}, {range.Start} to {range.End}.");
        // Each data shard has one worker, and at most one other that stands in for it.
        if (served.Contributions.Count >= 2 * dataShards && !served.Contributions.ContainsKey((header.Sender, node)))
            throw new InvalidDataException(
                $"data shards {node.Start} to {node.End - 1} of worker {header.Sender} are one contribution too many; "
                + $"there are {served.Contributions.Count} for {dataShards} data shards.");
        int length = range.Length + exchange.SlotsOf(range).Length;
        return Receiving(served.Contributions.GetOrAdd((header.Sender, node), _ => new AlignedBuffer(length)))
            .Slice(place, header.Count);
    }

    private static Span<float> Receiving(AlignedBuffer buffer)
    {
        s_receiving = buffer;
        return buffer.Span;
    }

    /// <summary>Tells a message to the actors that it is for.</summary>
    /// <exception cref="InvalidDataException">It is not one of <see cref="LinkMessages"/>.</exception>
    public void Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body)
    {
        try
        {
            Deliver(connection, kind, new ReadOnlySequence<byte>(body.ToArray()));
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException or OverflowException)
        {
            throw new InvalidDataException($"a message of kind {kind} is not what its kind asks for: {e.Message}", e);
        }
    }

    private void Deliver(DataConnection connection, byte kind, ReadOnlySequence<byte> message)
    {
        switch (kind)
        {
            case LinkMessages.Push:
                (int shard, PushGradient? push) = LinkMessages.ReadPush(
                    message, dataShards, (generation, shard, worker, node, segment) =>
                        Contribution(connection, generation, shard, worker, node, segment));
                if (push is not null)
                    _served[shard].Actor.Tell(push);
                break;
            case LinkMessages.Broadcast or LinkMessages.Collected:
                (ParametersBroadcast broadcast, int inMemory) = LinkMessages.ReadBroadcast(message);
                if (broadcast.Generation == _listeners.Generation && inMemory != 0)
                    Copy(connection, broadcast, inMemory);
                foreach (IActorRef listener in _listeners.Of(broadcast.Generation, kind == LinkMessages.Broadcast
                    ? Audience.Workers : Audience.Run))
                    listener.Tell(broadcast);
                break;
            case SegmentMessages.Offer:
                connection.Segments.TakeOffer(SegmentMessages.ReadOffer(message), parameters.Exchange.Length);
                break;
            case SegmentMessages.Answer:
                (int answered, bool isMapped) = SegmentMessages.ReadAnswer(message);
                connection.Segments.TakeAnswer(answered, isMapped);
                break;
            default:
                throw new InvalidDataException(
                    $"message kind {kind} is not known; known are {LinkMessages.Push} to {SegmentMessages.Answer}.");
        }
    }

    // A worker listens for no data, but its cluster port tells as much of its process. Akka removes a dead member only
    // after some quiet time, and all members at once where another dies meanwhile that had missed the first.
    private void Watch(ActorPlace place)
    {
        Address address = place.Actor.Path.Address;
        if ((place.Node.Endpoint ?? (address is { Host: { } host, Port: { } port }
            ? new DataEndpoint(host, port, null, "") : null)) is { } endpoint)
            _peers[place.Node.Name] = (endpoint, DeathOf(address));
    }

    /// <summary>A connection is gone.</summary>
    public void Closed(DataConnection connection, Exception? cause)
    {
        bool wasOurs = _dialed.TryRemove(KeyValuePair.Create(connection.Peer, connection)) | _accepted.TryRemove(
            KeyValuePair.Create(connection.Peer, connection));
        if (wasOurs && !_isClosed)
            _ = TellLostAsync(connection.Peer, Generation, cause?.Message ?? "the connection was closed");
    }

    // A machine that is up and refuses says that the process is gone: much sooner than heartbeats that stay away.
    private async Task TellLostAsync(string name, int generation, string reason)
    {
        bool isDead = false;
        if (_peers.TryGetValue(name, out (DataEndpoint? Endpoint, Action Died) peer))
        {
            isDead = await PeerProbe.IsGoneAsync(peer.Endpoint!).ConfigureAwait(false);
            if (isDead)
                peer.Died();
        }
        Owner.Tell(new LinkLost(generation, self.Name, name, reason, isDead));
    }

    public void Dispose()
    {
        _isClosed = true;
        foreach (DataConnection connection in _dialed.Values.Concat(_accepted.Values))
            connection.Close();
    }

    public int Generation =>
        Math.Max(_listeners.Generation, _served.Values.Select(served => served.Generation).DefaultIfEmpty(0).Max());

    // The peer may tell the run that its link stands before this side's thread has said so.
    private DataConnection? Accepted(string node)
    {
        SpinWait.SpinUntil(() => _accepted.ContainsKey(node), s_acceptTimeout);
        return _accepted.GetValueOrDefault(node);
    }

    private (AlignedBuffer Buffer, int Offset)? Contribution(
        DataConnection connection, int generation, int parameterShard, int worker, TreeNode node, int segment)
    {
        if (!_served.TryGetValue(parameterShard, out Served? served) || served.Generation != generation)
            return null;
        if (segment != 0)
            return connection.Segments.Mapped(segment) is { } shared ? (shared, 0) : null;
        return served.Contributions.TryGetValue((worker, node), out AlignedBuffer? buffer)
            ? (buffer, ranges[parameterShard].Start) : null;
    }

    // The parameter shard writes over its buffer two steps later: the slice counts as received only once it is copied.
    private void Copy(DataConnection connection, ParametersBroadcast broadcast, int segment)
    {
        if (broadcast.ParameterShard < 0 || broadcast.ParameterShard >= ranges.Count)
            throw new InvalidDataException(
                $"parameter shard {broadcast.ParameterShard} does not exist; there are {ranges.Count}.");
        if (connection.Segments.Mapped(segment) is not { } shared)
            return;
        ParameterShardRange range = ranges[broadcast.ParameterShard];
        Copy(range.Start, range.Length);
        if (parameters.Exchange.CarriesSlots(broadcast.Step))
            Copy(parameters.Exchange.SlotsOf(range).Start, parameters.Exchange.SlotsOf(range).Length);
        GC.KeepAlive(shared);

        void Copy(int start, int length) =>
            shared.Span.Slice(start, length).CopyTo(parameters[broadcast.Step].Span.Slice(start, length));
    }

    private DataConnection Connect(NodeAddress node)
    {
        if (_dialed.TryGetValue(node.Name, out DataConnection? connection))
            return connection;
        try
        {
            return _dialed[node.Name] = node.Endpoint is null
                ? throw new IOException($"{node.Name} has no data plane.")
                : plane.Connect(node.Endpoint, node.Token, new Hello(runId, self.Name), s_connectTimeout);
        }
        catch (IOException failure)
        {
            throw new PeerFailure(node.Name, failure);
        }
    }
}

/// <summary>A parameter shard on another node.</summary>
internal sealed class RemoteParameterShardLink(
    DataConnection connection, int generation, int parameterShard, Exchange exchange) : IParameterShardLink
{
    private readonly ArrayBufferWriter<byte> _message = new();
    private readonly Dictionary<AlignedBuffer, (long Step, int Segment)> _segments = [];

    public bool LeavesMachine => !connection.Segments.MayBeShared;

    public void Prepare(int worker, long step, GradientNode node, int start, int length)
    {
        // A step's floats are all sent or all left where they are, even if the peer's answer comes in its midst.
        if (!_segments.TryGetValue(node.Gradient, out var used) || used.Step != step)
            _segments[node.Gradient] = used = (step, connection.Segments.NumberOf(node.Gradient));
        if (used.Segment == 0)
            connection.Send(
                new FloatsHeader(
                    exchange.IsRounded(node.Node) ? FloatsKind.RoundedGradient : FloatsKind.Gradient, generation, step,
                    parameterShard, worker, node.Node.Start, node.Node.Count, start, length), node.Gradient, start);
    }

    public void Push(PushGradient push)
    {
        _message.ResetWrittenCount();
        LinkMessages.Write(_message, parameterShard, push, _segments.GetValueOrDefault(push.Gradient).Segment);
        connection.Send(LinkMessages.Push, _message.WrittenSpan);
    }
}

/// <summary>Workers, or the run, on another node.</summary>
internal sealed class RemoteParameterLink(DataConnection connection, Audience audience, Exchange exchange)
    : IParameterLink
{
    private readonly ArrayBufferWriter<byte> _message = new();

    public void Broadcast(ParametersBroadcast broadcast, AlignedBuffer parameters, ParameterShardRange? range)
    {
        int segment = range is null ? 0 : connection.Segments.NumberOf(parameters);
        if (segment == 0 && range is { } slice)
        {
            Send(broadcast, parameters, slice.Start, slice.Length);
            if (exchange.CarriesSlots(broadcast.Step))
                Send(broadcast, parameters, exchange.SlotsOf(slice).Start, exchange.SlotsOf(slice).Length);
        }
        _message.ResetWrittenCount();
        LinkMessages.Write(_message, broadcast, segment);
        connection.Send(
            audience == Audience.Run ? LinkMessages.Collected : LinkMessages.Broadcast, _message.WrittenSpan);
    }

    private void Send(ParametersBroadcast broadcast, AlignedBuffer parameters, int start, int length) =>
        connection.Send(
            new FloatsHeader(
                exchange.Codec is null ? FloatsKind.Parameters : FloatsKind.RoundedParameters, broadcast.Generation,
                broadcast.Step, broadcast.ParameterShard, 0, 0, 0, start, length), parameters, start);
}
