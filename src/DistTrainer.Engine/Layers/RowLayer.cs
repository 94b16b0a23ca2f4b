using System.Buffers;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Layers;

/// <summary>
/// To derive a layer from: the derived class computes one sample at a time, and this class brings the samples to it and
/// sums the gradients in the fixed order. Slower than a layer that works on <see cref="ActivationPanels"/> itself (see
/// <see cref="ILayer"/>), and much easier to write.
/// </summary>
/// <remarks>
/// The same bits everywhere ask that the methods use no state and only arithmetic that rounds the same everywhere: + −
/// · / on floats, <see cref="MathF.Sqrt"/>, <see cref="MathF.FusedMultiplyAdd"/>, <see cref="VectorMath"/>, sums in a
/// fixed order.
/// </remarks>
public abstract class RowLayer : ILayer
{
    private const int MaximumDepth = 32;
    private readonly int _parameterCount;

    /// <summary>Names the layer and its tensors.</summary>
    /// <param name="name">What a person calls it.</param>
    /// <param name="inputs">Features that come in, ≥ 1.</param>
    /// <param name="outputs">Features that go out, ≥ 1.</param>
    /// <param name="parameters">The tensors it needs, in the order in which they lie in its part of the flat vector;
    /// may be none.</param>
    protected RowLayer(string name, int inputs, int outputs, params ParameterRequest[] parameters)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        (Name, Inputs, Outputs, Parameters) = (name, inputs, outputs, parameters);
        _parameterCount = parameters.Sum(
            request => request.Shape.Aggregate(1, (product, dimension) => checked(product * dimension)));
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Outputs { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ParameterRequest> Parameters { get; }

    /// <inheritdoc/>
    public int ScratchLength(int rows) => (2 * Inputs) + Outputs;

    /// <summary>output = f(input; parameters), of one sample.</summary>
    /// <param name="parameters">This layer's part of the flat vector.</param>
    /// <param name="input">[Inputs].</param>
    /// <param name="output">[Outputs]; to be overwritten.</param>
    protected abstract void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, Span<float> output);

    /// <summary>inputGradient = (∂output/∂input)ᵀ · outputGradient, of one sample.</summary>
    /// <param name="parameters">This layer's part of the flat vector.</param>
    /// <param name="input">[Inputs] of the forward pass.</param>
    /// <param name="outputGradient">[Outputs].</param>
    /// <param name="inputGradient">[Inputs]; to be overwritten.</param>
    protected abstract void BackwardInput(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient);

    /// <summary>gradient += ∂loss/∂parameters of one sample, and in a running average's place what is measured on it.
    /// Not called where there are no parameters.</summary>
    /// <param name="input">[Inputs] of the forward pass.</param>
    /// <param name="outputGradient">[Outputs].</param>
    /// <param name="gradient">As long as this layer's part of the flat vector; to be added to.</param>
    protected abstract void AddGradient(
        ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient, Span<float> gradient);

    /// <inheritdoc/>
    public void Forward(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output)
    {
        Span<float> x = context.Scratch[..Inputs], y = context.Scratch.Slice(Inputs, Outputs);
        output.Values.Clear(); // the lanes without a sample must hold finite numbers
        for (int row = 0; row < input.Rows; row++)
        {
            Gather(input, row, x);
            Forward(parameters, x, y);
            Scatter(y, row, output);
        }
    }

    /// <inheritdoc/>
    public void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient)
    {
        Span<float> x = context.Scratch[..Inputs], dy = context.Scratch.Slice(Inputs, Outputs),
            dx = context.Scratch.Slice(Inputs + Outputs, Inputs);
        inputGradient.Values.Clear();
        for (int row = 0; row < input.Rows; row++)
        {
            Gather(input, row, x);
            Gather(outputGradient, row, dy);
            BackwardInput(parameters, x, dy, dx);
            Scatter(dx, row, inputGradient);
        }
    }

    /// <inheritdoc/>
    public bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient)
    {
        if (_parameterCount == 0)
            return true;
        Span<float> x = context.Scratch[..Inputs], dy = context.Scratch.Slice(Inputs, Outputs);
        int places = Math.Min(MaximumDepth, GradientTree.Places(dataShardBounds.Length - 1) + 1);
        float[] stack = ArrayPool<float>.Shared.Rent(checked(places * _parameterCount));
        int depth = 0;
        for (int shard = 0; shard + 1 < dataShardBounds.Length; shard++)
        {
            Span<float> sum = stack.AsSpan(depth * _parameterCount, _parameterCount);
            sum.Clear();
            for (int row = dataShardBounds[shard]; row < dataShardBounds[shard + 1]; row++)
            {
                Gather(input, row, x);
                Gather(outputGradient, row, dy);
                AddGradient(x, dy, sum);
            }
            // A complete subtree of two, four, … data shards is folded as soon as its last one is in.
            for (int carry = shard; (carry & 1) == 1; carry >>= 1, depth--)
                Add(stack.AsSpan(depth * _parameterCount, _parameterCount),
                    stack.AsSpan((depth - 1) * _parameterCount, _parameterCount));
            depth++;
        }
        stack.AsSpan(0, _parameterCount).CopyTo(gradient);
        ArrayPool<float>.Shared.Return(stack);
        return false;
    }

    private static void Add(ReadOnlySpan<float> from, Span<float> to)
    {
        for (int i = 0; i < to.Length; i++)
            to[i] += from[i];
    }

    private static void Gather(ActivationPanels from, int row, Span<float> to)
    {
        for (int feature = 0; feature < to.Length; feature++)
            to[feature] = from[row, feature];
    }

    private static void Scatter(ReadOnlySpan<float> from, int row, ActivationPanels to)
    {
        for (int feature = 0; feature < from.Length; feature++)
            to[row, feature] = from[feature];
    }
}
