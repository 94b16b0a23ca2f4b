namespace DistTrainer.Engine.Layers;

/// <summary>
/// The activations of one layer for a number of rows (samples), in panels of <see cref="Width"/> samples:
/// sample b of feature f lies at <c>(b / Width) · Features · Width + f · Width + b % Width</c>.
/// Vectors run across samples, so a layer never has to mind the number of features, a matrix product reads its panel
/// front to back without packing, and rows stay independent of each other. The last panel's unused lanes hold finite
/// numbers without meaning: no result of a sample may depend on them.
/// </summary>
public readonly ref struct ActivationPanels
{
    /// <summary>Samples of one panel.</summary>
    public const int Width = 32;

    /// <summary>Views <paramref name="values"/> as panels.</summary>
    /// <param name="values">At least <see cref="LengthFor"/> floats.</param>
    /// <param name="features">Features a sample, ≥ 1.</param>
    /// <param name="rows">Samples, ≥ 0.</param>
    public ActivationPanels(Span<float> values, int features, int rows)
    {
        Features = features;
        Rows = rows;
        Values = values[..LengthFor(features, rows)];
    }

    /// <summary>The floats, panel after panel.</summary>
    public Span<float> Values { get; }

    /// <summary>Features a sample.</summary>
    public int Features { get; }

    /// <summary>Samples.</summary>
    public int Rows { get; }

    /// <summary>Number of panels, the last one perhaps not full.</summary>
    public int PanelCount => (Rows + Width - 1) / Width;

    /// <summary>The value of one sample and feature.</summary>
    public ref float this[int row, int feature] =>
        ref Values[((row / Width * Features) + feature) * Width + (row % Width)];

    /// <summary>Number of floats that <paramref name="rows"/> samples need.</summary>
    public static int LengthFor(int features, int rows) => checked((rows + Width - 1) / Width * Width * features);

    /// <summary>One panel: [Features, Width], row-major.</summary>
    public Span<float> Panel(int index) => Values.Slice(index * Features * Width, Features * Width);
}
