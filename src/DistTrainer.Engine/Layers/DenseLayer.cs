using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers;

/// <summary>
/// A fully connected layer: y = W · x + bias, with weights W [outputs, inputs] and biases [outputs] like PyTorch's
/// <c>Linear</c>. Every output is one chain of fused multiply-adds over the inputs, starting at the bias.
/// </summary>
internal sealed unsafe class DenseLayer : ILayer, IOnnxLayer
{
    /// <summary>The part.</summary>
    internal static LayerPart Part { get; } = new("dense", Create) { NeedsUnits = true };

    private readonly bool _bias;

    /// <summary>Describes the layer.</summary>
    /// <param name="inputs">Features in, ≥ 1.</param>
    /// <param name="outputs">Features out, ≥ 1.</param>
    /// <param name="bias">Whether it has biases.</param>
    /// <param name="weightInitializer">First values of the weights.</param>
    /// <param name="biasInitializer">First values of the biases.</param>
    public DenseLayer(
        int inputs, int outputs, bool bias, InitializerDescription weightInitializer,
            InitializerDescription biasInitializer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        (Inputs, Outputs, _bias) = (inputs, outputs, bias);
        var weights = new ParameterRequest(
            "weight", ParameterKind.Weight, [outputs, inputs], inputs, outputs, weightInitializer);
        Parameters = bias
            ? [weights, new ParameterRequest("bias", ParameterKind.Bias, [outputs], inputs, outputs, biasInitializer)]
            : [weights];
    }

    private static DenseLayer Create(LayerSite site, PartSettings settings)
    {
        LayerDescription section = site.Description;
        return new DenseLayer(
            site.Input.Features, site.Units!.Value, section.Bias, section.WeightInitializer, section.BiasInitializer);
    }

    /// <inheritdoc/>
    public string Name => "dense";

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Outputs { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ParameterRequest> Parameters { get; }

    private int WeightCount => Inputs * Outputs;

    /// <inheritdoc/>
    public int ScratchLength(int rows) => WeightGradient.ScratchLength(Inputs, rows);

    /// <inheritdoc/>
    public void Forward(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output)
    {
        fixed (float* w = parameters, x = input.Values, y = output.Values)
        {
            float* bias = _bias ? w + WeightCount : null;
            if (context.Team is { Size: > 1 } team)
                team.Run(new Piece(Product.Forward)
                {
                    W = w,
                    Bias = bias,
                    X = x,
                    Y = y,
                    Inputs = Inputs,
                    Outputs = Outputs,
                    Samples = input.Rows,
                    Begin = context.Begin,
                });
            else
                DenseKernels.Forward(w, bias, x, y, Inputs, Outputs, input.Rows, 0, 1, context.Begin);
        }
    }

    /// <inheritdoc/>
    public void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient)
    {
        fixed (float* w = parameters, dy = outputGradient.Values, dx = inputGradient.Values)
        {
            if (context.Team is { Size: > 1 } team)
                team.Run(new Piece(Product.BackwardInput)
                {
                    W = w,
                    X = dx,
                    Y = dy,
                    Inputs = Inputs,
                    Outputs = Outputs,
                    Samples = outputGradient.Rows,
                });
            else
                DenseKernels.BackwardInput(w, dy, dx, Inputs, Outputs, outputGradient.Rows, 0, 1);
        }
    }

    /// <inheritdoc/>
    public bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient)
    {
        fixed (float* x = input.Values, dy = outputGradient.Values, scratch = context.Scratch, dw = gradient)
        fixed (int* bounds = dataShardBounds)
        {
            if (context.Team is { Size: > 1 } team)
            {
                team.Run(new Piece(Product.WeightGradient)
                {
                    Y = dy,
                    X = x,
                    Scratch = scratch,
                    W = dw,
                    Inputs = Inputs,
                    Outputs = Outputs,
                    Bounds = bounds,
                    BoundCount = dataShardBounds.Length,
                });
            }
            else
            {
                WeightGradient.Compute(dy, x, scratch, dw, Inputs, Outputs, dataShardBounds, 0, 1);
            }
        }
        if (_bias)
            BiasGradient.Compute(outputGradient, dataShardBounds, gradient.Slice(WeightCount, Outputs));
        return Outputs < input.Rows ? Magnitude.IsFarFromInfinite(gradient)
            : Magnitude.SumsStayFinite(input, outputGradient);
    }

    /// <summary>x · Wᵀ + b, with the weights as they lie: [outputs, inputs].</summary>
    /// <inheritdoc/>
    public void WriteOnnx(IOnnxGraph graph, IReadOnlyList<string> parameters) =>
        graph.Chain("Gemm", [.. parameters]).With("transB", 1L);

    private enum Product
    {
        Forward,
        BackwardInput,
        WeightGradient,
    }

    /// <summary>
    /// One product, to be shared among the threads of a team; the pointers are pinned by the caller meanwhile.
    /// </summary>
    private sealed class Piece(Product product) : IComputePart
    {
        public float* W { get; init; }

        public float* Bias { get; init; }

        public float* X { get; init; }

        public float* Y { get; init; }

        public float* Scratch { get; init; }

        public int Inputs { get; init; }

        public int Outputs { get; init; }

        public int Samples { get; init; }

        public int* Bounds { get; init; }

        public int BoundCount { get; init; }

        public double Begin { get; init; }

        public void Run(int part, int parts)
        {
            switch (product)
            {
                case Product.Forward:
                    DenseKernels.Forward(W, Bias, X, Y, Inputs, Outputs, Samples, part, parts, Begin);
                    break;
                case Product.BackwardInput:
                    DenseKernels.BackwardInput(W, Y, X, Inputs, Outputs, Samples, part, parts);
                    break;
                default:
                    WeightGradient.Compute(
                        Y, X, Scratch, W, Inputs, Outputs, new ReadOnlySpan<int>(Bounds, BoundCount), part, parts);
                    break;
            }
        }
    }
}
