using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Simulation;

/// <summary>
/// One seed: the actors of one run on some nodes, until the run ends, an invariant does not hold, or nothing goes on.
/// </summary>
internal sealed class SeedRun
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);
    private readonly ActorSystem _system;
    private readonly Scenario _scenario;
    private readonly Random _random;
    private TaskCompletionSource<TrainingResult> _completion = new();
    private readonly List<AlignedBuffer> _buffers = [];
    private readonly string _prefix;
    private readonly Chaos _chaos;
    private readonly string? _folder;
    private IActorRef _coordinator = ActorRefs.Nobody;
    private int _coordinators;

    /// <summary>Sets the nodes up.</summary>
    /// <param name="system">Runs the actors, on <see cref="VirtualTime"/>.</param>
    /// <param name="number">Makes the actors' names unique.</param>
    /// <param name="seed">Decides everything that the scenario leaves open.</param>
    /// <param name="scenario">What to run.</param>
    /// <param name="expected">How the run goes when nothing disturbs it.</param>
    /// <param name="hears">Hears what happens; null: nobody does.</param>
    public SeedRun(
        ActorSystem system, int number, int seed, Scenario scenario, Expectation? expected,
        Action<TimeSpan, TraceEvent>? hears)
    {
        (_system, _scenario, _prefix) = (system, scenario, $"{number}.");
        Time = (VirtualTime)system.Scheduler;
        Time.Begin(seed);
        _random = new Random(seed ^ 0x5EED);
        Trace = new Trace(Time, hears);
        Network = new Network(Time, _random, Trace) { Latency = scenario.Latency };
        Invariants = new Invariants(expected, scenario.Options.ReportEvery == 1);
        _chaos = new Chaos(this, scenario, _random);
        _folder = scenario.WritesCheckpoints
            ? Directory.CreateTempSubdirectory("disttrainer-simulation-").FullName : null;
    }

    /// <summary>The clock.</summary>
    public VirtualTime Time { get; }

    /// <summary>What lies between the nodes.</summary>
    public Network Network { get; }

    /// <summary>What must hold.</summary>
    public Invariants Invariants { get; }

    /// <summary>What happened.</summary>
    public Trace Trace { get; }

    /// <summary>The node that the run is led from.</summary>
    public Node Leader { get; private set; } = null!;

    /// <summary>Leads the run.</summary>
    public IActorRef Run { get; private set; } = ActorRefs.Nobody;

    /// <summary>Runs it.</summary>
    /// <returns>The result; null where the run failed, which is a violation.</returns>
    public TrainingResult? Go()
    {
        Network.OnDelivery = Watch;
        SynchronizationContext? context = SynchronizationContext.Current;
        // with one, what follows a task would run on another thread
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Start();
            while (!_completion.Task.IsCompleted && Invariants.Violations.Count == 0)
            {
                _chaos.Advance();
                if (!Time.Step() || Time.Elapsed > s_limit)
                    Invariants.Violations.Add($"The run stands still after {Time.Elapsed.TotalSeconds:F0} s.");
            }
            return Judge();
        }
        finally
        {
            Stop();
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>What the run was asked for, as its nodes keep it for the next coordinator.</summary>
    public KeepRequests? Kept { get; set; }

    /// <summary>How long something on the disk takes.</summary>
    public TimeSpan DiskDelay() =>
        _scenario.DiskSeconds > 0 ? TimeSpan.FromSeconds(_scenario.DiskSeconds * _random.NextDouble()) : TimeSpan.Zero;

    /// <summary>Starts a node.</summary>
    public void StartNode(string name, int[] parameterShards, int workers)
    {
        if (Network.IsClosed)
            return;
        Node node = Set(name, parameterShards, workers);
        Trace.Add($"{name} starts with parameter shards [{string.Join(", ", parameterShards)}] and {workers} workers");
        Host(node);
    }

    /// <summary>Connects a node's data plane to another's.</summary>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public Connection Connect(Node dialer, string name)
    {
        Node acceptor = Network.Nodes.First(node => node.Name == name);
        if (!acceptor.IsAlive || Network.IsCut(dialer, acceptor) || Network.IsCut(acceptor, dialer))
            throw new IOException($"{name} cannot be reached");
        var connection = new Connection(Time, Network, dialer, acceptor, _random.Next(2) == 0);
        acceptor.Links.Opened(connection);
        Trace.Add($"{dialer.Name} connects to {name}{(connection.SharesMemory ? " with shared memory" : "")}");
        return connection;
    }

    /// <summary>
    /// Sends floats, which are read from their buffer at once or only when they arrive; from shared memory always then.
    /// </summary>
    public void SendFloats(
        Connection connection, Node from, AlignedBuffer buffer, int start, int length, Action<ReadOnlySpan<float>> take)
    {
        float[]? early = _random.Next(2) == 0
            && !connection.SharesMemory ? buffer.Span.Slice(start, length).ToArray() : null;
        connection.Send(from, () => take(early ?? buffer.Span.Slice(start, length)));
    }

    /// <summary>Sends a push or a broadcast behind its floats; which may come twice, or late.</summary>
    public void SendMessage(Connection connection, Node from, object message, Action take)
    {
        TimeSpan? late = Sometimes(), again = Sometimes();
        connection.Send(from, () =>
        {
            Arrive(late);
            if (again is not null)
                Arrive(again);
        });

        TimeSpan? Sometimes() => _random.NextDouble() < _scenario.Repeats ? 20 * Network.Delay() : null;

        void Arrive(TimeSpan? delay)
        {
            if (delay is null)
                Take();
            else
                Time.After(delay.Value, Take);
        }

        void Take()
        {
            if (Network.IsClosed || !connection.Peer(from).IsAlive)
                return;
            Trace.Add($"{from.Name} ⇒ {connection.Peer(from).Name}", message);
            take();
        }
    }

    /// <summary>A buffer that is given back at the end.</summary>
    public AlignedBuffer Keep(AlignedBuffer buffer)
    {
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>A node's actors are stopped; nothing that they say on the way is heard.</summary>
    public void StopActors(Node node) => _system.Stop(node.Host);

    private void Start()
    {
        int count = _scenario.Servers.Length;
        Node first = Set("s0", Shards(0), _scenario.Servers[0]);
        Lead(first, before: 0);
        while (Run.IsNobody())
            Time.Step();
        Host(first);
        for (int server = 1; server < count; server++)
            StartNode($"s{server}", Shards(server), _scenario.Servers[server]);
        for (int node = 0; node < _scenario.WorkerNodes.Length; node++)
            StartNode($"w{node}", [], _scenario.WorkerNodes[node]);

        int[] Shards(int server) =>
            ParameterShardDeal.First(_scenario.Options.ParameterShards, server, count, _scenario.Options.Replicas);
    }

    /// <summary>The coordinator is gone with its node, and another one takes the run over.</summary>
    public void TakeOver(Node node)
    {
        Trace.Add($"{node.Name} leads from now on");
        Lead(node, _coordinators);
    }

    private void Lead(Node node, int before)
    {
        (Leader, _completion) = (node, new TaskCompletionSource<TrainingResult>());
        (TrainingSetup setup, NodeAddress address, TaskCompletionSource<TrainingResult> completion) =
            (node.Setup, node.Address, _completion);
        (RunState start, Action<object> heard, string? folder) = (setup.StartState(), _chaos.Hear, _folder);
        Action<IActorRef> started = run =>
        {
            Run = run;
            if (before == 0)
                return;
            if (Kept is not null)
                run.Tell(Kept);
            foreach (Node other in Network.Nodes)
                Time.After(Network.Delay(), () => HostMore(other, []));
        };
        _coordinator = _system.ActorOf(Props.Create(() => new Coordinator(
            Props.Create(() => new RunActor(setup, address, Invariants, completion, folder, start, before)), started,
                heard)), $"{_prefix}{node.Name}.coordinator-{_coordinators++}");
    }

    /// <summary>The coordinator's node is gone.</summary>
    public void StopCoordinator()
    {
        _completion = new TaskCompletionSource<TrainingResult>();
        _system.Stop(_coordinator);
    }

    /// <summary>A node is told to host parameter shards that were lost.</summary>
    public void HostMore(Node node, int[] parameterShards)
    {
        Trace.Add($"{node.Name} is asked to host parameter shards [{string.Join(", ", parameterShards)}]");
        var run = new RemoteReference(Network, node, Leader, Run);
        if (node.IsAlive && !Network.IsClosed)
            node.Host.Tell(new HostActor.HostMore(parameterShards, run));
    }

    private void Host(Node node)
    {
        (TrainingSetup setup, NodeAddress address, int[] shards, int workers) =
            (node.Setup, node.Address, node.ParameterShards, node.Workers);
        var run = new RemoteReference(Network, node, Leader, Run);
        node.Host = _system.ActorOf(
            Props.Create(() => new HostActor(setup, address, shards, workers, run)), $"{_prefix}{node.Name}.node");
    }

    private Node Set(string name, int[] parameterShards, int workers)
    {
        var node = new Node(name, parameterShards, workers);
        node.Setup = new TrainingSetup(_scenario.OwnJob ?? Scenario.Jobs[_scenario.Job], Scenario.Data,
            _scenario.Options, null, _ => node.Links = new SimulatedLinks(this, node))
        {
            Background = new LateWork(this),
            Clock = new VirtualClock(Time),
        };
        Network.Add(node);
        return node;
    }

    private void Watch(Node from, Node to, object message)
    {
        Trace.Mark(message.GetType().Name.Length);
        if (message is ActorFailed failed && from.IsAlive)
            Invariants.Violations.Add($"{failed.Actor} on {failed.Node} failed: {failed.Message}");
        if (message is ActorsHosted)
            from.IsKnown = true;
        else if (message is PrepareRun prepare)
            Invariants.Decided(prepare.State, from.Setup.StepsPerEpoch);
    }

    private TrainingResult? Judge()
    {
        if (!_completion.Task.IsCompleted)
            return null;
        if (_completion.Task.Exception is { } failure)
        {
            Invariants.Violations.Add($"The run failed: {failure.GetBaseException().Message}");
            return null;
        }
        Invariants.Ended(_completion.Task.Result);
        return _completion.Task.Result;
    }

    private void Stop()
    {
        Network.IsClosed = true;
        _system.Stop(_coordinator);
        foreach (Node node in Network.Nodes)
            StopActors(node);
        TimeSpan end = Time.Elapsed + s_limit;
        while (Time.Step())
        {
            // The next seed begins with nothing left of this one: no timer, no message.
            if (Time.Elapsed > end)
                throw new InvalidOperationException($"The actors of {_prefix}* do not stop.");
        }
        _ = _completion.Task.Exception;
        foreach (Node node in Network.Nodes)
        {
            node.Setup.Dispose();
            node.Setup.Parameters.Dispose();
        }
        _buffers.ForEach(buffer => buffer.Dispose());
        if (_folder is not null)
            Directory.Delete(_folder, recursive: true);
    }
}
