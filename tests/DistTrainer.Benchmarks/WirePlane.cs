using System.Diagnostics;
using System.Globalization;
using DistTrainer.Engine.Numerics;
using DistTrainer.Transport;

namespace DistTrainer.Benchmarks;

/// <summary>The data plane, as training uses it: floats, then the message that makes them count.</summary>
internal sealed class PlaneServer : IWireServer, IDataReceiver
{
    private readonly WireOptions _options;
    private readonly List<Process> _processes = [];
    private readonly AlignedBuffer[] _pushed;
    private readonly AlignedBuffer _parameters;
    private readonly DataPlane _plane;
    private readonly object _gate = new();
    private readonly List<DataConnection> _connections = [];
    private int _answers;

    public PlaneServer(WireOptions options, bool useUnix)
    {
        _options = options;
        Name = useUnix ? "plane-unix" : "plane-tcp";
        _parameters = new AlignedBuffer(options.Floats);
        _pushed = [.. Enumerable.Range(0, WireBenchmark.Workers).Select(_ => new AlignedBuffer(options.Floats))];
        _plane = new DataPlane(PlaneWorker.PlaneOptions(options, useUnix, "server"), this);
        foreach (AlignedBuffer _ in _pushed)
        {
            _processes.Add(WireBenchmark.Start(
                "wire-worker", Name,
                    $"{_plane.Endpoint.Port},{_plane.Endpoint.SocketPath},{Convert.ToHexString(_plane.Token.Span)}",
                Text(options.Floats), Text(options.ChunkBytes), Text(options.SocketBytes)));
        }
        Wait(() => _connections.Count == WireBenchmark.Workers);
    }

    public string Name { get; }

    public IReadOnlyList<Process> Processes => _processes;

    public void Push(int workers)
    {
        foreach (DataConnection connection in _connections.Take(workers))
            connection.Send((byte)'p', default);
        WaitForAnswers(workers);
    }

    public void Broadcast()
    {
        var header = new FloatsHeader(FloatsKind.Parameters, 1, 1, 0, 0, 0, 0, 0, _options.Floats);
        foreach (DataConnection connection in _connections)
        {
            connection.Send(header, _parameters, 0);
            connection.Send((byte)'b', default);
        }
        WaitForAnswers(WireBenchmark.Workers);
    }

    public (bool Accepted, string Reason) Admit(Hello hello) => (true, "");

    public void Opened(DataConnection connection)
    {
        lock (_gate)
        {
            connection.State = _pushed[_connections.Count];
            _connections.Add(connection);
            Monitor.Pulse(_gate);
        }
    }

    public Span<float> Place(DataConnection connection, in FloatsHeader header) =>
        ((AlignedBuffer)connection.State!).Span.Slice(header.Offset, header.Count);

    public void Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body)
    {
        lock (_gate)
        {
            _answers++;
            Monitor.Pulse(_gate);
        }
    }

    public void Closed(DataConnection connection, Exception? cause)
    {
        if (cause is not null and not EndOfStreamException)
            Console.Error.WriteLine(cause);
    }

    public string Health() => "{}";

    public void Dispose()
    {
        _plane.Dispose();
        _processes.ForEach(process => process.WaitForExit());
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private void WaitForAnswers(int count)
    {
        Wait(() => _answers == count);
        _answers = 0;
    }

    private void Wait(Func<bool> condition)
    {
        lock (_gate)
        {
            while (!condition())
                Monitor.Wait(_gate);
        }
    }
}

/// <summary>The worker's side.</summary>
internal sealed class PlaneWorker : IDataReceiver, IDisposable
{
    private readonly AlignedBuffer _buffer;
    private readonly ManualResetEventSlim _closed = new();

    private PlaneWorker(int floats) => _buffer = new AlignedBuffer(floats);

    public static DataPlaneOptions PlaneOptions(WireOptions options, bool useUnix, string node) => new()
    {
        Node = node,
        BindHost = "127.0.0.1",
        UseUnixSockets = useUnix,
        ChunkBytes = options.ChunkBytes,
        SendBufferBytes = options.SocketBytes,
        ReceiveBufferBytes = options.SocketBytes,
    };

    public static void Work(string name, string where, WireOptions options)
    {
        string[] parts = where.Split(',');
        using var worker = new PlaneWorker(options.Floats);
        using var plane = new DataPlane(PlaneOptions(options, name == "plane-unix", "worker"), worker);
        var endpoint = new DataEndpoint(
            "127.0.0.1", int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]
                .Length > 0 ? parts[1] : null, plane.Endpoint.Machine);
        DataConnection connection = plane.Connect(
            endpoint, Convert.FromHexString(parts[2]), new Hello("wire", "worker"), TimeSpan.FromSeconds(10));
        if (connection.IsUnixSocket != (name == "plane-unix"))
            throw new InvalidOperationException("The benchmark did not get the kind of socket that it asked for.");
        worker._closed.Wait();
    }

    public (bool Accepted, string Reason) Admit(Hello hello) =>
        (false, "a worker of the benchmark takes no connections");

    public void Opened(DataConnection connection)
    {
    }

    public Span<float> Place(DataConnection connection, in FloatsHeader header) =>
        _buffer.Span.Slice(header.Offset, header.Count);

    public void Receive(DataConnection connection, byte kind, ReadOnlySpan<byte> body)
    {
        if (kind == 'p')
            connection.Send(new FloatsHeader(FloatsKind.Gradient, 1, 1, 0, 0, 0, 1, 0, _buffer.Length), _buffer, 0);
        connection.Send(kind, default);
    }

    public void Closed(DataConnection connection, Exception? cause) => _closed.Set();

    public string Health() => "{}";

    public void Dispose()
    {
        _closed.Dispose();
        _buffer.Dispose();
    }
}
