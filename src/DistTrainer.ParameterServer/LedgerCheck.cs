using System.Globalization;
using DistTrainer.Engine.Training;

namespace DistTrainer.ParameterServer;

/// <summary>What the ledger says of an epoch.</summary>
/// <param name="Epoch">Counted from 1.</param>
/// <param name="LastStep">Its last step that was counted.</param>
/// <param name="Samples">Samples that were counted, each once.</param>
/// <param name="IsWhole">Whether these are all training samples.</param>
internal sealed record LedgerEpoch(int Epoch, long LastStep, long Samples, bool IsWhole);

/// <summary>
/// Proves of a ledger that every step was counted once and in order, with exactly the samples that the job's seed gives
/// it, and so every training sample once an epoch. Takes the entries one after another; not thread-safe.
/// </summary>
internal sealed class LedgerCheck
{
    private readonly EpochSampler _sampler;
    private readonly long _count;
    private readonly ulong _all;
    private long _samples;
    private ulong _hash;

    /// <summary>Begins before the first step.</summary>
    /// <param name="trainingSamples">Samples of the training part, ≥ 1.</param>
    /// <param name="training">The job's batch size, seed and shuffling.</param>
    public LedgerCheck(long trainingSamples, TrainingDescription training)
    {
        _count = trainingSamples;
        _sampler = new EpochSampler(trainingSamples, training.BatchSize, training.Seed, training.Shuffle);
        for (int sample = 0; sample < trainingSamples; sample++)
            _all += SampleLedger.Hash(sample);
    }

    /// <summary>The last step that was counted; 0 before the first.</summary>
    public long LastStep { get; private set; }

    /// <summary>The epoch that is not over; null at an epoch's end.</summary>
    public LedgerEpoch? OpenEpoch => LastStep % _sampler.StepsPerEpoch == 0 ? null : Epoch(isWhole: false);

    /// <summary>Takes the next entry.</summary>
    /// <returns>The epoch that it ends, else null.</returns>
    /// <exception cref="FormatException">Steps or samples are missing, double, or others; the message names the step
    /// and goes on after a place, e.g. <c>counts step 7 twice</c>.</exception>
    public LedgerEpoch? Add(LedgerEntry entry)
    {
        CheckSteps(entry);
        (long samples, ulong hash) = (0, 0);
        for (long step = entry.FirstStep; step <= entry.LastStep; step++)
        {
            ReadOnlySpan<int> batch = _sampler.Batch(step);
            samples += batch.Length;
            hash += SampleLedger.Hash(batch);
        }
        if (entry.Samples != samples)
            throw Refuse($"counts {entry.Samples} samples in {Steps(entry)}; the job has {samples} there");
        if (entry.Hash != hash)
            throw Refuse(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"has the hash {entry.Hash:x16} for {Steps(entry)}; the job's samples there have {hash:x16}: "
                    + $"other samples were counted, or one twice and another not"));
        LastStep = entry.LastStep;
        _samples += samples;
        _hash += hash;
        if (LastStep % _sampler.StepsPerEpoch != 0)
            return null;

        // This follows from the steps; computed from the samples alone, it needs no trust in the order that was drawn.
        if (_samples != _count || _hash != _all)
            throw Refuse(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"ends epoch {entry.Epoch} with step {LastStep} after {_samples} samples of hash {_hash:x16}; all "
                    + $"{_count} once have {_all:x16}"));
        LedgerEpoch epoch = Epoch(isWhole: true);
        (_samples, _hash) = (0, 0);
        return epoch;
    }

    private static string Steps(LedgerEntry entry) => entry.FirstStep == entry.LastStep
        ? string.Create(CultureInfo.InvariantCulture, $"step {entry.FirstStep}")
        : string.Create(CultureInfo.InvariantCulture, $"steps {entry.FirstStep} to {entry.LastStep}");

    private static FormatException Refuse(FormattableString what) => Refuse(FormattableString.Invariant(what));

    private static FormatException Refuse(string what) => new(what);

    private LedgerEpoch Epoch(bool isWhole) =>
        new(EpochSampler.EpochOf(LastStep, _sampler.StepsPerEpoch), LastStep, _samples, isWhole);

    private void CheckSteps(LedgerEntry entry)
    {
        if (entry.FirstStep < 1 || entry.LastStep < entry.FirstStep)
            throw Refuse($"counts the steps {entry.FirstStep} to {entry.LastStep}, which are none");
        if (entry.FirstStep <= LastStep)
            throw Refuse($"counts step {entry.FirstStep} twice");
        if (entry.FirstStep > LastStep + 1)
            throw Refuse($"begins with step {entry.FirstStep}; step {LastStep + 1} is missing");
        int epoch = EpochSampler.EpochOf(entry.FirstStep, _sampler.StepsPerEpoch);
        if (entry.Epoch != epoch)
            throw Refuse($"puts step {entry.FirstStep} into epoch {entry.Epoch}; it is of epoch {epoch}");
        if (entry.LastStep > (long)epoch * _sampler.StepsPerEpoch)
            throw Refuse(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"counts {Steps(entry)} as one epoch; epoch {epoch} ends with step "
                    + $"{(long)epoch * _sampler.StepsPerEpoch}"));
    }
}
