using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Data;

/// <summary>
/// Permutations from counter-based random numbers: a pure function of (length, seed, purpose, stream).
/// </summary>
internal static class RandomPermutation
{
    /// <summary>
    /// Fills a span with the numbers 0 … length − 1, shuffled by Fisher and Yates (Durstenfeld 1964) or in order.
    /// </summary>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="purpose">What the order is for.</param>
    /// <param name="stream">For example the epoch.</param>
    /// <param name="shuffle">False leaves the numbers in order.</param>
    /// <param name="permutation">Overwritten.</param>
    public static void Fill(Span<int> permutation, ulong seed, RandomPurpose purpose, ulong stream, bool shuffle = true)
    {
        for (int i = 0; i < permutation.Length; i++)
            permutation[i] = i;
        if (!shuffle)
            return;
        for (int i = permutation.Length - 1; i > 0; i--)
        {
            int j = (int)Below((ulong)i + 1, seed, purpose, stream, (ulong)i);
            (permutation[i], permutation[j]) = (permutation[j], permutation[i]);
        }
    }

    /// <summary>
    /// An unbiased number below a bound: Lemire 2019, "Fast random integer generation in an interval".
    /// </summary>
    private static ulong Below(ulong bound, ulong seed, RandomPurpose purpose, ulong stream, ulong index)
    {
        ulong high = Math.BigMul(CounterRandom.UInt64(seed, purpose, stream, index), bound, out ulong low);
        // A rejected draw (chance below bound / 2^64) takes the next attempt's number, far from every other index.
        for (ulong attempt = 1; low < bound && low < (0 - bound) % bound; attempt++)
            high = Math.BigMul(CounterRandom.UInt64(seed, purpose, stream, index | (attempt << 32)), bound, out low);
        return high;
    }
}
