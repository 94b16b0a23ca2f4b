namespace DistTrainer.Engine;

/// <summary>Random orders.</summary>
public static class Permutation
{
    /// <summary>
    /// Shuffles in place (Fisher and Yates; Durstenfeld 1964), a pure function of the key. A draw below n is the high word
    /// of n times 64 random bits (Lemire 2019); its bias is below n / 2⁶⁴.
    /// </summary>
    /// <param name="items">What to shuffle.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="purpose">What the order is for.</param>
    /// <param name="stream">Tells orders of one purpose apart, e.g. the epoch.</param>
    public static void Shuffle(Span<int> items, ulong seed, RandomPurpose purpose, ulong stream)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)Math.BigMul((ulong)(i + 1), CounterRandom.UInt64(seed, purpose, stream, (ulong)i), out _);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
