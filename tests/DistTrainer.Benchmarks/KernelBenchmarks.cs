using BenchmarkDotNet.Attributes;
using DistTrainer.Engine.Initializers;
using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Benchmarks;

/// <summary>The kernels of one dense layer with 128 rows; the limit is the multiply-add peak of the core.</summary>
[ShortRunJob]
public class KernelBenchmarks : IDisposable
{
    private const int Rows = 128;
    private DenseLayer? _layer;
    private AlignedBuffer? _parameters;
    private AlignedBuffer? _gradient;
    private AlignedBuffer? _x;
    private AlignedBuffer? _dx;
    private AlignedBuffer? _y;
    private AlignedBuffer? _scratch;

    /// <summary>Features in.</summary>
    [Params(784, 2048)]
    public int Inputs { get; set; }

    /// <summary>Features out.</summary>
    [Params(512, 2048)]
    public int Outputs { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var zeros = new InitializerDescription("zeros");
        _layer = new DenseLayer(Inputs, Outputs, bias: true, zeros, zeros);
        _parameters = new AlignedBuffer((Inputs + 1) * Outputs);
        _gradient = new AlignedBuffer((Inputs + 1) * Outputs);
        _x = new AlignedBuffer(ActivationPanels.LengthFor(Inputs, Rows));
        _dx = new AlignedBuffer(ActivationPanels.LengthFor(Inputs, Rows));
        _y = new AlignedBuffer(ActivationPanels.LengthFor(Outputs, Rows));
        _scratch = new AlignedBuffer(_layer.ScratchLength(Rows));
        Initializer.Fill(
            new InitializerDescription("he-uniform"), 1, 0, [Outputs, Inputs], Inputs, Outputs,
            _parameters.Span[..(Inputs * Outputs)]);
        _x.Span.Fill(0.5f);
    }

    [Benchmark]
    public void Forward() => _layer!.Forward(default, _parameters!.Span, X, Y);

    [Benchmark]
    public void BackwardInput() =>
        _layer!.BackwardInput(default, _parameters!.Span, X, Y, Y, new ActivationPanels(_dx!.Span, Inputs, Rows));

    [Benchmark]
    public void BackwardParameters() =>
        _layer!.BackwardParameters(new LayerContext { Scratch = _scratch!.Span }, X, Y, [0, Rows], _gradient!.Span);

    [Benchmark]
    public void BackwardParametersOfEightDataShards() => _layer!.BackwardParameters(
        new LayerContext { Scratch = _scratch!.Span }, X, Y, [0, 16, 32, 48, 64, 80, 96, 112, Rows], _gradient!.Span);

    [GlobalCleanup]
    public void Dispose()
    {
        foreach (AlignedBuffer? buffer in (AlignedBuffer?[])[_parameters, _gradient, _x, _dx, _y, _scratch])
            buffer?.Dispose();
        GC.SuppressFinalize(this);
    }

    private ActivationPanels X => new(_x!.Span, Inputs, Rows);

    private ActivationPanels Y => new(_y!.Span, Outputs, Rows);
}
