namespace DistTrainer.Engine;

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

/// <summary>Random numbers without a state: each is a pure function of seed, purpose, stream and index.</summary>
public static class CounterRandom
{
    /// <summary>One 64-bit number of Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").</summary>
    /// <param name="seed">The key.</param>
    /// <param name="purpose">What the number is for.</param>
    /// <param name="stream">For example an epoch; the purpose shares its upper byte, so below 2^56.</param>
    /// <param name="index">Place in the stream.</param>
    public static ulong UInt64(ulong seed, RandomPurpose purpose, ulong stream, ulong index)
    {
        ulong tagged = stream ^ ((ulong)purpose << 56);
        (uint c0, uint c1, uint c2, uint c3) = ((uint)index, (uint)(index >> 32), (uint)tagged, (uint)(tagged >> 32));
        (uint k0, uint k1) = ((uint)seed, (uint)(seed >> 32));
        for (int round = 0; round < 10; round++)
        {
            ulong first = 0xD2511F53UL * c0, second = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(second >> 32) ^ c1 ^ k0, (uint)second, (uint)(first >> 32) ^ c3 ^ k1, (uint)first);
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        return c0 | ((ulong)c1 << 32);
    }
}
