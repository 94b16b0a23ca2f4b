using Akka.Actor;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// What a parameter shard says to workers, other parameter shards and the run, in the generation that it is in. A
/// replica tells the workers only which step it has applied, the other parameter shards nothing, and the run where it
/// stands.
/// </summary>
internal sealed class ParameterShardMail(TrainingSetup setup, ParameterShardRange range)
{
    private IReadOnlyList<IParameterLink> _workers = [];
    private IReadOnlyList<IActorRef> _peers = [];
    private RunReached? _reached;
    private int _checksSinceReached;

    /// <summary>The run that began the generation.</summary>
    public IActorRef Run { get; private set; } = ActorRefs.Nobody;

    /// <summary>The generation; 0 before the first.</summary>
    public int Generation { get; private set; }

    /// <summary>Its number among all copies of all parameter shards: the run may change it.</summary>
    public int Number { get; set; } = range.Index;

    /// <summary>Whether it is a copy that follows another.</summary>
    public bool IsReplica => Number >= setup.Ranges.Count;

    /// <summary>A generation begins: who hears what is said anew.</summary>
    public void BeginGeneration(int generation, IActorRef run) =>
        (Generation, Run, _workers, _peers, _reached) = (generation, run, [], [], null);

    /// <summary>Who hears of steps from now on.</summary>
    public void Address(BroadcastParameters broadcast)
    {
        (Number, _peers) = (broadcast.Number, broadcast.ParameterShards);
        _workers = setup.Links.To(Audience.Workers, broadcast.Workers);
    }

    /// <summary>Hands a step's slice out to all workers.</summary>
    public void Broadcast(long step) => Send(_workers, step);

    /// <summary>Hands a step's slice out to whoever asked for it.</summary>
    public void Send(CollectParameters collect) =>
        Send(setup.Links.To(Audience.Run, [collect.Collector]), collect.Step);

    /// <summary>Tells the parameter shards a part of the norm.</summary>
    public void Share(ShareNorm share)
    {
        if (IsReplica)
            return;
        foreach (IActorRef peer in _peers)
            peer.Tell(share with { Generation = Generation });
    }

    /// <summary>Tells the run.</summary>
    public void Tell(IProtocolMessage message) => Run.Tell(message);

    /// <summary>Tells the run what it need not hear of a replica.</summary>
    public void Report(IProtocolMessage report)
    {
        if (!IsReplica)
            Run.Tell(report);
    }

    /// <summary>Tells the run that a step is applied, again and again until it goes on: it may be lost.</summary>
    public void Reach(RunReached reached)
    {
        (_reached, _checksSinceReached) = (reached, 0);
        Run.Tell(reached);
    }

    /// <summary>Some time has passed.</summary>
    public void Check()
    {
        if (_reached is { } reached && ++_checksSinceReached % 4 == 0)
            Run.Tell(reached);
    }

    /// <summary>The run goes on.</summary>
    public void GoOn() => _reached = null;

    private void Send(IReadOnlyList<IParameterLink> links, long step)
    {
        var broadcast = new ParametersBroadcast(Generation, Number, step);
        foreach (IParameterLink link in links)
            link.Broadcast(broadcast, setup.Parameters[step], IsReplica ? null : range);
    }
}
