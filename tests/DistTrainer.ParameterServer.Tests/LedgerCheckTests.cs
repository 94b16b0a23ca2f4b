using System.Globalization;
using CsCheck;
using DistTrainer.Engine.Training;
using Xunit;

namespace DistTrainer.ParameterServer.Tests;

public class LedgerCheckTests
{
    private const int Samples = 23;
    private static readonly TrainingDescription s_training = new() { BatchSize = 5, Seed = 7, Shuffle = true };

    [Fact]
    public void A_ledger_of_any_stretches_is_fine_and_every_epoch_has_each_sample_once() =>
        Gen.Int[1, 7].Array[1, 20].Sample(lengths =>
    {
        var check = new LedgerCheck(Samples, s_training);
        var whole = new List<LedgerEpoch>();
        long next = 1;
        foreach (int length in lengths)
        {
            long last = Math.Min(next + length - 1, ((next + 4) / 5) * 5);
            if (check.Add(Entry(next, last)) is { } epoch)
                whole.Add(epoch);
            next = last + 1;
        }
        Assert.Equal(next - 1, check.LastStep);
        Assert.Equal(
            Enumerable.Range(1, (int)(check.LastStep / 5))
            .Select(epoch => new LedgerEpoch(epoch, 5 * epoch, Samples, true)), whole);
        Assert.Equal(
            check.LastStep % 5 == 0 ? null
            : new LedgerEpoch((int)(check.LastStep / 5) + 1, check.LastStep, 5 * (check.LastStep % 5), false),
            check.OpenEpoch);
    });

    [Theory]
    [InlineData(4, 4, "begins with step 4; step 3 is missing")]
    [InlineData(2, 3, "counts step 2 twice")]
    [InlineData(0, 3, "counts the steps 0 to 3, which are none")]
    [InlineData(3, 2, "counts the steps 3 to 2, which are none")]
    [InlineData(3, 6, "counts steps 3 to 6 as one epoch; epoch 1 ends with step 5")]
    [InlineData(3, long.MaxValue, "counts steps 3 to 9223372036854775807 as one epoch; epoch 1 ends with step 5")]
    public void A_step_that_is_missing_double_or_impossible_is_named(long first, long last, string what)
    {
        var check = new LedgerCheck(Samples, s_training);
        check.Add(Entry(1, 2));
        Assert.Equal(
            what, Assert.Throws<FormatException>(() => check.Add(new LedgerEntry(1, first, last, 5, 0))).Message);
    }

    [Fact]
    public void A_sample_too_many_too_few_or_another_one_and_a_wrong_epoch_are_refused()
    {
        LedgerEntry right = Entry(3, 3);
        ReadOnlySpan<int> batch = Sampler().Batch(3);
        (int first, int second) = (batch[0], batch[1]);
        Refused(right with { Samples = 6 }, "counts 6 samples in step 3; the job has 5 there");
        Refused(right with { Samples = 4 }, "counts 4 samples in step 3; the job has 5 there");
        Refused(
            right with { Hash = right.Hash - SampleLedger.Hash(first) + SampleLedger.Hash(second) }, "has the hash ");
        Refused(right with { Epoch = 2 }, "puts step 3 into epoch 2; it is of epoch 1");
        Assert.StartsWith(
            "has the hash ", Assert.Throws<FormatException>(() => new LedgerCheck(Samples, s_training with { Seed = 8 })
            .Add(Entry(1, 1))).Message, StringComparison.Ordinal);

        static void Refused(LedgerEntry entry, string what)
        {
            var check = new LedgerCheck(Samples, s_training);
            check.Add(Entry(1, 2));
            Assert.StartsWith(
                what, Assert.Throws<FormatException>(() => check.Add(entry)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Lines_are_the_documented_ones_and_read_back_in_any_culture()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
        try
        {
            var header = new LedgerHeader(1, 1258, "ab12");
            Assert.Equal("""{"format":1,"trainingSamples":1258,"dataHash":"ab12"}""", LedgerFile.Line(header));
            Assert.Equal(header, LedgerFile.ReadHeader(LedgerFile.Line(header), long.MaxValue));
            var entry = new LedgerEntry(2, 41, 50, 320, 0x00b96607dbdbe1d9);
            Assert.Equal("""{"epoch":2,"firstStep":41,"lastStep":50,"samples":320,"hash":"00b96607dbdbe1d9"}""", LedgerFile.Line(entry));
            Assert.Equal(entry, LedgerFile.ReadEntry(LedgerFile.Line(entry)));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"epoch":2,"firstStep":41,"lastStep":50,"samples":320,"hash":"b9"}""")]
    [InlineData("""{"epoch":2,"firstStep":41,"lastStep":50,"samples":320,"hash":"+0b96607dbdbe1d9"}""")]
    [InlineData("""{"epoch":2,"firstStep":41,"lastStep":50,"hash":"00b96607dbdbe1d9"}""")]
    [InlineData("""{"epoch":2,"firstStep":41,"lastStep":50,"samples":320,"hash":"00b96607dbdbe1d9","more":1}""")]
    [InlineData("""{"epoch":2,"firstStep":41,"lastStep":50,"samples":320,"hash":"00b96607dbd""")]
    [InlineData("""{"epoch":99999999999,"firstStep":41,"lastStep":50,"samples":320,"hash":"00b96607dbdbe1d9"}""")]
    [InlineData("""{"epoch":2,"firstStep":41,"lastStep":50,"samples":320,"hash":null}""")]
    public void A_line_that_is_no_entry_is_refused(string line) =>
        Assert.Throws<FormatException>(() => LedgerFile.ReadEntry(line));

    [Theory]
    [InlineData("""{"format":2,"trainingSamples":5,"dataHash":""}""", "has format 2; this program reads format 1")]
    [InlineData("""{"format":1,"trainingSamples":0,"dataHash":""}""", "says 0 training samples; allowed are 1 to 1000")]
    [InlineData("""{"format":1,"trainingSamples":1001,"dataHash":""}""", "says 1001 training samples; allowed are 1 to 1000")]
    [InlineData("""{"epoch":1}""", "is no ledger's header")]
    public void A_header_of_a_newer_format_without_samples_or_with_more_than_the_run_can_have_is_refused(
        string line, string what) =>
        Assert.StartsWith(
            what, Assert.Throws<FormatException>(() => LedgerFile.ReadHeader(line, 1000))
            .Message, StringComparison.Ordinal);

    private static EpochSampler Sampler() => new(Samples, s_training.BatchSize, s_training.Seed, s_training.Shuffle);

    private static LedgerEntry Entry(long first, long last)
    {
        EpochSampler sampler = Sampler();
        (long samples, ulong hash) = (0, 0);
        for (long step = first; step <= last; step++)
        {
            ReadOnlySpan<int> batch = sampler.Batch(step);
            (samples, hash) = (samples + batch.Length, hash + SampleLedger.Hash(batch));
        }
        return new LedgerEntry(EpochSampler.EpochOf(first, sampler.StepsPerEpoch), first, last, samples, hash);
    }
}
