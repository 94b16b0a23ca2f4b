using System.CommandLine;
using BenchmarkDotNet.Running;
using DistTrainer.Benchmarks;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Transport;

if (args is ["wire-worker", ..])
{
    WireBenchmark.Work(args[1..]);
    return 0;
}

if (args is ["cluster-node", ..])
    return await ClusterBenchmark.Node(args[1..], FashionMnist(12_800));

var models = new Option<string>("--models")
{
    Description = "Models, comma-separated: a, b, c, or a shape with its batch such as 784-512-512-10@64.",
    DefaultValueFactory = _ => "a,b,c",
};
var optimizers = new Option<string>("--optimizers")
{
    Description = "sgd or momentum (both with momentum 0.9), plain-sgd, adam, rmsprop, comma-separated.",
    DefaultValueFactory = _ => "sgd,adam",
};
var cells = new Option<string?>("--cells")
{
    Description = "Instead of models and optimizers: pairs MODEL:OPTIMIZER, comma-separated.",
};
// Null is what the product does by itself.
var workers = new Option<int?>("--workers") { Description = "Worker actors; the product's default without it." };
var computeThreads = new Option<int?>("--threads")
{
    Description = "Threads of a worker; the product's default without it.",
};
var threads = new Option<int>("--threads") { Description = "Threads.", DefaultValueFactory = _ => 1 };
var dataShards = new Option<int?>("--data-shards")
{
    Description = "Data shards of a step; the product's default without it.",
};
var seconds = new Option<double>("--seconds")
{
    Description = "Length of a timed chunk.",
    DefaultValueFactory = _ => 0.4,
};
var chunks = new Option<int>("--chunks") { Description = "Timed chunks.", DefaultValueFactory = _ => 3 };
var warmUp = new Option<double?>("--warm-up")
{
    Description = "Seconds before the first timed chunk; as long as a chunk without it.",
};
var seeds = new Option<int>("--seeds") { Description = "Seeds, from 1.", DefaultValueFactory = _ => 1 };
var epochs = new Option<int>("--epochs") { Description = "Epochs a seed.", DefaultValueFactory = _ => 8 };

var samples = new Option<int>("--samples")
{
    Description = "Samples of an epoch; at its end the parameters are hashed, which is no part of a step.",
    DefaultValueFactory = _ => 60_000,
};
var train =
    new Command("train", "Whole training steps through the actors.") { models, optimizers, cells, workers,
    computeThreads, dataShards, seconds, chunks, warmUp, samples };
train.SetAction((result, _) => TrainBenchmark.Run(
    CellsOf(result), result.GetValue(workers), result.GetValue(computeThreads), result.GetValue(dataShards), result.GetValue(seconds),
        result.GetValue(chunks), result.GetValue(warmUp), FashionMnist(result.GetValue(samples))));
var gemm = new Command("gemm", "Matrix products of the models at one thread, of one worker's data shards.")
{
    seconds, workers, dataShards,
};
gemm.SetAction(result => GemmBenchmark.Run(
    result.GetValue(seconds) / 2, result.GetValue(workers) ?? 1, result.GetValue(dataShards) ?? 1));
var parts = new Command("parts", "The parts of a step at one thread, of two workers.")
{
    models, optimizers, cells, dataShards, seconds,
};
parts.SetAction(result => PartsBenchmark.Run(
    CellsOf(result), result.GetValue(dataShards) ?? new TrainingDescription().DataShards, result.GetValue(seconds),
    (DataSet)FashionMnist(12_800).Train));
var optim = new Command("optim", "Optimizer updates of 25 million parameters.") { threads, seconds, chunks };
optim.SetAction(
    result => OptimizerBenchmark.Run(result.GetValue(threads), result.GetValue(seconds), result.GetValue(chunks)));
var epoch =
    new Command("epoch", "Seconds an epoch on Fashion-MNIST, model b, Adam, and test accuracy after each.") { seeds,
    epochs, workers, dataShards };
epoch.SetAction((result, _) => EpochBenchmark.Run(
    result.GetValue(seeds), result.GetValue(epochs), result.GetValue(workers),
        result.GetValue(dataShards), FashionMnist(0)));
var kernels = new Command("kernels", "Kernels under BenchmarkDotNet.");
kernels.SetAction(_ => BenchmarkRunner.Run<KernelBenchmarks>());
var megabytes = new Option<double[]>("--megabytes")
{
    Description = "Length of the vector, may be repeated.",
    DefaultValueFactory = _ => [23, 100],
};
var rounds = new Option<int>("--rounds")
{
    Description = "Timed rounds, all variants in turn.",
    DefaultValueFactory = _ => 15,
};
var chunkKiB = new Option<int>("--chunk-kib")
{
    Description = "Payload of a data-plane frame.",
    DefaultValueFactory = _ => new DataPlaneOptions { Node = "" }.ChunkBytes >> 10,
};
var socketKiB = new Option<int>("--socket-kib")
{
    Description = "Socket buffers of the data plane; 0: its defaults.",
    DefaultValueFactory = _ => 0,
};
var wire =
    new Command("wire",
    "The data plane beside plain sockets: one way, and push + broadcast with two worker processes.") { megabytes,
    rounds, chunkKiB, socketKiB };
