using DistTrainer.Engine;

namespace DistTrainer.ParameterServer;

/// <summary>
/// Proves from a ledger that each sample was counted exactly once an epoch: the steps follow one another without gap or
/// overlap, and what was counted in them is what the job's sampler gives. Entries go in one after another.
/// </summary>
/// <param name="sampler">The job's order of samples.</param>
/// <param name="samples">Training samples.</param>
public sealed class LedgerCheck(EpochSampler sampler, int samples)
{
    private readonly ulong _whole = Sum(samples);
    private long _next = 1;
    private long _samples;
    private ulong _hash;

    /// <summary>Epochs that are whole, and right.</summary>
    public int WholeEpochs { get; private set; }

    /// <summary>The last step that was checked.</summary>
    public long LastStep => _next - 1;

    /// <summary>Samples counted in the epoch that is not over.</summary>
    public long OpenSamples => _samples;

    /// <summary>Takes the next entry.</summary>
    /// <returns>What is wrong, for people; null where all is right.</returns>
    public string? Take(in LedgerEntry entry)
    {
        int epoch = EpochSampler.EpochOf(Math.Max(1, entry.FirstStep), sampler.StepsPerEpoch);
        if (entry.FirstStep != _next)
            return $"step {Math.Min(entry.FirstStep, _next)} is {(entry.FirstStep > _next ? "missing" : "counted twice")}: an entry begins with step {entry.FirstStep}, the one before ended with {_next - 1}";
        if (entry.LastStep < entry.FirstStep || entry.LastStep > (long)epoch * sampler.StepsPerEpoch || entry.Epoch != epoch)
            return $"steps {entry.FirstStep} to {entry.LastStep} are not of epoch {entry.Epoch} alone, which has the steps {((long)(epoch - 1) * sampler.StepsPerEpoch) + 1} to {(long)epoch * sampler.StepsPerEpoch}";
        (long count, ulong hash) = (0, 0);
        for (long step = entry.FirstStep; step <= entry.LastStep; step++)
        {
            ReadOnlySpan<int> batch = sampler.Batch(step);
            count += batch.Length;
            hash += SampleLedger.Hash(batch);
        }
        if (count != entry.Samples || hash != entry.Hash)
            return $"steps {entry.FirstStep} to {entry.LastStep} counted {entry.Samples} samples with hash {entry.Hash:x16}; the job's order gives {count} with {hash:x16}";
        (_samples, _hash, _next) = (_samples + count, _hash + hash, entry.LastStep + 1);
        if (entry.LastStep % sampler.StepsPerEpoch != 0)
            return null;
        if (_samples != samples || _hash != _whole)
            return $"epoch {epoch} counted {_samples} samples with hash {_hash:x16}; each of {samples} once gives {_whole:x16}";
        (_samples, _hash) = (0, 0);
        WholeEpochs++;
        return null;
    }

    private static ulong Sum(int samples)
    {
        ulong sum = 0;
        for (int sample = 0; sample < samples; sample++)
            sum += SampleLedger.Hash(sample);
        return sum;
    }
}
