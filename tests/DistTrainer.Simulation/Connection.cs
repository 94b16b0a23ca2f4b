namespace DistTrainer.Simulation;

/// <summary>
/// A data connection: what is sent arrives late and in its order, until it breaks. Each side hears of that on its own,
/// the other side behind everything that was sent before.
/// </summary>
internal sealed class Connection
{
    private readonly VirtualTime _time;
    private readonly Network _network;
    private readonly Channel _up;
    private readonly Channel _down;
    private readonly HashSet<Node> _open;

    /// <summary>Connects two nodes at once.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="network">The network.</param>
    /// <param name="dialer">Who connects.</param>
    /// <param name="acceptor">Who is connected to.</param>
    /// <param name="sharesMemory">Whether tensors stay where they are, in memory that both have mapped.</param>
    public Connection(VirtualTime time, Network network, Node dialer, Node acceptor, bool sharesMemory)
    {
        (_time, _network, Dialer, Acceptor, SharesMemory) = (time, network, dialer, acceptor, sharesMemory);
        (_up, _down) = (network.Open(dialer, acceptor), network.Open(acceptor, dialer));
        _open = [dialer, acceptor];
    }

    /// <summary>Who connected.</summary>
    public Node Dialer { get; }

    /// <summary>Who was connected to.</summary>
    public Node Acceptor { get; }

    /// <summary>Whether tensors stay where they are.</summary>
    public bool SharesMemory { get; }

    /// <summary>Whether one of its ends is at a node.</summary>
    public bool Touches(Node node) => node == Dialer || node == Acceptor;

    /// <summary>The other end.</summary>
    public Node Peer(Node node) => node == Dialer ? Acceptor : Dialer;

    /// <summary>Sends something; a closed connection drops it.</summary>
    public void Send(Node from, Action arrive)
    {
        if (!_open.Contains(from) || !from.IsAlive)
            return;
        Node to = Peer(from);
        ChannelFrom(from).Send(() =>
        {
            if (!_open.Contains(to) || !to.IsAlive)
                return;
            _network.Count();
            arrive();
        });
    }

    /// <summary>It is reset: both sides hear of it after a while, and what is on its way then is lost.</summary>
    public void Reset()
    {
        foreach (Node side in (Node[])[Dialer, Acceptor])
            _time.After(_network.Delay(), () => Close(side, "it was reset"));
    }

    /// <summary>One side's process has ended: the other hears of it behind everything that was sent.</summary>
    public void End(Node side)
    {
        Node peer = Peer(side);
        _open.Remove(side);
        ChannelFrom(side).Send(() => Close(peer, "the peer has ended"));
    }

    /// <summary>One side closes it.</summary>
    public void Close(Node side, string reason)
    {
        if (!_open.Remove(side) || _network.IsClosed)
            return;
        if (side.IsAlive)
            side.Links.Closed(this, reason);
        Node peer = Peer(side);
        ChannelFrom(side).Send(() => Close(peer, "the peer closed it"));
    }

    /// <summary>A way is mended: what was held arrives.</summary>
    public void Release()
    {
        _up.Release();
        _down.Release();
    }

    private Channel ChannelFrom(Node side) => side == Dialer ? _up : _down;
}
