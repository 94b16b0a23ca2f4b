namespace DistTrainer.Engine;

/// <summary>
/// Says which samples a step uses: every sample exactly once an epoch, in an order that depends on (seed, epoch) alone.
/// The last batch of an epoch is short where the batch size does not divide the count; it is neither padded nor dropped.
/// Not safe for several threads at once: it keeps the order of one epoch.
/// </summary>
public sealed class EpochSampler
{
    private readonly int[] _order;
    private readonly ulong _seed;
    private readonly bool _shuffle;
    private long _epochInBuffer = -1;

    /// <summary>Lays out the epochs of a job.</summary>
    /// <param name="count">Training samples, ≥ 1.</param>
    /// <param name="batchSize">Samples of one step, ≥ 1.</param>
    /// <param name="dataShards">Parts that a batch is cut into, ≥ 1; it does not touch the order.</param>
    /// <param name="seed">Seed of the order.</param>
    /// <param name="shuffle">False keeps the samples in their own order in every epoch.</param>
    /// <exception cref="ArgumentOutOfRangeException">A count is below 1.</exception>
    public EpochSampler(int count, int batchSize, int dataShards, ulong seed, bool shuffle)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dataShards, 1);
        (Count, BatchSize, DataShards, _seed, _shuffle) = (count, batchSize, dataShards, seed, shuffle);
        StepsPerEpoch = (int)(((long)count + batchSize - 1) / batchSize);
        _order = new int[count];
    }

    /// <summary>Training samples.</summary>
    public int Count { get; }

    /// <summary>Samples of one step, but for the last of an epoch.</summary>
    public int BatchSize { get; }

    /// <summary>Parts that a batch is cut into.</summary>
    public int DataShards { get; }

    /// <summary>Steps of an epoch: ⌈count / batch size⌉.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>The epoch, counted from 0, that a step belongs to.</summary>
    /// <param name="step">Counted from 1 over the whole run.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="step"/> is below 1.</exception>
    public long EpochOf(long step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        return (step - 1) / StepsPerEpoch;
    }

    /// <summary>The sample numbers of a step. Nothing is allocated; the order is made anew when the epoch changes.</summary>
    /// <param name="step">Counted from 1 over the whole run; any step at any time.</param>
    /// <returns>1 to <see cref="BatchSize"/> numbers in [0, <see cref="Count"/>); valid until a step of another epoch is asked for.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="step"/> is below 1.</exception>
    public ReadOnlySpan<int> Batch(long step)
    {
        long epoch = EpochOf(step);
        if (epoch != _epochInBuffer && (_shuffle || _epochInBuffer < 0))
            RandomPermutation.Fill(_order, _seed, RandomPurpose.Shuffle, (ulong)epoch, _shuffle);
        _epochInBuffer = epoch;
        long first = (step - 1 - (epoch * StepsPerEpoch)) * BatchSize;
        return _order.AsSpan((int)first, (int)Math.Min(BatchSize, Count - first));
    }

    /// <summary>
    /// The row of a batch at which a data shard begins; it ends where the next begins. With fewer rows than data shards some are empty.
    /// </summary>
    /// <param name="batchCount">Rows of the batch, ≥ 0.</param>
    /// <param name="dataShards">Parts that it is cut into, ≥ 1.</param>
    /// <param name="shard">0 to <paramref name="dataShards"/> (the end of the last).</param>
    /// <returns>⌊batchCount · shard / dataShards⌋.</returns>
    public static int ShardBound(int batchCount, int dataShards, int shard) => (int)((long)batchCount * shard / dataShards);
}
