using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Layers;

/// <summary>
/// To derive an activation from: output[b, f] = f(input[b, f]), without parameters. Every value depends on one value,
/// so the order of work cannot change a result.
/// </summary>
/// <remarks>
/// The same bits everywhere ask for arithmetic that rounds the same everywhere: the operators of
/// <see cref="Vector256{T}"/>, its square root, comparisons and <c>FusedMultiplyAdd</c>, and <see cref="VectorMath"/>
/// for exp, log, tanh and their like; not <c>MultiplyAddEstimate</c>, the other estimates, or <see cref="MathF"/>.
/// </remarks>
public abstract class ElementwiseLayer : ILayer
{
    /// <summary>Names the layer.</summary>
    /// <param name="name">What a person calls it.</param>
    /// <param name="features">Features that come in and go out, ≥ 1.</param>
    protected ElementwiseLayer(string name, int features)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        (Name, Inputs) = (name, features);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Outputs => Inputs;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterRequest> Parameters => [];

    /// <inheritdoc/>
    public int ScratchLength(int rows) => 0;

    /// <summary>y = f(x), on eight values. Must be finite for x = 0.</summary>
    /// <param name="x">Inputs.</param>
    protected abstract Vector256<float> Forward(Vector256<float> x);

    /// <summary>f′(x) · gradient, on eight values.</summary>
    /// <param name="x">Inputs of the forward pass.</param>
    /// <param name="y">Outputs of the forward pass.</param>
    /// <param name="gradient">With respect to the outputs.</param>
    protected abstract Vector256<float> Backward(Vector256<float> x, Vector256<float> y, Vector256<float> gradient);

    /// <inheritdoc/>
    public void Forward(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output)
    {
        // Panels are 32 wide, so there is no tail.
        ReadOnlySpan<Vector256<float>> from = MemoryMarshal.Cast<float, Vector256<float>>(input.Values);
        Span<Vector256<float>> to = MemoryMarshal.Cast<float, Vector256<float>>(output.Values);
        for (int i = 0; i < from.Length; i++)
            to[i] = Forward(from[i]);
    }

    /// <inheritdoc/>
    public void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient)
    {
        ReadOnlySpan<Vector256<float>> x = MemoryMarshal.Cast<float, Vector256<float>>(input.Values);
        ReadOnlySpan<Vector256<float>> y = MemoryMarshal.Cast<float, Vector256<float>>(output.Values);
        ReadOnlySpan<Vector256<float>> from = MemoryMarshal.Cast<float, Vector256<float>>(outputGradient.Values);
        Span<Vector256<float>> to = MemoryMarshal.Cast<float, Vector256<float>>(inputGradient.Values);
        for (int i = 0; i < x.Length; i++)
            to[i] = Backward(x[i], y[i], from[i]);
    }

    /// <summary>Does nothing: there are no parameters.</summary>
    /// <inheritdoc/>
    public bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient) => true;
}
