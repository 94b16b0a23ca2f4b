using DistTrainer.Cli;
using DistTrainer.Cluster;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>One run writes into a folder at a time, and who has lost it writes nothing more.</summary>
public sealed class RunFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("run-folder-").FullName;

    private string Run => Path.Combine(folder, "run");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_folder_that_was_taken_over_is_written_by_the_new_owner_only()
    {
        using RunOutput old = Open(null);
        old.OnLedger(new LedgerEntry(1, 1, 2, 8, 1));
        using RunOutput next = Open(new RunContinuation(Run, 2, TakesOver: true));
        Assert.False(old.IsOwned);
        Assert.True(next.IsOwned);
        string[] before = Files();
        old.OnLedger(new LedgerEntry(1, 3, 4, 8, 1));
        old.OnStep(new StepReport(4, 1, 2, 4, 1, 1, 1, 1, 1, default));
        old.OnWentBack(0);
        DistTrainerException failure = Assert.Throws<DistTrainerException>(() => old.Complete(null!));
        Assert.Equal(FailureKind.Quorum, failure.Kind);
        Assert.Equal($"{Run}: another coordinator has taken this run's folder over; this one writes nothing more.", failure.Message);
        old.Dispose();
        Assert.Equal(before, Files());
        Assert.True(next.IsOwned);
        Assert.Throws<DistTrainerException>(() => RunLock.Take(Run));
        next.OnLedger(new LedgerEntry(2, 3, 4, 8, 1));
        Assert.Equal([1L, 3L], File.ReadAllLines(Path.Combine(Run, "ledger.jsonl")).Skip(1).Select(line => LedgerFile.ReadEntry(line).FirstStep));
    }

    [Fact]
    public void A_run_that_goes_back_drops_later_lines_and_a_torn_last_one()
    {
        using (RunOutput first = Open(null))
        {
            for (int step = 1; step <= 6; step++)
            {
                first.OnLedger(new LedgerEntry(1, step, step, 8, 1));
                first.OnStep(new StepReport(step, 1, 6, 6, 1, 1, 1, 1, 1, default));
            }
            first.OnCheckpoint(new CheckpointReport(3, "", 1, TimeSpan.Zero, 1));
            first.OnWentBack(4);
            Assert.Equal([1L, 2, 3, 4], Steps());
            Directory.CreateDirectory(Path.Combine(Run, "checkpoints", "step-000000003"));
        }
        File.AppendAllText(Path.Combine(Run, "ledger.jsonl"), "{\"epoch\":1,\"firstSt");
        File.AppendAllText(Path.Combine(Run, "metrics.jsonl"), "{\"type\":\"step\",\"st");
        File.AppendAllText(Path.Combine(Run, "metrics.csv"), "step,5");
        using RunOutput next = Open(new RunContinuation(Run, 3, TakesOver: false));
        next.OnLedger(new LedgerEntry(1, 4, 4, 8, 1));
        Assert.Equal([1L, 2, 3, 4], Steps());
        Assert.Equal(["step", "step", "step", "checkpoint"], File.ReadAllLines(Path.Combine(Run, "metrics.jsonl")).Select(line => line.Split('"')[3]));

        Assert.Equal([MetricsTable.Header[..4], "step", "step", "step"], File.ReadAllLines(Path.Combine(Run, "metrics.csv")).Select(line => line[..4]));

        long[] Steps() => [.. File.ReadAllLines(Path.Combine(Run, "ledger.jsonl")).Skip(1).Select(line => LedgerFile.ReadEntry(line).LastStep)];
    }

    [Fact]
    public void A_failed_run_leaves_nothing_without_a_checkpoint_not_even_a_half_of_one()
    {
        using (RunOutput output = Open(null))
            Directory.CreateDirectory(Path.Combine(output.Folder!, "checkpoints", ".step-000000003-generation-1.partial"));
        Assert.False(Directory.Exists(Run));
    }

    [Fact]
    public void A_folder_of_somebody_else_is_refused_and_left_as_it_was()
    {
        Directory.CreateDirectory(Path.Combine(Run, "checkpoints", "mine"));
        DistTrainerException failure = Assert.Throws<DistTrainerException>(() => Open(null));
        Assert.Equal((FailureKind.Configuration, $"--output: {Run} is not empty; name a new or empty folder."), (failure.Kind, failure.Message));
        Assert.Equal([Path.Combine(Run, "checkpoints"), Path.Combine(Run, "checkpoints", "mine")], Directory.GetFileSystemEntries(Run, "*", SearchOption.AllDirectories));
    }

    [ReadOnlyFolderFact]
    public async Task A_folder_that_cannot_be_written_is_said_before_training()
    {
        using ReadOnlyFolder readOnly = ReadOnlyFolder.TryMake()!;
        var services = new CliServices { Data = new FakeData(), Train = (_, _, _, _, _, _) => throw new InvalidOperationException("trained") };
        CliRun run = await CliRun.Of(services, ["train", "--output", readOnly.Path]);
        Assert.Equal(7, run.Code);
        Assert.StartsWith($"error: {readOnly.Path}: cannot be written (", run.Error, StringComparison.Ordinal);
    }

    private RunOutput Open(RunContinuation? from)
    {
        JobFile file = JobFile.Read(new JobSource($"model.layers = [{{}}]\nrun.output = \"{Run}\"", "job"));
        DataParts data = new FakeData().Load(file.Job.Data, file.Job.Model.Loss);
        var console = new CliConsole(TextWriter.Null, TextWriter.Null);
        return new RunOutput(console, new PlainProgress(TextWriter.Null, TextWriter.Null, true), file, data, JobNetwork.Create(file.Job.Model, data.Schema), "run", folder, from);
    }

    private string[] Files() => [.. Directory.GetFiles(Run).Order().Select(path => $"{path} {new FileInfo(path).Length} {File.GetLastWriteTimeUtc(path):O}")];
}
