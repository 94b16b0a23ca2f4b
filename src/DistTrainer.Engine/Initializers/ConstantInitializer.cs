using DistTrainer.Engine.Parts;

namespace DistTrainer.Engine.Initializers;

/// <summary>All elements alike.</summary>
internal static class ConstantInitializer
{
    /// <summary>All zero.</summary>
    public static InitializerPart Zeros { get; } = new("zeros", (_, _, destination) => destination.Clear());

    /// <summary>All equal to the scale.</summary>
    public static InitializerPart Constant { get; } = Initializer.Scaled(
        "constant", 0, (_, scale, destination) => destination.Fill(scale));
}
