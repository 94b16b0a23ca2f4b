using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Models;

namespace DistTrainer.Example;

/// <summary>output[f] = scale[f] · input[f], with scales that are learned.</summary>
/// <param name="features">Features that come in and go out.</param>
public sealed class ScaleLayer(int features) : RowLayer(
    "scale", features, features,
    new ParameterRequest("scale", ParameterKind.Bias, [features], 1, 1, new InitializerDescription("constant", 1)))
{
    /// <inheritdoc/>
    protected override void Forward(ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, Span<float> output)
    {
        for (int f = 0; f < output.Length; f++)
            output[f] = parameters[f] * input[f];
    }

    /// <inheritdoc/>
    protected override void BackwardInput(
        ReadOnlySpan<float> parameters, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient)
    {
        for (int f = 0; f < inputGradient.Length; f++)
            inputGradient[f] = parameters[f] * outputGradient[f];
    }

    /// <inheritdoc/>
    protected override void AddGradient(
        ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient, Span<float> gradient)
    {
        for (int f = 0; f < gradient.Length; f++)
            gradient[f] += input[f] * outputGradient[f];
    }
}
