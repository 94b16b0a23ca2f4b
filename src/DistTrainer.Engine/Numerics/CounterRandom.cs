namespace DistTrainer.Engine.Numerics;

/// <summary>What random numbers are drawn for; different purposes never share a number.</summary>
public enum RandomPurpose
{
    /// <summary>First values of parameters.</summary>
    Initialization = 1,

    /// <summary>The order of samples in an epoch.</summary>
    Shuffle = 2,

    /// <summary>Dropout masks.</summary>
    Dropout = 3,

    /// <summary>The split into training, validation and test part.</summary>
    Split = 4,
}

/// <summary>Four uniformly distributed 32-bit words.</summary>
/// <param name="Word0">First word.</param>
/// <param name="Word1">Second word.</param>
/// <param name="Word2">Third word.</param>
/// <param name="Word3">Fourth word.</param>
public readonly record struct RandomBlock(uint Word0, uint Word1, uint Word2, uint Word3)
{
    /// <summary>Words 0 and 1, the former in the lower half.</summary>
    public ulong Low => Word0 | ((ulong)Word1 << 32);

    /// <summary>Words 2 and 3, the former in the lower half.</summary>
    public ulong High => Word2 | ((ulong)Word3 << 32);
}

/// <summary>
/// Random numbers without a state: each is a pure function of (seed, purpose, stream, index), so whoever needs a number
/// computes it, in any order and on any node. The generator is Philox4x32-10 (Salmon et al. 2011): the seed is its key,
/// and its 128-bit counter is, from the lowest word, [index 0–31, index 32–63, stream 0–31, stream 32–55 | purpose ·
/// 2²⁴]. The map is one-to-one, so two different questions never see the same block. A stream is the sequence of its
/// blocks: 64-bit number i is half i mod 2 of block i / 2, uniform number i is word i mod 4 of block i / 4.
/// </summary>
public static class CounterRandom
{
    /// <summary>Streams of one purpose: 2⁵⁶.</summary>
    public const ulong StreamLimit = 1UL << 56;

    private const double TwoToMinus52 = 1.0 / (1UL << 52);

    /// <summary>The four words of one block.</summary>
    /// <param name="seed">The job's seed.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="stream">Which sequence, below <see cref="StreamLimit"/>.</param>
    /// <param name="index">Which block of the sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException">The stream is not below 2⁵⁶.</exception>
    public static RandomBlock Block(ulong seed, RandomPurpose purpose, ulong stream, ulong index)
    {
        ulong upper = UpperCounter(purpose, stream);
        return Philox4x32.Block((uint)index, (uint)(index >> 32), (uint)upper, (uint)(upper >> 32), seed);
    }

    /// <summary>64 uniformly distributed bits.</summary>
    /// <param name="seed">The job's seed.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="stream">Which sequence, below <see cref="StreamLimit"/>.</param>
    /// <param name="index">Which number of the sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException">The stream is not below 2⁵⁶.</exception>
    public static ulong UInt64(ulong seed, RandomPurpose purpose, ulong stream, ulong index)
    {
        RandomBlock block = Block(seed, purpose, stream, index >> 1);
        return (index & 1) == 0 ? block.Low : block.High;
    }

    /// <summary>A float in [0, 1): a multiple of 2⁻²⁴, all equally likely.</summary>
    /// <param name="seed">The job's seed.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="stream">Which sequence, below <see cref="StreamLimit"/>.</param>
    /// <param name="index">Which number of the sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException">The stream is not below 2⁵⁶.</exception>
    public static float Uniform(ulong seed, RandomPurpose purpose, ulong stream, ulong index)
    {
        RandomBlock block = Block(seed, purpose, stream, index >> 2);
        return ToUniform((index & 3) switch { 0 => block.Word0, 1 => block.Word1, 2 => block.Word2, _ => block.Word3 });
    }

    /// <summary>
    /// A draw from the standard normal distribution: the quantile of the midpoint of one of 2⁵² equal cells.
    /// </summary>
    /// <param name="seed">The job's seed.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="stream">Which sequence, below <see cref="StreamLimit"/>.</param>
    /// <param name="index">Which number of the sequence.</param>
    /// <exception cref="ArgumentOutOfRangeException">The stream is not below 2⁵⁶.</exception>
    public static double Normal(ulong seed, RandomPurpose purpose, ulong stream, ulong index) =>
        ToNormal(UInt64(seed, purpose, stream, index));

    /// <summary>The upper 64 bits of the counter.</summary>
    internal static ulong UpperCounter(RandomPurpose purpose, ulong stream)
    {
        if (stream >= StreamLimit)
            throw new ArgumentOutOfRangeException(
                nameof(stream), stream, "A random stream's number must be below 2^56.");
        return stream | ((ulong)purpose << 56);
    }

    /// <summary>The upper 24 bits as a float in [0, 1).</summary>
    internal static float ToUniform(uint word) => (word >> 8) * (1f / (1 << 24));

    /// <summary>The upper 52 bits as a normal draw.</summary>
    internal static double ToNormal(ulong bits) => NormalQuantile.Evaluate(((bits >> 12) + 0.5) * TwoToMinus52);
}
