namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Which data connections could not be made, how often in a row, and who is to blame: without the actors' doings.
/// </summary>
internal sealed class LinkFailures
{
    /// <summary>So many times in a row, and one of the two ends is to blame.</summary>
    public const int Most = 3;

    private readonly Dictionary<(string Dialer, string Peer), int> _inARow = [];

    /// <summary>A connection could not be made once more.</summary>
    /// <param name="dialer">Name of the node that tried.</param>
    /// <param name="peer">Name of the node that it could not reach.</param>
    /// <param name="leader">The node that leads; it is never to blame.</param>
    /// <param name="isNewcomer">Whether a node has not taken part yet.</param>
    /// <returns>Who is to blame: a newcomer before one that has taken part, else the peer where others cannot reach it
    /// either, else the dialer; null: nobody yet.</returns>
    public string? Add(string dialer, string peer, string leader, Func<string, bool> isNewcomer)
    {
        if ((_inARow[(dialer, peer)] = _inARow.GetValueOrDefault((dialer, peer)) + 1) < Most)
            return null;
        if (dialer == leader || peer == leader)
            return dialer == leader ? peer : dialer;
        bool isNew = isNewcomer(dialer);
        if (isNew != isNewcomer(peer))
            return isNew ? dialer : peer;
        return _inARow.Keys.Any(pair => pair.Peer == peer && pair.Dialer != dialer) ? peer : dialer;
    }

    /// <summary>All connections among these nodes have been made.</summary>
    public void Forget(IReadOnlySet<string> nodes)
    {
        foreach ((string Dialer, string Peer) pair in _inARow.Keys.Where(pair => nodes.Contains(pair.Dialer)
            && nodes.Contains(pair.Peer)).ToArray())
            _inARow.Remove(pair);
    }
}
