using DistTrainer.Engine;
using DistTrainer.Fuzz;
using Xunit;

namespace DistTrainer.Cluster.Tests.Fuzzing;

/// <summary>Readers with a mistake each: the fuzzer would be worth nothing if it did not find them.</summary>
public sealed class FuzzerTests : IDisposable
{
    private readonly string _failures = Directory.CreateTempSubdirectory("fuzz-").FullName;

    public void Dispose() => Directory.Delete(_failures, recursive: true);

    [Fact]
    public void A_reader_that_reads_or_refuses_has_no_findings()
    {
        FuzzOutcome outcome = Run(_ => { });
        Assert.Equal((2000, 0), (outcome.Inputs, outcome.Findings));
        Assert.InRange(outcome.Accepted, 1, 1999);
    }

    [Fact]
    public void Another_exception_than_the_documented_one_is_a_finding_and_its_input_is_kept()
    {
        Assert.InRange(Run(input => input[3]).Findings, 1, 2000);
        string input = Assert.Single(Directory.GetFiles(_failures, "*", SearchOption.AllDirectories));
        using var reader = new Sample(bytes => bytes[3]);
        Assert.Contains(nameof(IndexOutOfRangeException), new Fuzzer(reader, _failures)
            .Examine(FailureFile.Read(input), out _), StringComparison.Ordinal);
    }

    [Fact]
    public void A_length_that_is_believed_is_a_finding() =>
        Assert.InRange(Run(input => input.Length > 0 ? new byte[input[0] * 10_000] : null).Findings, 1, 2000);

    [Fact]
    public void The_same_number_makes_the_same_inputs_and_another_one_others()
    {
        Seed[] seeds = [new Seed("a", "1234 5678"u8.ToArray()), new Seed("b", [1, 2, 3])];
        string Inputs(int number) =>
            string.Join(
                ' ', Enumerable.Range(0, 500)
                .Select(n => Convert.ToHexString(new Mutator(seeds, number).Make(n, out _).Bytes)));
        Assert.Equal(Inputs(1), Inputs(1));
        Assert.NotEqual(Inputs(1), Inputs(2));
    }

    [Fact]
    public void Every_seed_is_cut_off_at_each_length()
    {
        Seed[] seeds = [new Seed("a", [1, 2, 3]), new Seed("b", [4, 5])];
        var mutator = new Mutator(seeds, 1);
        Assert.Equal(
            ["", "01", "0102", "", "04"], Enumerable.Range(0, 5)
            .Select(n => Convert.ToHexString(mutator.Make(2 * n, out _).Bytes)));
    }

    [Theory]
    [InlineData("idx")]
    [InlineData("csv")]
    [InlineData("npy")]
    [InlineData("safetensors")]
    [InlineData("checkpoint")]
    [InlineData("ledger")]
    [InlineData("job")]
    [InlineData("node")]
    [InlineData("parquet")]
    public void The_corpus_of_a_reader_is_there_and_small(string reader)
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "corpus", reader));
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.InRange(new FileInfo(file).Length, 1, 8192));
    }

    private FuzzOutcome Run(Func<byte[], object?> read)
    {
        using var reader = new Sample(read);
        return new Fuzzer(reader, _failures).Run(2000, 1);
    }

    private FuzzOutcome Run(Action<byte[]> read) => Run(input =>
    {
        read(input);
        return null;
    });

    /// <summary>Refuses what is short, and does something with the rest.</summary>
    private sealed class Sample(Func<byte[], object?> read) : FuzzReader("sample", 50_000, 10)
    {
        public override IReadOnlyList<Seed> Seeds() => [new Seed("zeros", new byte[20])];

        public override void Read(string role, byte[] input)
        {
            object? kept = read(input);
            if (input.Length < 10)
                throw new DistTrainerException(FailureKind.Data, "too short");
            GC.KeepAlive(kept);
        }
    }
}
