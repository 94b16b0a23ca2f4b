using DistTrainer.Engine.Layers;

namespace DistTrainer.Engine.Tests.Layers;

/// <summary>Panels in an array; at first every float, unused lanes too, holds finite garbage.</summary>
internal sealed class PanelBuffer
{
    private readonly float[] _values;

    public PanelBuffer(int features, int rows, int garbage = 1)
    {
        (Features, Rows) = (features, rows);
        var random = new Random(garbage);
        _values =
            [.. Enumerable.Range(0, ActivationPanels.LengthFor(features, rows))
            .Select(_ => (random.NextSingle() - 0.5f) * 1000)];
    }

    public int Features { get; }

    public int Rows { get; }

    public ActivationPanels Panels => new(_values, Features, Rows);

    public float this[int row, int feature]
    {
        get => Panels[row, feature];
        set => Panels[row, feature] = value;
    }

    public static PanelBuffer Of(int features, int rows, Func<int, int, float> value, int garbage = 1)
    {
        var buffer = new PanelBuffer(features, rows, garbage);
        for (int row = 0; row < rows; row++)
        {
            for (int feature = 0; feature < features; feature++)
                buffer[row, feature] = value(row, feature);
        }
        return buffer;
    }

    /// <summary>The bits of one sample.</summary>
    public int[] Row(int row) =>
        [.. Enumerable.Range(0, Features).Select(f => BitConverter.SingleToInt32Bits(this[row, f]))];

    /// <summary>The bits of all samples, without the unused lanes.</summary>
    public int[] AllRows() => [.. Enumerable.Range(0, Rows).SelectMany(Row)];

    /// <summary>Every float, unused lanes too.</summary>
    public float[] Everything() => _values;
}
