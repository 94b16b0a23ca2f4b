using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Initializers;

/// <summary>Uniform on ± a bound.</summary>
internal static class UniformInitializer
{
    /// <summary>Uniform on (−scale, scale): "small random values".</summary>
    public static InitializerPart Random { get; } = Initializer.Scaled(
        "random-uniform", 0.01f, (tensor, scale, to) => Fill(tensor, scale, to));

    /// <summary>Glorot and Bengio 2010: uniform on ±scale · √(6 / (fanIn + fanOut)).</summary>
    public static InitializerPart Xavier { get; } = Initializer.Scaled(
        "xavier-uniform", 1, (tensor, scale, to) =>
            Fill(tensor, scale * Math.Sqrt(6.0 / ((double)tensor.FanIn + tensor.FanOut)), to), "glorot-uniform");

    /// <summary>He et al. 2015: uniform on ±scale · √(6 / fanIn).</summary>
    public static InitializerPart He { get; } = Initializer.Scaled(
        "he-uniform", 1, (tensor, scale, to) =>
            Fill(tensor, scale * Math.Sqrt(6.0 / tensor.FanIn), to), "kaiming-uniform");

    /// <summary>destination[i] = bound · (2 u − 1), u uniform in [0, 1).</summary>
    private static void Fill(TensorSite tensor, double bound, Span<float> destination)
    {
        float limit = (float)bound;
        Span<float> four = stackalloc float[4];
        for (int i = 0; i < destination.Length; i += four.Length)
        {
            RandomBlock block = CounterRandom.Block(
                tensor.Seed, RandomPurpose.Initialization, tensor.Stream, (ulong)i >> 2);
            four[0] = limit * ((2 * CounterRandom.ToUniform(block.Word0)) - 1);
            four[1] = limit * ((2 * CounterRandom.ToUniform(block.Word1)) - 1);
            four[2] = limit * ((2 * CounterRandom.ToUniform(block.Word2)) - 1);
            four[3] = limit * ((2 * CounterRandom.ToUniform(block.Word3)) - 1);
            four[..Math.Min(four.Length, destination.Length - i)].CopyTo(destination[i..]);
        }
    }
}
