using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Benchmarks;

/// <summary>The yardstick: blocking sockets, no frames, no checksums, one thread a connection.</summary>
internal sealed class PlainServer : IWireServer
{
    private readonly List<Socket> _sockets = [];
    private readonly List<Process> _processes = [];
    private readonly AlignedBuffer[] _pushed;
    private readonly AlignedBuffer _parameters;

    public PlainServer(WireOptions options, bool useUnix)
    {
        Name = useUnix ? "plain-unix" : "plain-tcp";
        _parameters = new AlignedBuffer(options.Floats);
        _pushed = [.. Enumerable.Range(0, WireBenchmark.Workers).Select(_ => new AlignedBuffer(options.Floats))];
        EndPoint address = useUnix ? new UnixDomainSocketEndPoint($"\0wire-{Environment.ProcessId}")
            : new IPEndPoint(IPAddress.Loopback, 0);
        using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(address);
        listener.Listen();
        string where = useUnix ? $"wire-{Environment.ProcessId}" : $"{((IPEndPoint)listener.LocalEndPoint!).Port}";
        foreach (AlignedBuffer _ in _pushed)
        {
            _processes.Add(
                WireBenchmark.Start("wire-worker", Name, where, options.Floats.ToString(CultureInfo.InvariantCulture)));
            _sockets.Add(listener.Accept());
        }
    }

    public string Name { get; }

    public IReadOnlyList<Process> Processes => _processes;

    public static void Work(string name, string where, int floats)
    {
        using var buffer = new AlignedBuffer(floats);
        Span<byte> bytes = MemoryMarshal.AsBytes(buffer.Span), command = stackalloc byte[1];
        EndPoint address = name == "plain-unix"
            ? new UnixDomainSocketEndPoint("\0" + where)
            : new IPEndPoint(IPAddress.Loopback, int.Parse(where, CultureInfo.InvariantCulture));
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(address);
        while (socket.Receive(command) == 1)
        {
            if (command[0] == 'p')
            {
                SendAll(socket, bytes);
                continue;
            }
            ReceiveAll(socket, bytes);
            socket.Send(command);
        }
    }

    public void Push(int workers) => Each(workers, worker =>
    {
        _sockets[worker].Send("p"u8);
        ReceiveAll(_sockets[worker], MemoryMarshal.AsBytes(_pushed[worker].Span));
    });

    public void Broadcast() => Each(WireBenchmark.Workers, worker =>
    {
        _sockets[worker].Send("b"u8);
        SendAll(_sockets[worker], MemoryMarshal.AsBytes(_parameters.Span));
        ReceiveAll(_sockets[worker], stackalloc byte[1]);
    });

    public void Dispose()
    {
        _sockets.ForEach(socket => socket.Dispose());
        _processes.ForEach(process => process.WaitForExit());
    }

    private static void Each(int workers, Action<int> action)
    {
        Thread[] threads = [.. Enumerable.Range(1, workers - 1).Select(worker => new Thread(() => action(worker)))];
        Array.ForEach(threads, thread => thread.Start());
        action(0);
        Array.ForEach(threads, thread => thread.Join());
    }

    private static void SendAll(Socket socket, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[socket.Send(bytes)..];
    }

    private static void ReceiveAll(Socket socket, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = socket.Receive(bytes);
            bytes = count > 0 ? bytes[count..] : throw new EndOfStreamException(
                "A worker process of the benchmark ended.");
        }
    }
}
