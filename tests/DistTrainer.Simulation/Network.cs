using Akka.Actor;

namespace DistTrainer.Simulation;

/// <summary>
/// The nodes and what lies between them. As Akka's remoting over TCP has it, messages from one node to another keep
/// their order, are late, and wait while the way is cut.
/// </summary>
internal sealed class Network(VirtualTime time, Random random, Trace trace)
{
    private readonly Dictionary<string, Node> _nodes = [];
    private readonly Dictionary<(Node From, Node To), Channel> _channels = [];
    private readonly HashSet<(Node From, Node To)> _cuts = [];
    private readonly HashSet<(Node From, Node To)> _lossy = [];

    /// <summary>Messages that arrived so far: the clock of the faults.</summary>
    public int Deliveries { get; private set; }

    /// <summary>Most of the delays, in microseconds.</summary>
    public int Latency { get; set; } = 500;

    /// <summary>Whether the seed is over: nothing is delivered any more.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Hears of each message before it is delivered.</summary>
    public Action<Node, Node, object> OnDelivery { get; set; } = (_, _, _) => { };

    /// <summary>All nodes that ever were.</summary>
    public IEnumerable<Node> Nodes => _nodes.Values;

    /// <summary>The time that something takes on its way.</summary>
    public TimeSpan Delay() =>
        TimeSpan.FromMicroseconds(random.Next(100) < 97 ? random.Next(1, Latency) : random.Next(1, 60 * Latency));

    /// <summary>A node is there from now on.</summary>
    public void Add(Node node) => _nodes.Add(node.Name, node);

    /// <summary>Whether nothing comes through from one node to another.</summary>
    public bool IsCut(Node from, Node to) => _cuts.Contains((from, to));

    /// <summary>Cuts the way from one node to another; what is sent waits.</summary>
    public void Cut(Node from, Node to) => _cuts.Add((from, to));

    /// <summary>
    /// From now on, or no longer, every other control message from one node to another is lost, as with connections
    /// that break again and again.
    /// </summary>
    public void Lose(Node from, Node to, bool loses)
    {
        if (loses)
            _lossy.Add((from, to));
        else
            _lossy.Remove((from, to));
    }

    /// <summary>Mends all ways from and to a node; what waited arrives.</summary>
    public void Mend(Node node)
    {
        _cuts.RemoveWhere(cut => cut.From == node || cut.To == node);
        foreach (Channel channel in _channels.Values.Where(channel => channel.From == node || channel.To == node)
            .ToArray())
            channel.Release();
        foreach (Connection connection in Nodes.SelectMany(each => each.Links.Connections)
            .Where(connection => connection.Touches(node)).Distinct().ToArray())
            connection.Release();
    }

    /// <summary>A way with its own order.</summary>
    public Channel Open(Node from, Node to) => new(this, time, from, to);

    /// <summary>Something has arrived.</summary>
    public void Count() => Deliveries++;

    /// <summary>An actor as a node has it.</summary>
    /// <param name="actor">The actor, or another node's reference to it.</param>
    /// <param name="node">The node.</param>
    public IActorRef View(IActorRef actor, Node node)
    {
        IActorRef real = (actor as RemoteReference)?.Actor ?? actor;
        return Home(real) is { } home && home != node ? new RemoteReference(this, node, home, real) : real;
    }

    /// <summary>Sends a message to an actor on another node, or from an actor's supervisor on the same node.</summary>
    public void Send(Node from, Node to, IActorRef actor, object message, IActorRef sender)
    {
        if (!from.IsAlive || IsClosed)
            return;
        if (from == to)
        {
            Deliver(from, to, actor, message, sender);
            return;
        }
        if (_lossy.Contains((from, to)) && random.Next(2) == 0)
        {
            trace.Add($"lost: {from.Name} → {to.Name} {actor.Path.Name} {message.GetType().Name}");
            return;
        }
        if (!_channels.TryGetValue((from, to), out Channel? channel))
            _channels[(from, to)] = channel = Open(from, to);
        channel.Send(() => Deliver(from, to, actor, message, sender));
    }

    private void Deliver(Node from, Node to, IActorRef actor, object message, IActorRef sender)
    {
        if (!to.IsAlive)
            return;
        Count();
        trace.Add($"{from.Name} → {to.Name} {actor.Path.Name}", message);
        OnDelivery(from, to, message);
        actor.Tell(
            References.Replace(message, reference => View(reference, to)), sender is null ? ActorRefs.NoSender
            : View(sender, to));
    }

    // An actor's uppermost parent is named number.node.role.
    private Node? Home(IActorRef actor) =>
        actor.Path.Elements is [_, var top, ..]
            && top.Split('.') is [_, var name, _] ? _nodes.GetValueOrDefault(name) : null;
}

/// <summary>One direction between two nodes: things arrive late, in the order in which they were sent.</summary>
internal sealed class Channel(Network network, VirtualTime time, Node from, Node to)
{
    private readonly Queue<Action> _held = new();
    private TimeSpan _last;

    /// <summary>Where things come from.</summary>
    public Node From => from;

    /// <summary>Where they go.</summary>
    public Node To => to;

    /// <summary>Sends something.</summary>
    public void Send(Action arrive)
    {
        TimeSpan at = time.Elapsed + network.Delay();
        _last = at > _last ? at : _last + TimeSpan.FromTicks(1); // at the same time the seed would order them
        time.After(_last - time.Elapsed, () => Arrive(arrive));
    }

    /// <summary>The way is mended: what was held arrives.</summary>
    public void Release()
    {
        while (_held.Count > 0 && !network.IsCut(from, to))
            Let(_held.Dequeue());
    }

    private void Arrive(Action arrive)
    {
        if (_held.Count > 0 || network.IsCut(from, to))
            _held.Enqueue(arrive);
        else
            Let(arrive);
    }

    private void Let(Action arrive)
    {
        if (!network.IsClosed)
            arrive();
    }
}
