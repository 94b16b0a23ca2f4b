using System.Diagnostics;
using System.Text.Json;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Training;

namespace DistTrainer.Benchmarks;

/// <summary>
/// The matrix products of the benchmark models at one thread, as they are called in a step: JSON lines with the tags of
/// the OpenBLAS peer.
/// </summary>
internal static class GemmBenchmark
{
    /// <param name="seconds">Length of a measurement.</param>
    /// <param name="workers">Workers that the batch is divided among.</param>
    /// <param name="dataShards">Data shards of one of them.</param>
    public static void Run(double seconds, int workers, int dataShards)
    {
        foreach (BenchmarkModel model in BenchmarkModel.All)
        {
            for (int l = 0; l + 1 < model.Widths.Length; l++)
                Layer(model, l, seconds, workers, dataShards);
        }
    }

    private static void Layer(BenchmarkModel model, int index, double seconds, int workers, int dataShards)
    {
        (int rows, int inputs, int outputs) = (model.Batch / workers, model.Widths[index], model.Widths[index + 1]);
        var initializer = new InitializerDescription("zeros");
        var layer = new DenseLayer(inputs, outputs, bias: false, initializer, initializer);
        using AlignedBuffer parameters = Filled(inputs * outputs), gradient = Filled(inputs * outputs);
        using AlignedBuffer x = Filled(ActivationPanels.LengthFor(inputs, rows)),
            dx = Filled(ActivationPanels.LengthFor(inputs, rows));
        using AlignedBuffer y = Filled(ActivationPanels.LengthFor(outputs, rows)),
            scratch = Filled(layer.ScratchLength(rows));
        var random = new Random(1);
        foreach (AlignedBuffer buffer in (AlignedBuffer[])[parameters, x, y])
        {
            foreach (ref float value in buffer.Span)
                value = random.NextSingle() - 0.5f;
        }
        int[] bounds =
            [.. Enumerable.Range(0, dataShards + 1).Select(shard => EpochSampler.Bound(rows, dataShards, shard))];
        double flops = 2.0 * rows * inputs * outputs;
        string tag = $"{model.Name}.L{index + 1}";
        Report($"{tag}.dW", flops, seconds, () => layer.BackwardParameters(
            new LayerContext { Scratch = scratch.Span }, new(x.Span, inputs, rows), new(y.Span, outputs, rows),
                bounds, gradient.Span));
        if (index > 0)
        {
            Report($"{tag}.dX", flops, seconds, () => layer.BackwardInput(
                default, parameters.Span, new(x.Span, inputs, rows), new(y.Span, outputs, rows),
                    new(y.Span, outputs, rows), new(dx.Span, inputs, rows)));
        }
        Report($"{tag}.fwd", flops, seconds, () => layer.Forward(
            default, parameters.Span, new(x.Span, inputs, rows), new(y.Span, outputs, rows)));
    }

    private static AlignedBuffer Filled(int length) => new(length);

    private static void Report(string tag, double flops, double seconds, Action action)
    {
        int count = Math.Max(3, (int)(seconds / Measure(action, 3)));
        double[] chunks = new double[5];
        foreach (ref double chunk in chunks.AsSpan())
            chunk = Measure(action, count);
        Array.Sort(chunks);
        double median = chunks[2];
        Console.WriteLine(
            JsonSerializer.Serialize(
                new
                {
                    test = "gemm",
                    fw = "disttrainer",
                    threads = 1,
                    tag,
                    gflops = Math.Round(flops / median * 1e-9, 2),
                    us = Math.Round(median * 1e6, 2)
                }));
    }

    private static double Measure(Action action, int count)
    {
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
            action();
        return watch.Elapsed.TotalSeconds / count;
    }
}
