using DistTrainer.Engine.Data;
using DistTrainer.Engine.Parts;

namespace DistTrainer.Example;

/// <summary>Points of the saddle z = x · y + x² / 2; the same ones each time.</summary>
public static class Saddle
{
    private static readonly Setting<int> s_samples = Setting.Whole("samples", "How many points", 1000, 10, 1_000_000);

    /// <summary>The source as a job names it.</summary>
    public static SourcePart Part { get; } = new("saddle", settings => Read(settings.Get(s_samples)), s_samples);

    /// <summary>The points.</summary>
    /// <param name="count">How many, ≥ 1.</param>
    public static SampleTable Read(int count)
    {
        float[] features = new float[count * 2];
        double[] targets = new double[count];
        uint state = 1;
        for (int row = 0; row < count; row++)
        {
            float x = Next(ref state), y = Next(ref state);
            (features[row * 2], features[(row * 2) + 1]) = (x, y);
            targets[row] = ((double)x * y) + (0.5 * x * x);
        }
        return new SampleTable("saddle", ["x", "y"], features, ["z"], targets);
    }

    // A linear congruential generator (Knuth's constants); the 24 high bits make a number in [−1, 1).
    private static float Next(ref uint state)
    {
        state = unchecked((state * 1_664_525) + 1_013_904_223);
        return ((state >> 8) / 8_388_608f) - 1;
    }
}
