using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace DistTrainer.Benchmarks;

/// <summary>What the wire benchmark can vary.</summary>
/// <param name="Floats">Length of the vector.</param>
/// <param name="Rounds">Timed rounds; all variants take turns within a round.</param>
/// <param name="ChunkBytes">Payload of a frame at most.</param>
/// <param name="SocketBytes">Send and receive buffers of the data plane's sockets; 0: its defaults.</param>
internal sealed record WireOptions(int Floats, int Rounds, int ChunkBytes, int SocketBytes);

/// <summary>
/// Loopback between processes: this one is the server, two more of its own are workers. A plain blocking socket and the
/// data plane, over TCP and over a Unix-domain socket, move the same whole vector between the same kind of buffers.
/// JSON lines in GB/s.
/// </summary>
internal static class WireBenchmark
{
    public const int Workers = 2;

    private readonly record struct Sample(double Wall, double Server, double Workers);

    public static void Run(WireOptions options)
    {
        IWireServer[] servers =
        [
            new PlainServer(options, useUnix: false), new PlainServer(options, useUnix: true),
            new PlaneServer(options, useUnix: false), new PlaneServer(options, useUnix: true),
        ];
        var oneWay = servers.ToDictionary(server => server, _ => new List<Sample>());
        var pushBroadcast = servers.ToDictionary(server => server, _ => new List<Sample>());
        for (int round = -2; round < options.Rounds; round++)
        {
            foreach (IWireServer server in servers)
            {
                Sample one = Measure(server, () => server.Push(1)), both = Measure(server, () => PushBroadcast(server));
                if (round < 0)
                    continue;
                oneWay[server].Add(one);
                pushBroadcast[server].Add(both);
            }
        }
        double bytes = (double)options.Floats * sizeof(float);
        foreach (IWireServer server in servers)
        {
            Report("one-way", server, bytes, oneWay[server], oneWay[servers[0]]);
            Report("push-broadcast", server, 2 * Workers * bytes, pushBroadcast[server], pushBroadcast[servers[0]]);
            server.Dispose();
        }
    }

    /// <summary>Starts a worker process of this program.</summary>
    /// <param name="arguments">Its arguments.</param>
    public static Process Start(params IEnumerable<string> arguments)
    {
        string program = Environment.ProcessPath!;
        bool isHost = Path.GetFileNameWithoutExtension(program) == "dotnet";
        return Process.Start(program, isHost ? [typeof(WireBenchmark).Assembly.Location, .. arguments] : arguments);
    }

    /// <summary>Is a worker process until the server has gone.</summary>
    /// <param name="arguments">Variant, address, floats, and for the data plane chunk and socket buffers.</param>
    public static void Work(string[] arguments)
    {
        int Number(int i) => int.Parse(arguments[i], CultureInfo.InvariantCulture);
        if (arguments.Length == 3)
            PlainServer.Work(arguments[0], arguments[1], Number(2));
        else
            PlaneWorker.Work(arguments[0], arguments[1], new WireOptions(Number(2), 0, Number(3), Number(4)));
    }

    private static void PushBroadcast(IWireServer server)
    {
        server.Push(Workers);
        server.Broadcast();
    }

    private static Sample Measure(IWireServer server, Action action)
    {
        double server0 = Environment.CpuUsage.TotalTime.TotalSeconds, workers0 = WorkerSeconds(server);
        var watch = Stopwatch.StartNew();
        action();
        double wall = watch.Elapsed.TotalSeconds;
        return new Sample(
            wall, Environment.CpuUsage.TotalTime.TotalSeconds - server0, WorkerSeconds(server) - workers0);
    }

    private static double WorkerSeconds(IWireServer server)
    {
        foreach (Process process in server.Processes)
            process.Refresh();
        return server.Processes.Sum(process => process.TotalProcessorTime.TotalSeconds);
    }

    private static void Report(string what, IWireServer server, double bytes, List<Sample> samples, List<Sample> plain)
    {
        double best = samples.Min(s => s.Wall), median = samples.Select(s => s.Wall).Order()
            .ElementAt(samples.Count / 2);
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            test = "wire",
            what,
            server.Name,
            megabytes = Math.Round(bytes / (what == "one-way" ? 1 : 2 * Workers) / 1e6, 1),
            bestGBs = Math.Round(bytes / best / 1e9, 2),
            medianGBs = Math.Round(bytes / median / 1e9, 2),
            serverCpuMsPerGB = Math.Round(samples.Average(s => s.Server) / bytes * 1e12),
            workersCpuMsPerGB = Math.Round(samples.Average(s => s.Workers) / bytes * 1e12),
            bestOfPlainTcp = string.Create(CultureInfo.InvariantCulture, $"{plain.Min(s => s.Wall) / best:P0}"),
        }));
    }
}

/// <summary>One way to move the vector.</summary>
internal interface IWireServer : IDisposable
{
    string Name { get; }

    /// <summary>The workers.</summary>
    IReadOnlyList<Process> Processes { get; }

    /// <summary>Tells some workers to push, and returns when all they sent is in.</summary>
    void Push(int workers);

    /// <summary>Sends the vector to all workers, and returns when all say that it is in.</summary>
    void Broadcast();
}
