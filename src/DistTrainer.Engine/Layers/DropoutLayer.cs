using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Layers;

/// <summary>
/// Inverted dropout (Srivastava et al. 2014): in training each value is set to 0 with probability p and else multiplied
/// by 1 / (1 − p); in evaluation nothing happens. The mask is a pure function of (seed, layer, step, sample, feature),
/// the same wherever and in whatever row the sample is computed, so the backward pass makes it anew. Feature f uses
/// word f mod 4 of the random block of purpose <see cref="RandomPurpose.Dropout"/>, stream layer · 2⁴⁰ + step, index
/// sample · 2³² + f / 4; it is dropped if the word is below p · 2³². A value that is not finite stays so or becomes
/// NaN, it is never hidden.
/// </summary>
internal sealed class DropoutLayer : ILayer, IOnnxLayer
{
    /// <summary>Modules whose masks can be told apart.</summary>
    internal const int LayerLimit = 1 << 16;

    private const int StepBits = 40;
    private readonly float _scale;
    private readonly uint _threshold;
    private readonly int _layer;

    /// <summary>Makes the layer.</summary>
    /// <param name="rate">Probability in [0, 1) that a value is dropped.</param>
    /// <param name="features">Features that come in and go out, ≥ 1.</param>
    /// <param name="layer">Index of this module in the network, 0 to 65535; part of the key of random numbers.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is out of its range.</exception>
    public DropoutLayer(float rate, int features, int layer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, LayerLimit);
        if (!(rate >= 0 && rate < 1))
            throw new ArgumentOutOfRangeException(
                nameof(rate), rate, "The dropout rate must be at least 0 and below 1.");
        (Inputs, _layer) = (features, layer);
        _scale = 1f / (1f - rate);
        _threshold = (uint)(rate * 4294967296.0);
    }

    /// <inheritdoc/>
    public string Name => "dropout";

    /// <inheritdoc/>
    public int Inputs { get; }

    /// <inheritdoc/>
    public int Outputs => Inputs;

    /// <inheritdoc/>
    public IReadOnlyList<ParameterRequest> Parameters => [];

    /// <inheritdoc/>
    public int ScratchLength(int rows) => 0;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">In training, the context names fewer samples than there are
    /// rows.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative or not below 2⁴⁰.</exception>
    public void Forward(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output) =>
        Apply(context, input, output);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">In training, the context names fewer samples than there are
    /// rows.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is negative or not below 2⁴⁰.</exception>
    public void BackwardInput(
        in LayerContext context, ReadOnlySpan<float> parameters, ActivationPanels input, ActivationPanels output,
        ActivationPanels outputGradient, ActivationPanels inputGradient) =>
        Apply(context, outputGradient, inputGradient);

    /// <summary>Does nothing: there are no parameters.</summary>
    /// <inheritdoc/>
    public bool BackwardParameters(
        in LayerContext context, ActivationPanels input, ActivationPanels outputGradient,
        ReadOnlySpan<int> dataShardBounds, Span<float> gradient) => true;

    /// <summary>Adds nothing: dropout is the identity, once a model is trained.</summary>
    /// <inheritdoc/>
    public void WriteOnnx(IOnnxGraph graph, IReadOnlyList<string> parameters)
    {
    }

    /// <summary>to = mask · scale · from; the same for values and for gradients.</summary>
    private void Apply(in LayerContext context, ActivationPanels from, ActivationPanels to)
    {
        if (!context.Training)
        {
            from.Values.CopyTo(to.Values);
            return;
        }
        if (context.Samples.Length < from.Rows)
            throw new ArgumentException(
                $"The context names {context.Samples.Length} samples; dropout needs one for each of {from.Rows} rows.",
                nameof(context));
        if (context.Step is < 0 or >= 1L << StepBits)
            throw new ArgumentOutOfRangeException(
                nameof(context), context.Step, "The step must be at least 0 and below 2^40.");
        ulong upper = CounterRandom.UpperCounter(
            RandomPurpose.Dropout, ((ulong)_layer << StepBits) | (ulong)context.Step);
        Span<int> samples = stackalloc int[ActivationPanels.Width];
        for (int panel = 0; panel < from.PanelCount; panel++)
        {
            int first = panel * ActivationPanels.Width;
            samples.Clear();
            context.Samples[first..Math.Min(from.Rows, first + ActivationPanels.Width)].CopyTo(samples);
            for (int lane = 0; lane < ActivationPanels.Width; lane += Vector256<float>.Count)
                ApplyToEight(Vector256.Create<int>(samples[lane..])
                    .AsUInt32(), context.Seed, upper, from.Panel(panel)[lane..], to.Panel(panel)[lane..]);
        }
    }

    /// <summary>Eight samples, all features; feature f of the first sample lies at f · 32.</summary>
    private void ApplyToEight(
        Vector256<uint> samples, ulong seed, ulong upper, ReadOnlySpan<float> from, Span<float> to)
    {
        ref float source = ref MemoryMarshal.GetReference(from);
        ref float destination = ref MemoryMarshal.GetReference(to);
        for (int feature = 0; feature < Inputs; feature += 4)
        {
            Vector256<uint> word0 = Vector256.Create((uint)feature / 4);
            Vector256<uint> word1 = samples;
            Vector256<uint> word2 = Vector256.Create((uint)upper);
            Vector256<uint> word3 = Vector256.Create((uint)(upper >> 32));
            Philox4x32.Blocks(ref word0, ref word1, ref word2, ref word3, seed);
            int count = Inputs - feature;
            nuint offset = (nuint)feature * ActivationPanels.Width;
            MaskOne(word0, ref source, ref destination, offset);
            if (count > 1)
                MaskOne(word1, ref source, ref destination, offset + ActivationPanels.Width);
            if (count > 2)
                MaskOne(word2, ref source, ref destination, offset + (2 * ActivationPanels.Width));
            if (count > 3)
                MaskOne(word3, ref source, ref destination, offset + (3 * ActivationPanels.Width));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void MaskOne(Vector256<uint> words, ref float source, ref float destination, nuint offset)
    {
        Vector256<float> kept = Vector256.GreaterThanOrEqual(words, Vector256.Create(_threshold)).AsSingle();
        (Vector256.LoadUnsafe(ref source, offset) * (kept & Vector256.Create(_scale)))
            .StoreUnsafe(ref destination, offset);
    }
}
