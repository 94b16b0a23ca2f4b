using System.Net.Sockets;
using Akka.Actor;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.Transport;

namespace DistTrainer.Fuzz;

/// <summary>A run's links on one node, nobody behind them, and connections to it that say what they are told.</summary>
internal sealed class WireRig : IDataReceiver, IDisposable
{
    /// <summary>The generation that the node is in.</summary>
    public const int Generation = 1;

    private const int Features = 3;
    private static readonly DataPlaneOptions s_options = new() { Node = "node", BindHost = "127.0.0.1" };
    private readonly DataPlane _plane;
    private readonly TrainingSetup _setup;
    private readonly DataPlaneLinks _links;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly UnixDomainSocketEndPoint _address = new(Path.Combine(Scratch.Folder, $"{Guid.NewGuid():n}"[..8]));

    /// <summary>Makes the run.</summary>
    public WireRig()
    {
        DataPlaneLinks? links = null;
        _plane = new DataPlane(s_options, this);
        _setup = new TrainingSetup(
            Job(), Data(), new RunOptions { ParameterShards = 1 }, null,
            made =>
                links = new DataPlaneLinks(made.Parameters, made.Ranges, made.Job.Training.DataShards,
                made.Options.BackupWorkers, _plane, "run",
                new NodeAddress("node", _plane.Endpoint, _plane.Token.ToArray())), sharesMemory: true);
        _links = links!;
        Floats = _setup.CreateVector();
        _links.Join(Generation, [], ActorRefs.Nobody);
        _links.Serve(Generation, 0, ActorRefs.Nobody);
        _listener.Bind(_address);
        _listener.Listen();
    }

    /// <summary>As many floats as the run has parameters, in memory that can be shared.</summary>
    public AlignedBuffer Floats { get; }

    /// <summary>Opens a connection, says something and ends its half.</summary>
    /// <param name="said">What is said.</param>
    /// <param name="read">Reads it, as the connection's reader thread does.</param>
    public void Read(byte[] said, Action<Wire, DataConnection> read)
    {
        using Socket peer = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        peer.Connect(_address);
        using var wire = new Wire(_listener.Accept());
        if (said.Length > 0)
            peer.Send(said);
        peer.Shutdown(SocketShutdown.Send);
        var connection = new DataConnection(wire, "peer", false, this, s_options, _ => { });
        try
        {
            read(wire, connection);
        }
        finally
        {
            connection.Segments.Close();
        }
    }

    /// <inheritdoc/>
    public (bool Accepted, string Reason) Admit(Hello hello) => _links.Admit(hello);

    /// <inheritdoc/>
    public void Opened(DataConnection connection) => _links.Opened(connection);

    /// <inheritdoc/>
    public Span<float> Place(DataConnection connection, in FloatsHeader header) => _links.Place(header);

    /// <inheritdoc/>
    public void Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body) =>
        _links.Receive(connection, kind, body);

    /// <inheritdoc/>
    public void Closed(DataConnection connection, Exception? cause) => _links.Closed(connection, cause);

    /// <inheritdoc/>
    public string Health() => "{}";

    /// <summary>Closes everything.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        _plane.Dispose();
        _setup.Dispose();
        Floats.Dispose();
    }

    private static JobDescription Job() => new()
    {
        Model = new ModelDescription
        {
            Layers = [new LayerDescription { Units = 5, Activation = "relu" }, new LayerDescription()],
        },
        Training = new TrainingDescription
        {
            BatchSize = 20,
            DataShards = 8,
            Compression = new CompressionDescription { Kind = CompressionKind.Bfloat16 },
        },
    };

    private static DataParts Data()
    {
        DataSet Part(int count) => new(new float[count * Features], new float[count], Features, 1);
        return new DataParts(Part(40), Part(4), Part(4), new DataSchema
        {
            Task = TaskKind.Classification,
            FeatureNames = ["a", "b", "c"],
            TargetNames = ["class"],
            ClassNames = ["0", "1"],
            Normalization = new Normalization(NormalizationKind.None, new double[Features], [1f, 1f, 1f], [0f], [1f]),
        }, "none");
    }
}
