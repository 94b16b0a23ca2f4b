using DistTrainer.Engine.Layers;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Data;

/// <summary>Brings rows of a data set into panels.</summary>
internal static unsafe class SampleGather
{
    private const int Block = 8;

    /// <summary>panels[row, f] = data[samples[row], f]; unused lanes of the last panel are zeroed.</summary>
    /// <param name="data">[count, features] row-major.</param>
    /// <param name="samples">Sample numbers, one a row.</param>
    /// <param name="panels">[rows, features]; overwritten.</param>
    public static void Run(DataSet data, ReadOnlySpan<int> samples, ActivationPanels panels) =>
        Run(data.Features, samples, panels);

    /// <summary>panels[row, f] = rows[row, f]; unused lanes of the last panel are zeroed.</summary>
    /// <param name="rows">[rows, features] row-major.</param>
    /// <param name="panels">[rows, features]; overwritten.</param>
    public static void Run(ReadOnlySpan<float> rows, ActivationPanels panels) => Run(rows, default, panels);

    /// <summary>No sample numbers: the rows as they lie.</summary>
    private static void Run(ReadOnlySpan<float> values, ReadOnlySpan<int> samples, ActivationPanels panels)
    {
        int features = panels.Features;
        float** rows = stackalloc float*[Block];
        fixed (float* from = values, to = panels.Values)
        {
            for (int first = 0; first < panels.PanelCount * ActivationPanels.Width; first += Block)
            {
                float* target = to + ((long)(first / ActivationPanels.Width) * features * ActivationPanels.Width)
                    + (first % ActivationPanels.Width);
                int count = Math.Clamp(panels.Rows - first, 0, Block);
                for (int r = 0; r < count; r++)
                    rows[r] = from + ((long)(samples.IsEmpty ? first + r : samples[first + r]) * features);
                if (count == Block)
                    Whole(rows, target, features);
                else
                    Partial(rows, count, target, features);
            }
        }
    }

    private static void Whole(float** rows, float* target, int features)
    {
        int f = 0;
        for (; f + Block <= features; f += Block)
            PanelTranspose.Gather(rows, f, target + ((long)f * ActivationPanels.Width), ActivationPanels.Width);
        for (; f < features; f++)
        {
            for (int r = 0; r < Block; r++)
                target[((long)f * ActivationPanels.Width) + r] = rows[r][f];
        }
    }

    private static void Partial(float** rows, int count, float* target, int features)
    {
        for (int f = 0; f < features; f++)
        {
            for (int r = 0; r < Block; r++)
                target[((long)f * ActivationPanels.Width) + r] = r < count ? rows[r][f] : 0f;
        }
    }
}
