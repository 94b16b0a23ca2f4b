using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Benchmarks;

/// <summary>Of what a cluster is made.</summary>
/// <param name="Nodes">Processes.</param>
/// <param name="Servers">How many of them hold parameter shards.</param>
/// <param name="WorkersANode">Workers of one thread in each process.</param>
/// <param name="ParameterShards">In all; 0 is one a server.</param>
/// <param name="Replicas">Of each parameter shard.</param>
/// <param name="Mode">local: each worker has the model's batch; global: it is divided among them.</param>
internal sealed record ClusterShape(
    int Nodes, int Servers, int WorkersANode, int ParameterShards, int Replicas, string Mode);

/// <summary>
/// Whole training steps across processes on this machine, a worker of one thread each: JSON lines with the total of
/// samples a second of each chunk, and where a step's time goes. In the mode local each worker has the model's batch,
/// in the mode global it is divided among them.
/// </summary>
internal static class ClusterBenchmark
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(3);

    public static void Run(string[] models, string[] optimizers, ClusterShape shape, double seconds, int chunks)
    {
        foreach (string model in models)
        {
            foreach (string optimizer in optimizers)
                One(model, optimizer, shape, seconds, chunks);
        }
    }

    /// <summary>
    /// One node: MODEL OPTIMIZER NODES SERVERS SECONDS CHUNKS INDEX SEED-NODE|- MODE WORKERS-A-NODE PARAMETER-SHARDS
    /// REPLICAS [HOST [bulk|bfloat16|localN]]; bfloat16: a group a node; localN: rounds of N steps, a group a worker.
    /// </summary>
    public static async Task<int> Node(string[] args, DataParts data)
    {
        (string name, string optimizer, int nodes, int servers) = (args[0], args[1], Whole(args[2]), Whole(args[3]));
        double seconds = double.Parse(args[4], CultureInfo.InvariantCulture);
        (int chunks, int index, string seed) = (Whole(args[5]), Whole(args[6]), args[7]);
        BenchmarkModel model = BenchmarkModel.Named(name);
        (int workersANode, int parameterShards) = (Whole(args[9]), Whole(args[10]));
        int workers = nodes * workersANode;
        JobDescription job = model.Job(optimizer, workers, epochs: 1_000_000);
        int batch = args[8] == "global" ? model.Batch : model.Batch * workers;
        job = job with { Training = job.Training with { BatchSize = batch } };
        job = job with { Training = job.Training with { DataShards = workers * Math.Max(1, 8 / workers) } };
        string way = args.Length > 13 ? args[13] : "bulk";
        if (way == "bfloat16")
            job = job with
            {
                Training = job.Training with
                {
                    Compression = new CompressionDescription { Kind = CompressionKind.Bfloat16, Groups = nodes },
                },
            };
        else if (way != "bulk")
        {
            data = data with { Train = new RepeatedSource(data.Train, 100) };
            job = job with
            {
                Training = job.Training with
                {
                    Consistency = new ConsistencyDescription
                    {
                        Mode = ConsistencyMode.Local,
                        Groups = workers,
                        Steps = Whole(way["local".Length..]),
                    },
                },
            };
        }
        var settings = new NodeSettings
        {
            Roles = index <= servers ? [NodeRole.Server, NodeRole.Worker] : [NodeRole.Worker],
            ClusterPort = 0,
            ClusterHost = args.Length > 12 ? args[12] : "127.0.0.1",
            SeedNodes = seed == "-" ? [] : [Seed(seed)],
            MinServers = servers,
            MinWorkers = workers,
            Workers = workersANode,
            ParameterShards = parameterShards,
            Replicas = Whole(args[11]),
            ReportEvery = name == "c" ? 4 : 20,
            ExitWhenDone = true,
        };
        using var stop = new CancellationTokenSource();
        var output = new Output(batch, seconds, chunks, stop);
        RunDescription? run = index == 1
            ? new RunDescription("benchmark", name, new JobFile(job, new RunSettings()).Write(), null) : null;
        NodeEnd end = await ClusterNode.RunAsync(
            settings, new Services(data, output), run, "akka.loglevel = OFF", (address, _) =>
                Console.WriteLine($"listening {address}"), stop.Token);
        if (index == 1 && output.Chunks.Count > 0)
        {
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                test = "cluster",
                fw = "disttrainer",
                model = name,
                opt = optimizer,
                nodes,
                servers,
                replicas = settings.Replicas,
                workers,
                parameter_shards = parameterShards > 0 ? parameterShards : servers,
                batch,
                sps = output.Chunks.Select(speed => Math.Round(speed, 1)),
                us = output.Chunks.Select(speed => Math.Round(1e6 * batch / speed, 1)),
                breakdown_ms = output.Times,
                bytes_out = output.BytesOut,
                bytes_in = output.BytesIn,
                rss_mib = PeakMemory.Mebibytes(),
            }));
        }
        return end.ExitCode;
    }

    private static void One(string model, string optimizer, ClusterShape shape, double seconds, int chunks)
    {
        var processes = new List<Process>();
        try
        {
            string seed = "-";
            for (int index = 1; index <= shape.Nodes; index++)
            {
                string[] arguments =
                [
                    Path.Combine(AppContext.BaseDirectory, "DistTrainer.Benchmarks.dll"), "cluster-node", model,
                        optimizer, Text(shape.Nodes), Text(shape.Servers),
                    seconds.ToString(CultureInfo.InvariantCulture), Text(chunks), Text(index), seed, shape.Mode,
                        Text(shape.WorkersANode), Text(shape.ParameterShards), Text(shape.Replicas),
                ];
                Process process =
                    Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
                processes.Add(process);
                if (index > 1)
                    continue;
                seed = process.StandardOutput.ReadLine()!.Split(' ')[1];
            }
            Console.Write(processes[0].StandardOutput.ReadToEnd());
            foreach (Process process in processes)
                process.WaitForExit(s_timeout);
        }
        finally
        {
            foreach (Process process in processes.Where(process => !process.HasExited))
                process.Kill();
        }
    }

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static SeedNode Seed(string address) =>
        new(address[..address.LastIndexOf(':')], Whole(address[(address.LastIndexOf(':') + 1)..]));

    private sealed class Services(DataParts data, Output output) : INodeServices
    {
        public DataParts Load(JobDescription job) => data;

        public float[] LoadInitial(string path, ParameterLayout layout) => throw new NotSupportedException();

        public IRunOutput Open(
            RunDescription run, JobFile job, DataParts data, ParameterLayout layout, RunContinuation? from) => output;
    }

    private sealed class Output(int batch, double seconds, int chunks, CancellationTokenSource stop)
        : ChunkObserver(batch, seconds, chunks, stop), IRunOutput
    {
        private (long Step, long Out, long In) _start;

        /// <summary>Bytes that left this node's network namespace a step, after the warm-up.</summary>
        public long BytesOut { get; private set; }

        /// <summary>Bytes that came in.</summary>
        public long BytesIn { get; private set; }

        public override void OnStep(StepReport report)
        {
            bool wasWarm = IsWarm;
            base.OnStep(report);
            if (!IsWarm)
                return;
            (long Step, long Out, long In) now = (report.Step, NetworkBytes.Out(), NetworkBytes.In());
            if (!wasWarm)
                _start = now;
            else if (now.Step > _start.Step)
                (BytesOut, BytesIn) = (
                    (now.Out - _start.Out) / (now.Step - _start.Step), (now.In - _start.In) / (now.Step - _start.Step));
        }

        public void Complete(TrainingResult result)
        {
        }

        public void Dispose()
        {
        }
    }
}