wire.SetAction(result =>
{
    foreach (double size in result.GetValue(megabytes)!)
        WireBenchmark.Run(
            new WireOptions(
                (int)(size * 1e6 / 4), result.GetValue(rounds), result.GetValue(chunkKiB) << 10,
                result.GetValue(socketKiB) << 10));
});
var nodes = new Option<int>("--nodes") { Description = "Processes.", DefaultValueFactory = _ => 2 };
var servers = new Option<int>("--servers")
{
    Description = "How many of them hold parameter shards.",
    DefaultValueFactory = _ => 2,
};
var mode = new Option<string>("--mode")
{
    Description = "local: the model's batch in each process; global: divided.",
    DefaultValueFactory = _ => "local",
};
mode.AcceptOnlyFromAmong("local", "global");
var workersANode = new Option<int>("--workers-a-node")
{
    Description = "Workers of one thread in each process.",
    DefaultValueFactory = _ => 1,
};
var parameterShards = new Option<int>("--parameter-shards")
{
    Description = "Parameter shards; 0 is one a server.",
    DefaultValueFactory = _ => 0,
};
var replicas = new Option<int>("--replicas")
{
    Description = "Replicas of each parameter shard; 0 or 1.",
    DefaultValueFactory = _ => 0,
};
var cluster = new Command("cluster", "Whole training steps across processes.") { models, optimizers, nodes, servers,
    workersANode, parameterShards, replicas, mode, seconds, chunks };
cluster.SetAction(result => ClusterBenchmark.Run(
    result.GetValue(models)!.Split(','), result.GetValue(optimizers)!.Split(','),
    new ClusterShape(result.GetValue(nodes), result.GetValue(servers), result.GetValue(workersANode),
        result.GetValue(parameterShards), result.GetValue(replicas), result.GetValue(mode)!),
    result.GetValue(seconds), result.GetValue(chunks)));
var namespaces = new Argument<string[]>("NAMESPACE=ADDRESS") { Description = "Network namespaces, and their address." };
var device = new Option<string>("--device") { Description = "The device's name.", DefaultValueFactory = _ => "line" };
var megabits = new Option<double>("--megabits") { Description = "Mbit/s.", DefaultValueFactory = _ => 100 };
var milliseconds = new Option<double>("--milliseconds")
{
    Description = "Delay of one direction.",
    DefaultValueFactory = _ => 20,
};
var line = new Command("delay-line", "A slow and long line between network namespaces; see tests/cluster/slow-links.sh.")
{
    namespaces, device, megabits, milliseconds,
};
line.SetAction(result => DelayLine.Run(
    result.GetRequiredValue(namespaces), result.GetValue(device)!, result.GetValue(megabits),
    result.GetValue(milliseconds)));
var crc = new Command("crc", "CRC-32C over a chunk that lies in the cache.") { seconds };
crc.SetAction(result => CrcBenchmark.Run(result.GetValue(seconds)));
var model = new Option<string>("--model") { Description = "The model.", DefaultValueFactory = _ => "b" };
var optimizer = new Option<string>("--optimizer")
{
    Description = "sgd (momentum 0.9) or adam.",
    DefaultValueFactory = _ => "adam",
};
var every = new Option<int>("--every")
{
    Description = "Steps between two checkpoints.",
    DefaultValueFactory = _ => 100,
};
var checkpoint = new Command("checkpoint", "What checkpoints cost: training with and without them in turn.") { model,
    optimizer, workers, dataShards, every, rounds, seconds };
checkpoint.SetAction((result, _) => CheckpointBenchmark.Run(
    result.GetValue(model)!, result.GetValue(optimizer)!, result.GetValue(workers), result.GetValue(dataShards),
        result.GetValue(every), result.GetValue(rounds), result.GetValue(seconds), FashionMnist(0)));
var url = new Option<string>("--url")
{
    Description = "Where `disttrainer serve` listens.",
    DefaultValueFactory = _ => "http://127.0.0.1:8080",
};
var clients = new Option<int[]>("--clients")
{
    Description = "Requests at the same time, may be repeated.",
    DefaultValueFactory = _ => [1, 8, 32],
};
var rows = new Option<int[]>("--rows")
{
    Description = "Rows of a request, may be repeated.",
    DefaultValueFactory = _ => [1, 256],
};
var serve =
    new Command("serve", "Requests a second and latency of a running `disttrainer serve`.") { url,
    clients, rows, seconds };
serve.SetAction(async (result, _) =>
{
    foreach (int each in result.GetValue(rows)!)
    {
        foreach (int count in result.GetValue(clients)!)
            await ServeBenchmark.Run(new Uri(result.GetValue(url)!), count, each, result.GetValue(seconds));
    }
});
var file = new Argument<string>("FILE") { Description = "A table or array whose last column is a number to predict." };
var whole = new Option<bool>("--whole") { Description = "Also divides, looks, scales and hashes, as a run does." };
var reading = new Command("reading", "Reads a file once; see tests/peers/reading.py.") { file, whole };
reading.SetAction(result => ReadingBenchmark.Run(result.GetRequiredValue(file), result.GetValue(whole)));
var root = new RootCommand("Benchmarks of DistTrainer; JSON lines for tests/peers/compare.py.") { train, gemm, parts,
    optim, epoch, kernels, cluster, wire, line, crc, checkpoint, serve, reading };
return await root.Parse(args).InvokeAsync();

IEnumerable<(string Model, string Optimizer)> CellsOf(ParseResult result) => result.GetValue(cells) is { } pairs
    ? pairs.Split(',').Select(pair => pair.Split(':')).Select(pair => (pair[0], pair[1]))
    : result.GetValue(models)!.Split(',').SelectMany(
        model => result.GetValue(optimizers)!.Split(','), (model, optimizer) => (model, optimizer));

static DataParts FashionMnist(int limit) => DataLoader.Load(
    new DataDescription
    {
        Source = "fashion-mnist",
        Normalization = NormalizationKind.UnitBytes,
        ValidationFraction = 0,
        Limit = limit
    }, new LossDescription());
