using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;

namespace DistTrainer.Simulation;

/// <summary>
/// Lets a scenario's faults happen, and plays those who answer to them outside of the run: the failure detector, the
/// cluster's membership, and whoever starts processes anew. In the end all ways are mended and workers are enough.
/// </summary>
internal sealed class Chaos(SeedRun simulation, Scenario scenario, Random random)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private int _next;
    private int _nextOfEpoch;
    private int _started = scenario.WorkerNodes.Length;
    private bool _isOver;

    private Network Network => simulation.Network;

    private IEnumerable<Node> WorkerNodes => Network.Nodes.Where(
        node => node.ParameterShards.Length == 0 && node.Name[0] == 'w' && node is { IsAlive: true, IsOut: false });

    private IEnumerable<Node> Servers => Network.Nodes.Where(node => node is { IsAlive: true } && node.Name[0] == 's');

    /// <summary>Lets happen what is due.</summary>
    public void Advance()
    {
        while (_next < scenario.Faults.Count
            && (Network.Deliveries >= scenario.Faults[_next].After || simulation.Time.Elapsed > s_patience))
            Happen(scenario.Faults[_next++].Fault);
        AfterEpochs();
        if (_isOver || _next < scenario.Faults.Count)
            return;
        _isOver = true;
        simulation.Time.After(Seconds(1, 5), Calm);
    }

    /// <summary>What happens while the run decides at an epoch's end, or soon after.</summary>
    private void AfterEpochs()
    {
        while (_nextOfEpoch < scenario.EpochFaults.Count
            && scenario.EpochFaults[_nextOfEpoch] is var (epoch, seconds, fault)
            && epoch <= simulation.Invariants.LastEpoch)
        {
            _nextOfEpoch++;
            simulation.Time.After(TimeSpan.FromSeconds(seconds), () =>
            {
                if (Network.IsClosed)
                    return;
                _isOver = false;
                Happen(fault);
            });
        }
    }

    /// <summary>
    /// The run asks for other hosts of parameter shards: they are dealt out to the servers that are not known to be
    /// gone.
    /// </summary>
    public void Hear(object message)
    {
        if (message is KeepRequests keep)
            simulation.Kept = keep;
        if (message is NodeUnfit unfit && !Network.IsClosed)
            simulation.Time.After(Network.Delay(), () => EndRefused(unfit.Node));
        if (message is not ParameterShardsLost lost || Network.IsClosed)
            return;
        Node[] servers = [.. Network.Nodes.Where(node => node.Name[0] == 's' && !node.IsUnreachable)];
        foreach ((string name, int[] shards) in ParameterShardDeal.Again(lost,
            [.. servers.Select(server => server.Name)]))
            simulation.Time.After(
                Network.Delay(), () => simulation.HostMore(servers.First(server => server.Name == name), shards));
    }

    // A node that the run refuses ends itself, and is started anew.
    private void EndRefused(string name)
    {
        Node node = Network.Nodes.First(node => node.Name == name);
        node.IsUnreachable = true;
        if (!node.IsAlive)
            return;
        Stop(node, isSilent: false);
        if (name[0] == 'w')
            simulation.Time.After(Seconds(0, 3), Join);
    }

    private void Calm()
    {
        simulation.Trace.Add("CALM from now on");
        for (int workers = WorkerNodes.Sum(node => node.Workers); workers < scenario.Options.MinWorkers; workers++)
            Join();
    }

    private void Happen(Fault fault)
    {
        simulation.Trace.Add($"FAULT {fault}");
        Node? victim = Pick(WorkerNodes);
        switch (fault)
        {
            case Fault.Kill or Fault.PowerOff when victim is not null:
                Kill(victim, isSilent: fault == Fault.PowerOff);
                break;
            case Fault.Reset:
                Pick(Network.Nodes.SelectMany(node => node.Links.Connections).Distinct())?.Reset();
                break;
            case Fault.Cut or Fault.CutOneWay or Fault.CutLong when victim is not null:
                Cut(victim, fault == Fault.CutOneWay, fault == Fault.CutLong ? Seconds(2, 12) : Seconds(0, 0.8));
                break;
            case Fault.Drain when victim is not null && WorkerNodes.Count() > 1:
                victim.IsOut = true;
                Tell(new NodeGone(victim.Name, "it leaves", Bans: true));
                simulation.Time.After(Seconds(0, 0.1), () => Stop(victim, isSilent: false));
                break;
            case Fault.Join:
                Join();
                break;
            case Fault.Pause:
                Tell(new PauseCommand(true));
                simulation.Time.After(Seconds(0, 1), Resume);
                break;
            case Fault.Stop:
                Tell(new StopCommand());
                break;
            case Fault.NewRate:
                Tell(new PauseCommand(true));
                Tell(new LearningRateCommand(0.5));
                simulation.Time.After(Seconds(0, 1), Resume);
                break;
            case Fault.Slow when simulation.Invariants.Generation > 0:
                for (int reports = 0; reports < 2; reports++)
                    Tell(new ReportWorker(simulation.Invariants.Generation, 0, 1, new WorkerTimes(1000, 0)));
                break;
            case Fault.KillServer when Servers.Count() > 1 && simulation.Leader.IsAlive
                && Pick(Network.Nodes.Where(node => node != simulation.Leader
                && node is { IsAlive: true, IsKnown: true, ParameterShards.Length: > 0 })) is { } server:
                Kill(server, isSilent: random.Next(2) == 0);
                break;
            case Fault.KillCoordinator when Servers.Count() > 1 && simulation.Leader.IsAlive:
                KillCoordinator(simulation.Leader);
                break;
            case Fault.Lose when Pick(Network.Nodes.Where(node => node.IsAlive)) is { } from
                && Pick(Network.Nodes.Where(node => node.IsAlive && node != from)) is { } to:
                Network.Lose(from, to, loses: true);
                simulation.Time.After(Seconds(0, 1), () => Network.Lose(from, to, loses: false));
                break;
        }
    }

    // A run stays paused under the next coordinator, and whoever resumes it asks until one is there.
    private void Resume()
    {
        if (Network.IsClosed)
            return;
        if (!simulation.Leader.IsAlive)
            simulation.Time.After(Seconds(0.5, 1), Resume);
        Tell(new PauseCommand(false));
    }

    private void KillCoordinator(Node leader)
    {
        simulation.StopCoordinator();
        Stop(leader, isSilent: random.Next(2) == 0);
        leader.IsUnreachable = true;
        simulation.Time.After(Seconds(2, 6), () =>
        {
            // The cluster knows by then who else is gone; the run hears of it as of everything.
            if (Servers.FirstOrDefault() is { } next && !Network.IsClosed)
                simulation.TakeOver(next);
        });
    }

    private void Join() => simulation.StartNode($"w{_started++}", [], random.Next(1, 3));

    private void Kill(Node node, bool isSilent)
    {
        Stop(node, isSilent);
        simulation.Time.After(Seconds(2, 4), () => Detect(node));
        if (node.Name[0] == 'w' && random.Next(4) > 0)
            simulation.Time.After(Seconds(0, 3), Join);
    }

    private void Stop(Node node, bool isSilent)
    {
        if (!node.IsAlive)
            return;
        simulation.Trace.Add($"{node.Name} is no more");
        Connection[] connections = [.. node.Links.Connections];
        (node.IsAlive, node.IsOut, node.IsSilent) = (false, true, isSilent);
        if (!isSilent)
            Array.ForEach(connections, connection => connection.End(node));
        simulation.StopActors(node);
    }

    private void Cut(Node node, bool isOneWay, TimeSpan duration)
    {
        bool isDeaf = random.Next(2) == 0, isMute = !isDeaf || !isOneWay;
        foreach (Node other in Network.Nodes.Where(other => other != node))
        {
            if (isDeaf || !isOneWay)
                Network.Cut(other, node);
            if (isMute)
                Network.Cut(node, other);
        }
        TimeSpan detection = Seconds(2, 4);
        bool isDetected = duration > detection, isRemoved = duration > 2 * detection;
        if (isDetected)
            simulation.Time.After(detection, () => Detect(node));
        node.IsOut = isRemoved;
        simulation.Time.After(duration, () =>
        {
            simulation.Trace.Add($"{node.Name} is mended{(isRemoved ? ", too late" : "")}");
            Network.Mend(node);
            if (isRemoved)
                simulation.Time.After(Seconds(0, 1), () => Stop(node, isSilent: false));
            else if (isDetected)
                Tell(new NodeBack(node.Name));
        });
        if (isRemoved)
            simulation.Time.After(duration + Seconds(0, 2), Join);
    }

    private void Detect(Node node)
    {
        node.IsUnreachable = true;
        Tell(new NodeGone(node.Name, "the cluster cannot reach it", Bans: true));
    }

    private void Tell(object message)
    {
        if (Network.IsClosed || !simulation.Leader.IsAlive)
            return;
        simulation.Trace.Add($"run is told {message}");
        simulation.Run.Tell(message, Akka.Actor.ActorRefs.NoSender);
    }

    private TimeSpan Seconds(double from, double to) =>
        TimeSpan.FromSeconds(from + ((to - from) * random.NextDouble()));

    private T? Pick<T>(IEnumerable<T> all)
        where T : class
    {
        T[] choices = [.. all];
        return choices.Length == 0 ? null : choices[random.Next(choices.Length)];
    }
}
