namespace DistTrainer.Engine.Layers;

/// <summary>
/// What the features of one sample are: channels of height × width, feature (c · Height + h) · Width + w; or plain
/// features, each a channel of 1 × 1.
/// </summary>
/// <param name="Channels">Channels, ≥ 1.</param>
/// <param name="Height">Rows of a channel, ≥ 1.</param>
/// <param name="Width">Columns of a channel, ≥ 1.</param>
public readonly record struct Shape(int Channels, int Height, int Width)
{
    /// <summary>Number of features.</summary>
    /// <exception cref="OverflowException">There are more than <see cref="int.MaxValue"/>.</exception>
    public int Features => checked(Channels * Height * Width);

    /// <summary>Plain features.</summary>
    /// <param name="features">How many, ≥ 1.</param>
    public static Shape Flat(int features) => new(features, 1, 1);

    /// <summary>The shape as text: <c>784</c>, or <c>1×28×28</c>.</summary>
    public override string ToString() => Height == 1 && Width == 1 ? $"{Channels}" : $"{Channels}×{Height}×{Width}";
}
