using DistTrainer.Engine.Numerics;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Initializers;

/// <summary>Normal with a deviation.</summary>
internal static class NormalInitializer
{
    /// <summary>Normal with standard deviation scale: "small random values".</summary>
    public static InitializerPart Random { get; } = Initializer.Scaled(
        "random-normal", 0.01f, (tensor, scale, to) => Fill(tensor, scale, to));

    /// <summary>Glorot and Bengio 2010: normal with deviation scale · √(2 / (fanIn + fanOut)).</summary>
    public static InitializerPart Xavier { get; } = Initializer.Scaled(
        "xavier-normal", 1, (tensor, scale, to) =>
            Fill(tensor, scale * Math.Sqrt(2.0 / ((double)tensor.FanIn + tensor.FanOut)), to), "glorot-normal");

    /// <summary>He et al. 2015: normal with deviation scale · √(2 / fanIn).</summary>
    public static InitializerPart He { get; } = Initializer.Scaled(
        "he-normal", 1, (tensor, scale, to) =>
            Fill(tensor, scale * Math.Sqrt(2.0 / tensor.FanIn), to), "kaiming-normal");

    /// <summary>LeCun et al. 1998: normal with deviation scale · √(1 / fanIn).</summary>
    public static InitializerPart Lecun { get; } = Initializer.Scaled(
        "lecun-normal", 1, (tensor, scale, to) => Fill(tensor, scale * Math.Sqrt(1.0 / tensor.FanIn), to));

    /// <summary>destination[i] = deviation · z, z standard normal.</summary>
    private static void Fill(TensorSite tensor, double deviation, Span<float> destination)
    {
        for (int i = 0; i < destination.Length; i += 2)
        {
            RandomBlock block = CounterRandom.Block(
                tensor.Seed, RandomPurpose.Initialization, tensor.Stream, (ulong)i >> 1);
            destination[i] = (float)(deviation * CounterRandom.ToNormal(block.Low));
            if (i + 1 < destination.Length)
                destination[i + 1] = (float)(deviation * CounterRandom.ToNormal(block.High));
        }
    }
}
