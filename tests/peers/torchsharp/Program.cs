using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Network = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;
using Parameter = TorchSharp.Modules.Parameter;
using Rule = TorchSharp.torch.optim.Optimizer;

// TorchSharp (libtorch 2.10) on the work of the benchmark; a JSON line for each measurement. The same work as
// ../pytorch/peer.py, with the same names of models and optimizers:
//
//     train THREADS MODELS OPTIMIZERS SECONDS CHUNKS    samples/s of whole training steps
//     cells THREADS CELLS SECONDS CHUNKS                the same, of cells MODEL:OPTIMIZER
//     optim THREADS SECONDS CHUNKS                      optimizer steps on 25 million parameters
//     epoch THREADS SEED EPOCHS                         Fashion-MNIST, model b, Adam: seconds and test accuracy

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int threads = int.Parse(args[1]);
set_num_threads(threads);
switch (args[0])
{
    case "train":
        Train(
            args[2].Split(',').SelectMany(model => args[3].Split(',').Select(optimizer => (model, optimizer))),
            double.Parse(args[4]), int.Parse(args[5]));
        break;
    case "cells":
        Train(
            args[2].Split(',').Select(cell => cell.Split(':')).Select(parts => (parts[0], parts[1])),
            double.Parse(args[3]), int.Parse(args[4]));
        break;
    case "optim": Optimizers(double.Parse(args[2]), int.Parse(args[3])); break;
    case "epoch": Epochs(int.Parse(args[2]), int.Parse(args[3])); break;
    default: throw new ArgumentException($"'{args[0]}' is not train, cells, optim or epoch.");
}

static int[] Widths(string model) => model switch
{
    "a" => [784, 128, 10],
    "b" => [784, 512, 256, 10],
    "c" => [784, 2048, 2048, 10],
    _ => [.. model.Split('@')[0].Split('-').Select(int.Parse)],
};

static int Batch(string model) => model switch
{
    "a" => 64,
    "b" => 128,
    "c" => 256,
    _ => int.Parse(model.Split('@')[1]),
};

static Network Model(string model)
{
    int[] widths = Widths(model);
    var layers = new List<Network>();
    for (int i = 0; i + 1 < widths.Length; i++)
    {
        layers.Add(Linear(widths[i], widths[i + 1]));
        if (i + 2 < widths.Length)
            layers.Add(ReLU());
    }
    return Sequential(layers);
}

static Rule MakeRule(string optimizer, IEnumerable<Parameter> parameters) => optimizer switch
{
    "sgd" or "momentum" => torch.optim.SGD(parameters, 0.01, momentum: 0.9),
    "plain-sgd" => torch.optim.SGD(parameters, 0.01),
    "adam" => torch.optim.Adam(parameters, 1e-3),
    "rmsprop" => torch.optim.RMSProp(parameters, 1e-3),
    _ => throw new ArgumentException($"'{optimizer}' is no optimizer."),
};

static (Tensor Inputs, Tensor Labels) Load(string part, int limit)
{
    byte[] pixels = Bytes($"{part}-images-idx3-ubyte.gz", 16), labels = Bytes($"{part}-labels-idx1-ubyte.gz", 8);
    int count = Math.Min(limit, labels.Length);
    float[] inputs = [.. pixels.Take(count * 784).Select(p => p / 255f)];
    return (tensor(inputs, [count, 784L]), tensor(labels.Take(count).Select(l => (long)l).ToArray()));
}

static byte[] Bytes(string file, int header)
{
    using var stream =
        new GZipStream(File.OpenRead($"/usr/share/datasets/fashion-mnist/{file}"), CompressionMode.Decompress);
    var bytes = new MemoryStream();
    stream.CopyTo(bytes);
    return bytes.ToArray()[header..];
}

