using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>
/// Nodes of a cluster in this process, each with an actor system, ports and a copy of the data of its own.
/// </summary>
internal sealed class TestCluster(DataParts data) : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly List<TestNode> _nodes = [];
    private readonly TaskCompletionSource<TrainingResult> _result = new(
        TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Called with each step report of the run.</summary>
    public Action<StepReport> AfterStep { get; set; } = _ => { };

    /// <summary>The certificate of nodes and of requests; null: security is off.</summary>
    public string? SecurityFolder { get; init; }

    /// <summary>All reports of steps.</summary>
    public List<StepReport> Steps { get; } = [];

    /// <summary>All log lines of all nodes.</summary>
    public List<string> Log { get; } = [];

    /// <summary>The first node's cluster address.</summary>
    public string Address => _nodes[0].Address.Result;

    /// <summary>The nodes in the order in which they were started.</summary>
    public IReadOnlyList<TestNode> Nodes => _nodes;

    /// <summary>Starts a cluster for one run.</summary>
    public static async Task<TestCluster> StartAsync(
        DataParts data, JobDescription job, int servers, int workers, bool combined = false, int reportEvery = 5,
            int minWorkers = 0, bool sharedMemory = true, string? securityFolder = null)
    {
        var cluster = new TestCluster(data) { SecurityFolder = securityFolder };
        IReadOnlyList<NodeRole> serverRoles = combined ? [NodeRole.Server, NodeRole.Worker] : [NodeRole.Server];
        for (int s = 0; s < servers; s++)
        {
            await cluster.AddAsync(
                new NodeSettings
                {
                    Roles = serverRoles,
                    MinServers = servers,
                    MinWorkers = minWorkers > 0 ? minWorkers : Math.Max(1, workers + (combined ? servers : 0)),
                    ReportEvery = reportEvery,
                    SharedMemory = sharedMemory,
                },
                s == 0 ? job : null);
        }
        for (int w = 0; w < workers; w++)
            await cluster.AddAsync(new NodeSettings { Roles = [NodeRole.Worker], ReportEvery = reportEvery });
        return cluster;
    }

    /// <summary>Starts one more node.</summary>
    /// <param name="settings">Its settings; ports and seed nodes are set here.</param>
    /// <param name="job">A run to begin with.</param>
    /// <param name="other">Other data than the cluster's.</param>
    /// <param name="actorConfiguration">HOCON laid over everything.</param>
    /// <param name="plugins">What it says of its plug-ins.</param>
    /// <param name="unreadable">What comes of it where it reads the data; null: it can.</param>
    /// <param name="reading">What reading the data takes; null: no time.</param>
    /// <param name="model">What it trains; null: the job's network.</param>
    public async Task<TestNode> AddAsync(
        NodeSettings settings, JobDescription? job = null, DataParts? other = null, string actorConfiguration = "",
            string plugins = "none", Exception? unreadable = null,
        Task? reading = null, IModel? model = null)
    {
        settings = settings with
        {
            ClusterPort = 0,
            SecurityFolder = settings.SecurityFolder ?? SecurityFolder,
            SeedNodes = _nodes.Count == 0 ? [] : [NodeValues.ParseSeedNode(Address)],
        };
        RunDescription? run = job is null ? null : new RunDescription(
            "test", "test", new JobFile(job, new RunSettings()).Write(), null);
        var node = new TestNode(
            settings, new Services(this, other ?? data, plugins, unreadable, reading, model), run,
            actorConfiguration, line =>
        {
            lock (Log)
                Log.Add(line);
        });
        _nodes.Add(node);
        try
        {
            await node.Address.WaitAsync(s_patience);
        }
        catch (DistTrainerException)
        {
            _nodes.Remove(node); // it ended before it listened, and there is nothing to dispose
            throw;
        }
        return node;
    }

    /// <summary>The run's result.</summary>
    public Task<TrainingResult> ResultAsync() => _result.Task.WaitAsync(s_patience);

    /// <summary>Waits until a log line has a text.</summary>
    public async Task<string> LineAsync(string text)
    {
        for (DateTime until = DateTime.UtcNow + s_patience; DateTime.UtcNow < until; await Task.Delay(20))
        {
            lock (Log)
            {
                if (Log.Find(line => line.Contains(text, StringComparison.Ordinal)) is { } found)
                    return found;
            }
        }
        lock (Log)
            throw new TimeoutException($"No line has \"{text}\":\n{string.Join('\n', Log)}");
    }

    /// <summary>Asks a cluster from outside.</summary>
    public static async Task<ClusterStatus> StatusAsync(string address, TimeSpan timeout, string? securityFolder = null)
    {
        await using var client = new ClusterClient(address, timeout, securityFolder);
        return await client.StatusAsync();
    }

    /// <summary>Waits until the first node's coordinator says how a run has ended.</summary>
    public async Task<LastRun> EndedAsync(string id)
    {
        await using var client = new ClusterClient(Address, s_patience, SecurityFolder);
        for (DateTime until = DateTime.UtcNow + s_patience; DateTime.UtcNow < until; await Task.Delay(20))
        {
            if ((await client.StatusAsync()) is { Run: null, Ended: { } ended } && ended.Id == id)
                return ended;
        }
        throw new TimeoutException($"The run {id} has not ended.");
    }

    /// <summary>Sends a request; it must be done.</summary>
    public async Task CommandAsync(IClusterCommand command)
    {
        await using var client = new ClusterClient(Address, TimeSpan.FromSeconds(10), SecurityFolder);
        CommandAnswer answer = await client.TellAsync(command);
        Assert.True(answer.Failure is null, answer.Text);
    }

    /// <summary>The first node leaves in good order; the next one is the first.</summary>
    public async Task LeaveFirstAsync()
    {
        await _nodes[0].DisposeAsync();
        _nodes.RemoveAt(0);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (TestNode node in Enumerable.Reverse(_nodes))
            await node.DisposeAsync();
    }

    private sealed class Services(
        TestCluster cluster, DataParts data, string plugins, Exception? unreadable, Task? reading, IModel? model)
        : INodeServices
    {
        public string Plugins => plugins;

        public DataParts Load(JobDescription job)
        {
            reading?.Wait();
            return unreadable is null ? data : throw unreadable;
        }

        public IModel CreateModel(JobDescription job, DataSchema schema) =>
            model ?? JobNetwork.Create(job.Model, schema);

        public float[] LoadInitial(string path, ParameterLayout layout) => throw new NotSupportedException();

        public IRunOutput Open(
            RunDescription run, JobFile job, DataParts data, ParameterLayout layout, RunContinuation? from) =>
            new Output(cluster);
    }

    private sealed class Output(TestCluster cluster) : IRunOutput
    {
        public void OnStarted(int stepsPerEpoch, long totalSteps)
        {
        }

        public void OnStep(StepReport report)
        {
            cluster.Steps.Add(report);
            cluster.AfterStep(report);
        }

        public void OnEpoch(EpochReport report)
        {
        }

        public void Complete(TrainingResult result) => cluster._result.TrySetResult(result);

        public void Dispose()
        {
        }
    }
}

/// <summary>A node in this process.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LogOutput _log;

    public TestNode(
        NodeSettings settings, INodeServices services, RunDescription? run, string actorConfiguration,
        Action<string> write)
    {
        _log = new LogOutput(LogFormat.Text, LogThreshold.Info, write);
        End = Task.Run(
            () => ClusterNode.RunAsync(
                settings, services, run, _log.ActorConfiguration + actorConfiguration, Listen, _stop.Token));
        End.ContinueWith(failed => _address.TrySetException(failed.Exception!.InnerExceptions), CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    /// <summary>Its cluster address, once it listens.</summary>
    public Task<string> Address => _address.Task;

    /// <summary>Its data plane's address, once it listens.</summary>
    public string DataAddress { get; private set; } = "";

    /// <summary>How it ended.</summary>
    public Task<NodeEnd> End { get; }

    private void Listen(string cluster, string data)
    {
        DataAddress = data;
        _address.SetResult(cluster);
    }

    /// <summary>Asks it to leave in good order.</summary>
    public void Leave() => _stop.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await End.WaitAsync(TimeSpan.FromSeconds(60));
        _log.Dispose();
        _stop.Dispose();
    }
}
