using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DistTrainer.Engine;

/// <summary>
/// An element-wise function of the features: output[b, f] = f(input[b, f]). It has no parameters. Every value depends on
/// one value, so the order of work cannot change a result.
/// </summary>
public sealed class ActivationLayer : ILayer
{
    private readonly ActivationKind _kind;
    private readonly float _leakySlope;

    /// <summary>Makes the layer.</summary>
    /// <param name="kind">Which function.</param>
    /// <param name="features">Features that come in and go out, ≥ 1.</param>
    /// <param name="leakySlope">Slope of leaky ReLU where x ≤ 0; finite.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such function, no features, or a slope that is not finite.</exception>
    public ActivationLayer(ActivationKind kind, int features, float leakySlope = 0.01f)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        if (!float.IsFinite(leakySlope))
            throw new ArgumentOutOfRangeException(nameof(leakySlope), leakySlope, "The slope of leaky ReLU must be finite.");
        Name = kind switch
        {
            ActivationKind.Identity => "identity",
            ActivationKind.Relu => "relu",
            ActivationKind.LeakyRelu => "leaky-relu",
            ActivationKind.Sigmoid => "sigmoid",
            ActivationKind.Tanh => "tanh",
            ActivationKind.Gelu => "gelu",
            ActivationKind.Silu => "silu",
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such activation."),
        };
        (_kind, Inputs, _leakySlope) = (kind, features, leakySlope);
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
    public void Forward(in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output)
    {
        switch (_kind)
        {
            case ActivationKind.Identity: Forward(new IdentityFunction(), input.Values, output.Values); break;
            case ActivationKind.Relu: Forward(new ReluFunction(), input.Values, output.Values); break;
            case ActivationKind.LeakyRelu: Forward(new LeakyReluFunction(_leakySlope), input.Values, output.Values); break;
            case ActivationKind.Sigmoid: Forward(new SigmoidFunction(), input.Values, output.Values); break;
            case ActivationKind.Tanh: Forward(new TanhFunction(), input.Values, output.Values); break;
            case ActivationKind.Gelu: Forward(new GeluFunction(), input.Values, output.Values); break;
            default: Forward(new SiluFunction(), input.Values, output.Values); break;
        }
    }

    /// <inheritdoc/>
    public void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient)
    {
        switch (_kind)
        {
            case ActivationKind.Identity: Backward(new IdentityFunction(), input, output, outputGradient, inputGradient); break;
            case ActivationKind.Relu: Backward(new ReluFunction(), input, output, outputGradient, inputGradient); break;
            case ActivationKind.LeakyRelu: Backward(new LeakyReluFunction(_leakySlope), input, output, outputGradient, inputGradient); break;
            case ActivationKind.Sigmoid: Backward(new SigmoidFunction(), input, output, outputGradient, inputGradient); break;
            case ActivationKind.Tanh: Backward(new TanhFunction(), input, output, outputGradient, inputGradient); break;
            case ActivationKind.Gelu: Backward(new GeluFunction(), input, output, outputGradient, inputGradient); break;
            default: Backward(new SiluFunction(), input, output, outputGradient, inputGradient); break;
        }
    }

    /// <summary>Does nothing: there are no parameters.</summary>
    /// <inheritdoc/>
    public bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient) => true;

    private static void Forward<TFunction>(TFunction function, ReadOnlySpan<float> input, Span<float> output)
        where TFunction : struct, IActivationFunction
    {
        ref float x = ref MemoryMarshal.GetReference(input);
        ref float y = ref MemoryMarshal.GetReference(output[..input.Length]);
        // Panels are 32 wide, so there is no tail.
        for (nuint i = 0; i < (nuint)input.Length; i += (nuint)Vector256<float>.Count)
            function.Forward(Vector256.LoadUnsafe(ref x, i)).StoreUnsafe(ref y, i);
    }

    private static void Backward<TFunction>(
        TFunction function, ActivationPanels input, ActivationPanels output, ActivationPanels outputGradient, ActivationPanels inputGradient)
        where TFunction : struct, IActivationFunction
    {
        int length = input.Values.Length;
        ref float x = ref MemoryMarshal.GetReference(input.Values);
        ref float y = ref MemoryMarshal.GetReference(output.Values[..length]);
        ref float from = ref MemoryMarshal.GetReference(outputGradient.Values[..length]);
        ref float to = ref MemoryMarshal.GetReference(inputGradient.Values[..length]);
        for (nuint i = 0; i < (nuint)length; i += (nuint)Vector256<float>.Count)
        {
            Vector256<float> gradient = Vector256.LoadUnsafe(ref from, i);
            function.Backward(Vector256.LoadUnsafe(ref x, i), Vector256.LoadUnsafe(ref y, i), gradient).StoreUnsafe(ref to, i);
        }
    }
}
