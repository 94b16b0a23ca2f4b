using Akka.Actor;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Data;
using DistTrainer.Jobs;
using DistTrainer.Transport;
using Xunit;

namespace DistTrainer.Cluster.Tests.Links;

/// <summary>
/// One end of the links of a run: a data plane, the run's buffers, and a mailbox in the place of its actors.
/// </summary>
internal sealed class LinksRig : IDataReceiver, IDisposable
{
    public const int Generation = 1;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private readonly DataPlane _plane;
    private readonly TaskCompletionSource<DataConnection> _connection = new(
        TaskCreationOptions.RunContinuationsAsynchronously);
    private int _floatsFrames;

    public LinksRig(string name, bool sharesMemory = true, bool useUnix = true)
    {
        _plane = new DataPlane(
            new DataPlaneOptions
            {
                Node = name,
                BindHost = "127.0.0.1",
                SharesMemory = sharesMemory,
                UseUnixSockets = useUnix
            }, this);
        Address = new NodeAddress(name, _plane.Endpoint, _plane.Token.ToArray());
        DataPlaneLinks? links = null;
        Setup = new TrainingSetup(
            TestJobs.Variants["sgd"], s_data, new RunOptions { ParameterShards = 1 }, null, setup =>
                links = new DataPlaneLinks(setup.Parameters, setup.Ranges, setup.Job.Training.DataShards,
                setup.Options.BackupWorkers, _plane, "run", Address), sharesMemory: true);
        Links = links!;
        Links.Owner = Mailbox;
    }

    public Mailbox Mailbox { get; } = new();

    public NodeAddress Address { get; }

    public TrainingSetup Setup { get; }

    public DataPlaneLinks Links { get; }

    public ActorPlace Place => new(Mailbox, Address);

    /// <summary>The first connection, once it stands.</summary>
    public DataConnection Connection => _connection.Task.WaitAsync(s_patience).GetAwaiter().GetResult();

    public TaskCompletionSource<Exception?> Cause { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Frames of floats that came over the connection.</summary>
    public int FloatsFrames => Volatile.Read(ref _floatsFrames);

    /// <summary>A connection to another node's links, on which anything can be sent.</summary>
    public DataConnection Connect(LinksRig other) =>
        _plane.Connect(other.Address.Endpoint!, other.Address.Token, new Hello("run", Address.Name), s_patience);

    public T Next<T>() => (T)Mailbox.Take(s_patience);

    public (bool Accepted, string Reason) Admit(Hello hello) => Links.Admit(hello);

    public void Opened(DataConnection connection)
    {
        Links.Opened(connection);
        _connection.TrySetResult(connection);
    }

    Span<float> IDataReceiver.Place(DataConnection connection, in FloatsHeader header)
    {
        Interlocked.Increment(ref _floatsFrames);
        return Links.Place(header);
    }

    public void Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body) =>
        Links.Receive(connection, kind, body);

    public void Closed(DataConnection connection, Exception? cause)
    {
        Links.Closed(connection, cause);
        Cause.TrySetResult(cause);
    }

    public string Health() => "{}";

    public void Dispose()
    {
        _plane.Dispose();
        Setup.Dispose();
    }
}

/// <summary>Keeps what an actor would get.</summary>
internal sealed class Mailbox : MinimalActorRef
{
    private readonly Queue<object> _messages = [];

    public override ActorPath Path { get; } = new RootActorPath(new Address("akka", "test"));

    public override IActorRefProvider Provider => throw new NotSupportedException();

    public object Take(TimeSpan patience)
    {
        lock (_messages)
        {
            while (_messages.Count == 0)
                Assert.True(Monitor.Wait(_messages, patience), "no message came");
            return _messages.Dequeue();
        }
    }

    protected override void TellInternal(object message, IActorRef sender)
    {
        lock (_messages)
        {
            _messages.Enqueue(message);
            Monitor.PulseAll(_messages);
        }
    }
}
