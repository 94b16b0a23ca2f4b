using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Layers.Activations;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Layers;

/// <summary>
/// An element-wise function of the features: output[b, f] = f(input[b, f]). It has no parameters. Every value depends
/// on one value, so the order of work cannot change a result. Each function has loops of its own, with the function
/// inlined.
/// </summary>
internal sealed class ActivationLayer<TFunction> : ILayer, IOnnxLayer
    where TFunction : struct, IActivationFunction
{
    private readonly TFunction _function;
    private readonly Action<IOnnxGraph> _onnx;

    /// <summary>Makes the layer.</summary>
    /// <param name="name">What a person calls it.</param>
    /// <param name="function">The function.</param>
    /// <param name="features">Features that come in and go out, ≥ 1.</param>
    /// <param name="onnx">Adds the function to a graph.</param>
    public ActivationLayer(string name, TFunction function, int features, Action<IOnnxGraph> onnx)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        (Name, _function, Inputs, _onnx) = (name, function, features, onnx);
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

    /// <inheritdoc/>
    public void Forward(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output) =>
        Forward(_function, input.Values, output.Values);

    /// <inheritdoc/>
    public void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient) =>
        Backward(_function, input, output, outputGradient, inputGradient);

    /// <summary>Does nothing: there are no parameters.</summary>
    /// <inheritdoc/>
    public bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient) => true;

    /// <inheritdoc/>
    public void WriteOnnx(IOnnxGraph graph, IReadOnlyList<string> parameters) => _onnx(graph);

    private static void Forward(TFunction function, ReadOnlySpan<float> input, Span<float> output)
    {
        ref float x = ref MemoryMarshal.GetReference(input);
        ref float y = ref MemoryMarshal.GetReference(output[..input.Length]);
        // Panels are 32 wide, so there is no tail.
        for (nuint i = 0; i < (nuint)input.Length; i += (nuint)Vector256<float>.Count)
            function.Forward(Vector256.LoadUnsafe(ref x, i)).StoreUnsafe(ref y, i);
    }

    private static void Backward(
        TFunction function, ActivationPanels input, ActivationPanels output, ActivationPanels outputGradient,
            ActivationPanels inputGradient)
    {
        int length = input.Values.Length;
        ref float x = ref MemoryMarshal.GetReference(input.Values);
        ref float y = ref MemoryMarshal.GetReference(output.Values[..length]);
        ref float from = ref MemoryMarshal.GetReference(outputGradient.Values[..length]);
        ref float to = ref MemoryMarshal.GetReference(inputGradient.Values[..length]);
        for (nuint i = 0; i < (nuint)length; i += (nuint)Vector256<float>.Count)
        {
            Vector256<float> gradient = Vector256.LoadUnsafe(ref from, i);
            function.Backward(Vector256.LoadUnsafe(ref x, i), Vector256.LoadUnsafe(ref y, i), gradient)
                .StoreUnsafe(ref to, i);
        }
    }
}

/// <summary>Makes the parts of functions without settings.</summary>
internal static class ActivationLayer
{
    /// <summary>A part.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="function">The function.</param>
    /// <param name="onnx">Adds the function to a graph.</param>
    /// <param name="isIdentity">Whether it changes nothing.</param>
    /// <param name="aliases">Other names.</param>
    public static ActivationPart PartOf<TFunction>(
        string name, TFunction function, Action<IOnnxGraph> onnx, bool isIdentity = false, params string[] aliases)
        where TFunction : struct, IActivationFunction =>
        new(name, (features, _) => new ActivationLayer<TFunction>(name, function, features, onnx))
        {
            Aliases = aliases,
            IsIdentity = isIdentity,
        };
}
