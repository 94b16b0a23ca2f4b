using Akka.Actor;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using DistTrainer.Transport.Security;

namespace DistTrainer.Cluster.Nodes;

/// <summary>A run on a node.</summary>
/// <param name="Run">The run.</param>
/// <param name="Job">Its job.</param>
/// <param name="Setup">What its actors share.</param>
/// <param name="Links">Its links.</param>
internal sealed record OpenedRun(RunDescription Run, JobFile Job, TrainingSetup Setup, DataPlaneLinks Links);

/// <summary>
/// What a node's actors share: settings, the data plane, and the run that is open. What arrives over the data plane
/// goes to that run; with none, every connection is refused.
/// </summary>
internal sealed class NodeRuntime : IDataReceiver, IDisposable
{
    private const int FloatsOfAShard = 1 << 19;
    private const int ShardsOfAServerAtMost = 4;
    private readonly object _gate = new();
    private readonly Func<string> _health;
    private readonly DataPlane _plane;
    private (string Id, Task<OpenedRun> Opening)? _open;
    private volatile DataPlaneLinks? _links;

    /// <summary>Begins to listen for data connections.</summary>
    /// <param name="settings">The node's settings.</param>
    /// <param name="services">What the program gives.</param>
    /// <param name="health">How the node is, as short JSON.</param>
    /// <param name="warn">Takes warnings about strangers.</param>
    /// <param name="certificate">The node's, where security is on.</param>
    public NodeRuntime(
        NodeSettings settings, INodeServices services, Func<string> health, Action<string> warn,
        NodeCertificate? certificate)
    {
        (Settings, Services, _health) = (settings, services, health);
        string host = settings.PortToBind == 0 ? settings.ReachableHost
            : $"{settings.ReachableHost}:{settings.PortToBind}";
        if (NodeName.Problem(settings.Name ?? host, NodeName.LongestGiven) is { } problem)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"name: {(settings.Name is null ? "the node's address, which it is called by, " : "")}{problem}; "
                + $"allowed: {NodeName.Allowed(NodeName.LongestGiven)}; give the node another name.");
        string name = NodeName.Unique(settings.Name ?? host);
        _plane = new DataPlane(
            new DataPlaneOptions
            {
                Node = name,
                BindHost = settings.DataHostToBind,
                AnnouncedHost = settings.ReachableDataHost,
                Port = settings.DataPort,
                UseUnixSockets = certificate is null || settings.SharedMemory,
                SharesMemory = settings.SharedMemory,
                Certificate = certificate,
                Warn = warn,
            },
            this);
        Address = new NodeAddress(name, _plane.Endpoint, _plane.Token.ToArray());
    }

    /// <summary>
    /// Gives what to call when the process that is a member at a cluster address now is known to have ended.
    /// </summary>
    public Func<Address, Action> DeathOf { get; set; } = _ => () => { };

    /// <summary>The node's settings.</summary>
    public NodeSettings Settings { get; }

    /// <summary>What the program gives.</summary>
    public INodeServices Services { get; }

    /// <summary>Where others find this node's data plane.</summary>
    public NodeAddress Address { get; }

    /// <summary>
    /// Reads a run's job and data and lays out its parameters; a second call for the same run gives the same.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="parameterShards">Parameter shards over all nodes; 0: as the model's size has it.</param>
    /// <param name="servers">Server nodes that they are spread over; counts with 0 only.</param>
    public Task<OpenedRun> OpenAsync(RunDescription run, int parameterShards, int servers = 1)
    {
        lock (_gate)
        {
            if (_open is { } open && open.Id == run.Id)
                return open.Opening;
            Task<OpenedRun> opening = Task.Factory.StartNew(
                () => Open(run, parameterShards, servers), CancellationToken.None, TaskCreationOptions.LongRunning,
                    TaskScheduler.Default);
            _open = (run.Id, opening);
            return opening;
        }
    }

    /// <summary>Ends a run on this node; its actors have ended before.</summary>
    public void Close(string id)
    {
        lock (_gate)
        {
            if (_open?.Id != id)
                return;
            _links = null;
            _open.Value.Opening.ContinueWith(
                opened => opened.Result.Setup.Dispose(), CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
            _open = null;
        }
    }

    (bool Accepted, string Reason) IDataReceiver.Admit(Hello hello) =>
        _links?.Admit(hello) ?? (false, "no run is open here");

    void IDataReceiver.Opened(DataConnection connection)
    {
        DataPlaneLinks? links = _links;
        connection.State = links;
        if (links is null)
            connection.Close();
        else
            links.Opened(connection);
    }

    Span<float> IDataReceiver.Place(DataConnection connection, in FloatsHeader header) =>
        LinksOf(connection).Place(header);

    void IDataReceiver.Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body) =>
        LinksOf(connection).Receive(connection, kind, body);

    void IDataReceiver.Closed(DataConnection connection, Exception? cause) =>
        (connection.State as DataPlaneLinks)?.Closed(connection, cause);

    string IDataReceiver.Health() => _health();

    /// <summary>Stops listening and closes all connections.</summary>
    public void Dispose() => _plane.Dispose();

    private static DataPlaneLinks LinksOf(DataConnection connection) =>
        connection.State as DataPlaneLinks ?? throw new InvalidDataException("no run is open here");

    // While one is being handed out, the next is being updated: a large model's step gains 6 % from four (compare.py
    // cluster).
    private static int ShardsOfAServer(int floats) => Math.Clamp(floats / FloatsOfAShard, 1, ShardsOfAServerAtMost);

    private OpenedRun Open(RunDescription run, int parameterShards, int servers)
    {
        JobFile job = JobFile.Read(new JobSource(run.Job, run.Name));
        DataParts data = Services.Load(job.Job);
        IModel model = Services.CreateModel(job.Job, data.Schema);
        float[]? initial = run.InitFrom is { } path ? Services.LoadInitial(path, model.Layout) : null;
        var options = new RunOptions(job.Run)
        {
            ParameterShards = parameterShards > 0 ? parameterShards : servers * ShardsOfAServer(
                model.Layout.Length / servers),
            ComputeThreads = Settings.ComputeThreads,
            ReportEvery = Settings.ReportEvery ?? job.Run.ReportEvery,
            MinWorkers = Settings.MinWorkers,
            MaxWorkers = Settings.MaxWorkers,
            ToleratesLoss = true,
            Replicas = Settings.Replicas,
            ResumeFrom = run.ResumeFrom,
            RunId = run.Id,
        };
        DataPlaneLinks? links = null;
        Func<Address, Action> deathOf = address => DeathOf(address);
        var setup = new TrainingSetup(
            job.Job, data, options, initial, setup =>
            links = new DataPlaneLinks(setup.Parameters, setup.Ranges, setup.Job.Training.DataShards,
            setup.Options.BackupWorkers, _plane, run.Id, Address)
            { DeathOf = deathOf }, Settings.SharedMemory, model);
        lock (_gate)
        {
            if (_open?.Id == run.Id)
                _links = links;
        }
        return new OpenedRun(run, job, setup, links!);
    }
}
