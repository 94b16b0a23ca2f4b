using DistTrainer.Engine.Data;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Engine.Training;

/// <summary>
/// Which samples a step uses: a permutation keyed by (seed, epoch), cut into batches; each batch cut among the data
/// shards. Every sample is used exactly once an epoch; the last short batch is neither padded nor dropped. A pure
/// function of its arguments; the buffer only saves work.
/// </summary>
internal sealed class EpochSampler
{
    private readonly int[] _order;
    private readonly ulong _seed;
    private readonly bool _shuffle;
    private long _epoch = -1;

    /// <summary>Most samples of a part: one permutation of them is held in memory, 4 bytes a sample.</summary>
    public static readonly long MostSamples = Array.MaxLength;

    /// <summary>Describes the order.</summary>
    /// <param name="count">Training samples, ≥ 1.</param>
    /// <param name="batchSize">Samples of one step, ≥ 1; the whole set where it is larger.</param>
    /// <param name="seed">The job's seed.</param>
    /// <param name="shuffle">Whether each epoch has its own order; else the order of the data.</param>
    /// <exception cref="DistTrainerException">
    /// There are more than <see cref="MostSamples"/> (<see cref="FailureKind.Data"/>).
    /// </exception>
    public EpochSampler(long count, int batchSize, ulong seed, bool shuffle)
    {
        StepsPerEpoch = StepsOf(count, batchSize);
        _order = new int[count];
        (_seed, _shuffle) = (seed, shuffle);
        BatchSize = (int)Math.Min(batchSize, count);
    }

    /// <summary>Samples of one step but the last of an epoch.</summary>
    public int BatchSize { get; }

    /// <summary>Steps of one epoch.</summary>
    public int StepsPerEpoch { get; }

    /// <summary>Steps of one epoch, without the memory of its order.</summary>
    /// <param name="count">Training samples, ≥ 1.</param>
    /// <param name="batchSize">Samples of one step, ≥ 1; the whole set where it is larger.</param>
    /// <exception cref="DistTrainerException">
    /// There are more than <see cref="MostSamples"/> (<see cref="FailureKind.Data"/>).
    /// </exception>
    public static int StepsOf(long count, int batchSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return (int)((CheckCount(count) - 1) / Math.Min(batchSize, count)) + 1;
    }

    /// <summary>Requires that the samples of a part can be numbered.</summary>
    /// <param name="count">Samples, ≥ 0.</param>
    internal static long CheckCount(long count) => count <= MostSamples
        ? count
        : throw DataError.Of(
            $"a part of the data has {count} samples, and at most {MostSamples} can be put in order; "
            + "divide the data, or take some of them (data.limit).");

    /// <summary>Epoch of a step, both counted from 1.</summary>
    public static int EpochOf(long step, int stepsPerEpoch) => (int)((step - 1) / stepsPerEpoch) + 1;

    /// <summary>
    /// First row of a data shard within a batch: data shard s has the rows Bound(s) … Bound(s + 1) − 1.
    /// </summary>
    /// <param name="rows">Rows of the batch.</param>
    /// <param name="dataShards">Number of data shards.</param>
    /// <param name="dataShard">0 … <paramref name="dataShards"/>.</param>
    public static int Bound(int rows, int dataShards, int dataShard) => (int)((long)rows * dataShard / dataShards);

    /// <summary>The samples of a step in order; valid until the next call.</summary>
    /// <param name="step">The step, counted from 1 over the whole run.</param>
    public ReadOnlySpan<int> Batch(long step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        long epoch = (step - 1) / StepsPerEpoch;
        if (epoch != _epoch)
            Arrange(epoch);
        int start = (int)((step - 1) % StepsPerEpoch) * BatchSize;
        return _order.AsSpan(start, Math.Min(BatchSize, _order.Length - start));
    }

    private void Arrange(long epoch)
    {
        RandomPermutation.Fill(_order, _seed, RandomPurpose.Shuffle, (ulong)epoch, _shuffle);
        _epoch = epoch;
    }
}
