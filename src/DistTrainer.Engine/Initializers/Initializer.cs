using DistTrainer.Engine.Models;
using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;

namespace DistTrainer.Engine.Initializers;

/// <summary>
/// First values of parameters. Element i of tensor t is a pure function of (seed, t, i), whoever fills it and in
/// whatever order: random number i of purpose <see cref="RandomPurpose.Initialization"/>, stream t (see
/// <see cref="CounterRandom"/>).
/// </summary>
internal static class Initializer
{
    /// <summary>Fills one tensor.</summary>
    /// <param name="description">Which rule, and its settings.</param>
    /// <param name="seed">The job's seed.</param>
    /// <param name="stream">Index of the tensor, below 2⁵⁶.</param>
    /// <param name="shape">Dimensions, outermost first.</param>
    /// <param name="fanIn">Inputs of one output, ≥ 1.</param>
    /// <param name="fanOut">Outputs of one input, ≥ 1.</param>
    /// <param name="destination">Row-major; as long as the shape says; overwritten.</param>
    /// <exception cref="ArgumentException">The length does not fit the shape, or a fan is below 1.</exception>
    /// <exception cref="DistTrainerException">There is no such rule, a setting is out of its range, or the rule is not
    /// for such tensors (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Fill(
        InitializerDescription description, ulong seed, ulong stream, IReadOnlyList<int> shape, int fanIn, int fanOut,
            Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fanIn, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(fanOut, 1);
        long length = shape.Aggregate(1L, (product, dimension) => checked(product * dimension));
        if (length != destination.Length)
            throw new ArgumentException(
                $"The destination has {destination.Length} floats; shape [{string.Join(", ", shape)}] needs {length}.",
                nameof(destination));
        PluginRegistry.Shared.Initializers[description.Kind]
            .Fill(new TensorSite(seed, stream, shape, fanIn, fanOut), description.Settings, destination);
    }

    /// <summary>A part whose one setting is a scale.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="standard">The usual scale.</param>
    /// <param name="fill">Fills a tensor.</param>
    /// <param name="aliases">Other names.</param>
    internal static InitializerPart Scaled(string name, float standard, ScaledFill fill, params string[] aliases)
    {
        Setting<float> scale = Setting.Number(
            "scale",
            "Gain of the rule; the value itself for constant, half-width or deviation for random-uniform and "
            + "random-normal", standard);
        return new InitializerPart(name, (tensor, settings, destination) =>
            fill(tensor, settings.Get(scale), destination), scale)
        { Aliases = aliases };
    }
}

/// <summary>Fills a tensor by a rule with a scale.</summary>
internal delegate void ScaledFill(TensorSite tensor, float scale, Span<float> destination);
