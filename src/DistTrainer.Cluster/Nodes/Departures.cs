using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// How nodes leave in good order: a worker gives its work back; a server's cannot be taken away, so the run ends first;
/// and where all end, the leader is the last.
/// </summary>
/// <param name="nodes">The nodes that are known.</param>
/// <param name="queue">Has the run that a server would take parameter shards from.</param>
/// <param name="leader">The name of the coordinator's node.</param>
/// <param name="log">Where they are named.</param>
internal sealed class Departures(KnownNodes nodes, RunQueue queue, string leader, CoordinatorLog log)
{
    private readonly Dictionary<string, IActorRef> _leaving = [];

    /// <summary>How all nodes are to end; null while they are not.</summary>
    public EndNode? Ending { get; private set; }

    /// <summary>The same, once nobody else is left.</summary>
    public EndNode? EndingAlone => nodes.But(leader).Any() ? null : Ending;

    /// <summary>Somebody wants a node to end.</summary>
    /// <param name="name">The node, as people call it.</param>
    /// <returns>What is to be told to release it, then what whoever asks is answered.</returns>
    public (IReadOnlyList<Letter> Letters, CommandAnswer Answer) Drain(string name)
    {
        if (nodes.Meant(name) is not { } node)
            return ([], new CommandAnswer(
                FailureKind.Configuration,
                $"there is no node {name}; there are {string.Join(", ", nodes.All.Select(known => known.Name))}"));
        return node.IsServer
            ? ([], new CommandAnswer(
                FailureKind.Configuration, $"{name} is a server; only workers can be drained"))
            : (Release(node.Name, node.Actor), new CommandAnswer(null, $"{node.Name} is drained and ends"));
    }

    /// <summary>
    /// Takes a node's work away, then lets it end. A server's work cannot be taken away: the run is stopped, and
    /// <see cref="ReleaseLeaving"/> comes after it.
    /// </summary>
    /// <param name="name">The node's name, known or not.</param>
    /// <param name="actor">Who is told to end.</param>
    public IReadOnlyList<Letter> Release(string name, IActorRef actor)
    {
        List<Letter> letters = [];
        if (nodes.Find(name) is { IsReleased: false } node)
        {
            if (node.IsServer && queue.Current is { } run)
            {
                _leaving[name] = actor;
                log.NodeLeaves(name);
                run.Ask(new StopCommand(), ActorRefs.NoSender);
                return [];
            }
            node.IsReleased = true;
            log.NodeDrained(name);
            if (queue.Current is { } current)
                letters.Add(new Letter(current.Actor, new NodeGone(name, "it leaves", Bans: true)));
        }
        letters.Add(new Letter(actor, new EndNode(0, "it was released by the coordinator")));
        return letters;
    }

    /// <summary>The run is over that servers waited for which want to leave.</summary>
    public IReadOnlyList<Letter> ReleaseLeaving()
    {
        Letter[] letters = [.. _leaving.SelectMany(leaving => Release(leaving.Key, leaving.Value))];
        _leaving.Clear();
        return letters;
    }

    /// <summary>All nodes end, the others first, so that they do so in good order.</summary>
    public IReadOnlyList<Letter> EndAll(EndNode end)
    {
        Ending = end;
        return [.. nodes.But(leader).Select(node => new Letter(node.Actor, end))];
    }
}