// Seconds a step, one figure a chunk of the given length, after a chunk of warm-up.
static double[] Timed(Action step, double seconds, int chunks)
{
    var watch = Stopwatch.StartNew();
    int steps = 0;
    for (; watch.Elapsed.TotalSeconds < seconds || steps < 3; steps++)
        step();
    steps = Math.Max(2, (int)(steps * seconds / watch.Elapsed.TotalSeconds));
    var figures = new double[chunks];
    for (int chunk = 0; chunk < chunks; chunk++)
    {
        watch.Restart();
        for (int i = 0; i < steps; i++)
            step();
        figures[chunk] = watch.Elapsed.TotalSeconds / steps;
    }
    return figures;
}

static void TrainStep(Network net, Rule rule, Tensor inputs, Tensor labels)
{
    rule.zero_grad();
    functional.cross_entropy(net.forward(inputs), labels).backward();
    rule.step();
}

void Train(IEnumerable<(string Model, string Optimizer)> cells, double seconds, int chunks)
{
    (Tensor inputs, Tensor labels) = Load("train", 12800);
    foreach ((string model, string optimizer) in cells)
    {
        manual_seed(1);
        using Network net = Model(model);
        using Rule rule = MakeRule(optimizer, net.parameters());
        int size = Batch(model), start = 0;
        double[] figures = Timed(() =>
        {
            using var scope = NewDisposeScope();
            TrainStep(net, rule, inputs.slice(0, start, start + size, 1), labels.slice(0, start, start + size, 1));
            start = start + (2 * size) <= 12800 ? start + size : 0;
        }, seconds, chunks);
        Emit(new { test = "train", fw = "torchsharp", model, opt = optimizer, threads,
            sps = figures.Select(t => Math.Round(size / t, 1)) });
    }
}

void Optimizers(double seconds, int chunks)
{
    foreach (int tensors in new[] { 1, 64 })
    {
        foreach (string optimizer in new[] { "sgd", "adam" })
        {
            var parameters = Enumerable.Range(0, tensors)
                .Select(_ => torch.nn.Parameter(randn(25_000_000 / tensors))).ToList();
            parameters.ForEach(p => p.grad = randn_like(p));
            using Rule rule = MakeRule(optimizer, parameters);
            double[] figures = Timed(() =>
            {
                using var scope = NewDisposeScope();
                rule.step();
            }, seconds, chunks);
            Emit(new { test = "optim", fw = "torchsharp", form = $"{tensors} tensors", opt = optimizer, threads,
                ms = figures.Select(t => Math.Round(1e3 * t, 2)) });
            parameters.ForEach(p => p.Dispose());
        }
    }
}

void Epochs(int seed, int epochs)
{
    (Tensor inputs, Tensor labels) = Load("train", int.MaxValue);
    (Tensor testInputs, Tensor testLabels) = Load("t10k", int.MaxValue);
    manual_seed(seed);
    using Network net = Model("b");
    using Rule rule = MakeRule("adam", net.parameters());
    var watch = new Stopwatch();
    var accuracies = new List<double>();
    for (int epoch = 0; epoch < epochs; epoch++)
    {
        watch.Start();
        using (NewDisposeScope())
        {
            Tensor order = randperm(inputs.shape[0], dtype: ScalarType.Int64);
            for (long start = 0; start < inputs.shape[0]; start += Batch("b"))
            {
                using var scope = NewDisposeScope();
                Tensor chosen = order.slice(0, start, Math.Min(start + Batch("b"), inputs.shape[0]), 1);
                TrainStep(net, rule, inputs.index_select(0, chosen), labels.index_select(0, chosen));
            }
        }
        watch.Stop();
        using (NewDisposeScope())
        using (no_grad())
            accuracies.Add(
                Math.Round(
                    net.forward(testInputs).argmax(1).eq(testLabels).mean([0L], type: ScalarType.Float32)
                    .item<float>(), 4));
    }
    Emit(new { test = "tta", fw = "torchsharp", threads, seed, epochs,
        train_s = Math.Round(watch.Elapsed.TotalSeconds, 3), acc = accuracies });
}

static void Emit(object figures) => Console.WriteLine(JsonSerializer.Serialize(figures));
