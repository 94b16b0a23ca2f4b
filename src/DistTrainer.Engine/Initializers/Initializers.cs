using System.Globalization;

namespace DistTrainer.Engine;

/// <summary>
/// First values of parameters. Element i of tensor t is a pure function of (seed, t, i), whoever fills it and in whatever
/// order: random number i of purpose <see cref="RandomPurpose.Initialization"/>, stream t (see <see cref="CounterRandom"/>).
/// </summary>
public static class Initializers
{
    /// <summary>Fills one tensor.</summary>
    /// <param name="description">Which rule, and its scale.</param>
    /// <param name="seed">The job's seed.</param>
    /// <param name="stream">Index of the tensor, below 2⁵⁶.</param>
    /// <param name="shape">Dimensions, outermost first.</param>
    /// <param name="fanIn">Inputs of one output, ≥ 1.</param>
    /// <param name="fanOut">Outputs of one input, ≥ 1.</param>
    /// <param name="destination">Row-major; as long as the shape says; overwritten.</param>
    /// <exception cref="ArgumentException">The length does not fit the shape, or a fan is below 1.</exception>
    /// <exception cref="DistTrainerException">Configuration: orthogonal for a tensor of fewer than two dimensions, or a scale that is not finite.</exception>
    public static void Fill(
        InitializerDescription description, ulong seed, ulong stream, IReadOnlyList<int> shape, int fanIn, int fanOut, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(fanIn, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(fanOut, 1);
        long length = shape.Aggregate(1L, (product, dimension) => checked(product * dimension));
        if (length != destination.Length)
            throw new ArgumentException($"The destination has {destination.Length} floats; shape [{string.Join(", ", shape)}] needs {length}.", nameof(destination));
        float scale = description.Scale;
        if (!float.IsFinite(scale))
            throw new DistTrainerException(FailureKind.Configuration, string.Create(CultureInfo.InvariantCulture, $"The initializer {description.Kind} has scale {scale}; it must be finite. Change it in the job file."));
        switch (description.Kind)
        {
            case InitializerKind.Zeros: destination.Clear(); break;
            case InitializerKind.Constant: destination.Fill(scale); break;
            case InitializerKind.RandomUniform: FillUniform(seed, stream, scale, destination); break;
            case InitializerKind.RandomNormal: FillNormal(seed, stream, scale, destination); break;
            case InitializerKind.XavierUniform: FillUniform(seed, stream, scale * Math.Sqrt(6.0 / ((double)fanIn + fanOut)), destination); break;
            case InitializerKind.XavierNormal: FillNormal(seed, stream, scale * Math.Sqrt(2.0 / ((double)fanIn + fanOut)), destination); break;
            case InitializerKind.HeUniform: FillUniform(seed, stream, scale * Math.Sqrt(6.0 / fanIn), destination); break;
            case InitializerKind.HeNormal: FillNormal(seed, stream, scale * Math.Sqrt(2.0 / fanIn), destination); break;
            case InitializerKind.LecunNormal: FillNormal(seed, stream, scale * Math.Sqrt(1.0 / fanIn), destination); break;
            case InitializerKind.Orthogonal: OrthogonalInitializer.Fill(seed, stream, scale, shape, destination); break;
            default: throw new ArgumentOutOfRangeException(nameof(description), description.Kind, "There is no such initializer.");
        }
    }

    /// <summary>destination[i] = bound · (2 u − 1), u uniform in [0, 1).</summary>
    private static void FillUniform(ulong seed, ulong stream, double bound, Span<float> destination)
    {
        float limit = (float)bound;
        Span<float> four = stackalloc float[4];
        for (int i = 0; i < destination.Length; i += four.Length)
        {
            RandomBlock block = CounterRandom.Block(seed, RandomPurpose.Initialization, stream, (ulong)i >> 2);
            four[0] = limit * ((2 * CounterRandom.ToUniform(block.Word0)) - 1);
            four[1] = limit * ((2 * CounterRandom.ToUniform(block.Word1)) - 1);
            four[2] = limit * ((2 * CounterRandom.ToUniform(block.Word2)) - 1);
            four[3] = limit * ((2 * CounterRandom.ToUniform(block.Word3)) - 1);
            four[..Math.Min(four.Length, destination.Length - i)].CopyTo(destination[i..]);
        }
    }

    /// <summary>destination[i] = deviation · z, z standard normal.</summary>
    private static void FillNormal(ulong seed, ulong stream, double deviation, Span<float> destination)
    {
        for (int i = 0; i < destination.Length; i += 2)
        {
            RandomBlock block = CounterRandom.Block(seed, RandomPurpose.Initialization, stream, (ulong)i >> 1);
            destination[i] = (float)(deviation * CounterRandom.ToNormal(block.Low));
            if (i + 1 < destination.Length)
                destination[i + 1] = (float)(deviation * CounterRandom.ToNormal(block.High));
        }
    }
}
