namespace DistTrainer.ParameterServer;

/// <summary>What the ledger's hashes are made of.</summary>
internal static class SampleLedger
{
    private const ulong Increment = 0x9E3779B97F4A7C15;
    private const ulong First = 0xBF58476D1CE4E5B9;
    private const ulong Second = 0x94D049BB133111EB;

    /// <summary>The hash of one sample: the SplitMix64 finalizer of its index (Steele et al., 2014).</summary>
    /// <param name="sample">Index in the training part, ≥ 0.</param>
    public static ulong Hash(int sample)
    {
        ulong z = ((ulong)sample + 1) * Increment;
        z = (z ^ (z >> 30)) * First;
        z = (z ^ (z >> 27)) * Second;
        return z ^ (z >> 31);
    }

    /// <summary>The sum of the hashes of some samples.</summary>
    /// <param name="samples">Their indices.</param>
    public static ulong Hash(ReadOnlySpan<int> samples)
    {
        ulong sum = 0;
        foreach (int sample in samples)
            sum += Hash(sample);
        return sum;
    }
}
