using DistTrainer.Cli.Progress;
using DistTrainer.Cli.Runs;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using Xunit;

namespace DistTrainer.Cli.Tests.Resume;

/// <summary>One run writes into a folder at a time, and who has lost it writes nothing more.</summary>
public sealed class RunFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("run-folder-").FullName;

    private string Run => Path.Combine(_folder, "run");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_folder_that_was_taken_over_is_written_by_the_new_owner_only()
    {
        using RunOutput old = Open(null);
        old.OnLedger(new LedgerEntry(1, 1, 2, 8, 1));
        using RunOutput next = Open(new RunContinuation(Run, 2, TakesOver: true));
        Assert.Equal(FailureKind.Quorum, Assert.Throws<DistTrainerException>(old.RequireFolder).Kind);
        next.RequireFolder();
        string[] before = Files();
        old.OnLedger(new LedgerEntry(1, 3, 4, 8, 1));
        old.OnStep(new StepReport(4, 1, 2, 4, 1, 1, 1, 1, 1, default));
        old.OnWentBack(0);
        DistTrainerException failure = Assert.Throws<DistTrainerException>(() => old.Complete(null!));
        Assert.Equal(FailureKind.Quorum, failure.Kind);
        Assert.Equal(
            $"{Run}: another coordinator has taken this run's folder over; this one writes nothing more.",
            failure.Message);
        old.Dispose();
        Assert.Equal(before, Files());
        next.RequireFolder();
        Assert.Throws<DistTrainerException>(() => RunLock.Take(Run));
        next.OnLedger(new LedgerEntry(2, 3, 4, 8, 1));
        Assert.Equal([1L, 3L], File.ReadAllLines(Path.Combine(Run, "ledger.jsonl")).Skip(1)
            .Select(line => LedgerFile.ReadEntry(line).FirstStep));
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
        Assert.Equal(["step", "step", "step", "checkpoint"], File.ReadAllLines(Path.Combine(Run, "metrics.jsonl"))
            .Select(line => line.Split('"')[3]));

        Assert.Equal(
            [MetricsTable.Header[..4], "step", "step", "step"], File.ReadAllLines(Path.Combine(Run, "metrics.csv"))
            .Select(line => line[..4]));

        long[] Steps() =>
            [.. File.ReadAllLines(Path.Combine(Run, "ledger.jsonl")).Skip(1)
            .Select(line => LedgerFile.ReadEntry(line).LastStep)];
    }

    [Fact]
    public void A_failed_run_leaves_nothing_without_a_checkpoint_not_even_a_half_of_one()
    {
        using (RunOutput output = Open(null))
            Directory.CreateDirectory(
                Path.Combine(output.Folder!, "checkpoints", ".step-000000003-generation-1.partial"));
        Assert.False(Directory.Exists(Run));
    }

    [Fact]
    public void A_complete_run_has_no_half_of_a_checkpoint_that_a_coordinator_left_that_was_killed()
    {
        Open(null).OnCheckpoint(new CheckpointReport(3, "", 1, TimeSpan.Zero, 1)); // it is killed
        string half = Path.Combine(Run, "checkpoints", ".step-000000003-generation-1.partial");
        Directory.CreateDirectory(half);
        using RunFolder next = RunFolder.Continue(Run, takesOver: true, needed: 0);
        Assert.True(Directory.Exists(half)); // somebody may still be writing it
        next.Keep();
        Assert.False(Directory.Exists(half));
    }

    [Fact]
    public void A_folder_of_somebody_else_is_refused_and_left_as_it_was()
    {
        Directory.CreateDirectory(Path.Combine(Run, "checkpoints", "mine"));
        DistTrainerException failure = Assert.Throws<DistTrainerException>(() => Open(null));
        Assert.Equal(
            (FailureKind.Configuration, $"--output: {Run} is not empty; name a new or empty folder."),
            (failure.Kind, failure.Message));
        Assert.Equal([Path.Combine(Run, "checkpoints"), Path.Combine(Run, "checkpoints", "mine")],
            Directory.GetFileSystemEntries(Run, "*", SearchOption.AllDirectories));
    }

    [ReadOnlyFolderFact]
    public async Task A_folder_that_cannot_be_written_is_said_before_training()
    {
        using ReadOnlyFolder readOnly = ReadOnlyFolder.TryMake()!;
        var services = new CliServices
        {
            Data = new FakeData(),
            Train = (_, _, _, _, _, _) => throw new InvalidOperationException("trained"),
        };
        CliRun run = await CliRun.Of(services, ["train", "--output", readOnly.Path]);
        Assert.Equal(7, run.Code);
        Assert.StartsWith($"error: {readOnly.Path}: cannot be written (", run.Error, StringComparison.Ordinal);
    }

    /// <summary>How what says whose the folder is can be away for a while, and come back.</summary>
    public static TheoryData<string> Absences =>
        ["run.owner moved", "run.owner unreadable", "run.owner cut off", "folder moved"];

    [Theory]
    [MemberData(nameof(Absences))]
    public void Lines_of_a_time_in_which_the_folder_was_away_are_written_in_order_when_it_is_back(string absence)
    {
        using RunOutput output = Open(null);
        Report(output, 1, 2);
        string[] before = Lines();
        Action back = Leave(absence);
        Report(output, 3, 4);
        output.OnWentBack(3);
        Report(output, 4);
        back();
        Assert.Equal(before, Lines());
        Report(output, 5);
        Assert.Equal([1L, 2, 3, 4, 5], Steps());
        output.Complete(Result());
        Assert.True(File.Exists(Path.Combine(Run, "run.json")));

        string[] Lines() => [.. Directory.GetFiles(Run, "*.jsonl").Order().SelectMany(File.ReadAllLines)];
    }

    [Fact]
    public void What_waited_is_written_at_the_end_too_where_no_line_came_after_it()
    {
        using RunOutput output = Open(null);
        Action back = Leave("run.owner unreadable");
        Report(output, 1, 2);
        back();
        output.Complete(Result());
        Assert.Equal([1L, 2], Steps());
    }

    [Fact]
    public void An_owner_that_stays_unreadable_is_said_as_that_and_nothing_claims_success()
    {
        using var error = new StringWriter();
        using (RunOutput output = Open(null, error, TimeSpan.FromMilliseconds(80)))
        {
            Leave("run.owner unreadable");
            Report(output, 1);
            DistTrainerException checkpoint = Assert.Throws<DistTrainerException>(output.RequireFolder);
            Assert.Equal(FailureKind.Disk, checkpoint.Kind);
            Assert.StartsWith($"{Run}: run.owner cannot be read (", checkpoint.Message, StringComparison.Ordinal);
            DistTrainerException end = Assert.Throws<DistTrainerException>(() => output.Complete(Result()));
            Assert.Equal(FailureKind.Disk, end.Kind);
            Assert.StartsWith(
                $"{checkpoint.Message} The final model is not written, and ledger and metrics end before;", end.Message,
                StringComparison.Ordinal);
        }
        Assert.StartsWith(
            $"warning: {Run}: run.owner cannot be read (", Assert.Single(error.ToString().TrimEnd().Split('\n')),
            StringComparison.Ordinal);
        Assert.Equal(["job.conf", "ledger.jsonl", "metrics.csv", "metrics.jsonl", "run.lock"], Directory.GetFiles(Run)
            .Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_folder_that_was_removed_is_made_anew_for_the_model_and_the_end_says_what_is_lost()
    {
        using (RunOutput output = Open(null, patience: TimeSpan.FromMilliseconds(80)))
        {
            Report(output, 1, 2);
            Directory.Delete(Run, recursive: true);
            Report(output, 3);
            Assert.Equal(
                $"{Run}: the run folder is gone.", Assert.Throws<DistTrainerException>(output.RequireFolder).Message);
            Assert.False(Directory.Exists(Run));
            DistTrainerException end = Assert.Throws<DistTrainerException>(() => output.Complete(Result()));
            Assert.Equal(FailureKind.Disk, end.Kind);
            string model = Path.Combine(Run, "model.safetensors");
            Assert.Equal(
                $"{Path.Combine(Run, "metrics.jsonl")}: was removed while the run went on; what was in it is lost. "
                + $"The final model is written: {model}", end.Message);
            Assert.Equal(Result().ParameterHash, ModelFile.Load(model).ParameterHash);
        }
        Assert.Equal(
            ["curves.svg", "job.conf", "model.safetensors"], Directory.GetFiles(Run).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_record_of_the_owner_that_alone_was_removed_is_written_again_and_the_run_is_whole()
    {
        using RunOutput output = Open(null, patience: TimeSpan.FromMilliseconds(80));
        Report(output, 1);
        File.Delete(Path.Combine(Run, "run.owner"));
        Report(output, 2);
        output.Complete(Result());
        Assert.Equal([1L, 2], Steps());
        Assert.True(File.Exists(Path.Combine(Run, "run.json")));
        Assert.Throws<DistTrainerException>(() => RunLock.Take(Run));
    }

    [Fact]
    public void A_file_that_was_changed_by_somebody_is_said_when_training_is_over()
    {
        using RunOutput output = Open(null);
        Report(output, 1);
        File.WriteAllText(Path.Combine(Run, "ledger.jsonl"), "");
        DistTrainerException end = Assert.Throws<DistTrainerException>(() => output.Complete(Result()));
        Assert.StartsWith(
            $"{Path.Combine(Run, "ledger.jsonl")}: was changed while the run went on, and is not whole.", end.Message,
            StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(Run, "run.json")));
    }

    [Fact]
    public void What_waits_is_bounded_and_the_file_then_ends_without_a_hole()
    {
        FolderOwner hold = FolderOwner.Unreadable;
        string path = Path.Combine(_folder, "lines");
        using var file = new GrowingFile(path, () => hold);
        for (int i = 0; i < 33; i++)
            file.Add(new byte[1 << 20]);
        Assert.Equal(FailureKind.Disk, file.Failure?.Kind);
        hold = FolderOwner.Mine;
        file.Add([1]);
        Assert.Equal(0, new FileInfo(path).Length);
    }

    private static void Report(RunOutput output, params long[] steps)
    {
        foreach (long step in steps)
        {
            output.OnLedger(new LedgerEntry(1, step, step, 8, 1));
            output.OnStep(new StepReport(step, 1, 6, 6, 1, 1, 1, 1, 1, default));
        }
    }

    private static TrainingResult Result() => CliRun.FakeTrainer(
        JobFile.Read(new JobSource("model.layers = [{}]", "job")).Job, new FakeData()
            .Load(new DataDescription(), new LossDescription()), new RunOptions(), null, new Observers(),
            CancellationToken.None).Result;

    /// <summary>The steps of the ledger, which must be those of both files of metrics.</summary>
    private long[] Steps()
    {
        long[] steps =
            [.. File.ReadAllLines(Path.Combine(Run, "ledger.jsonl")).Skip(1)
            .Select(line => LedgerFile.ReadEntry(line).LastStep)];
        Assert.Equal(
            steps, File.ReadAllLines(Path.Combine(Run, "metrics.jsonl"))
            .Select(line => RunLines.Read(line)!.Value.Step));
        Assert.Equal(steps.Select(step => $"{step}"), File.ReadAllLines(Path.Combine(Run, "metrics.csv")).Skip(1)
            .Select(line => line.Split(',')[1]));
        return steps;
    }

    /// <summary>Takes away what says whose the folder is.</summary>
    /// <returns>Brings it back.</returns>
    private Action Leave(string absence)
    {
        string owner = Path.Combine(Run, "run.owner"), aside = Path.Combine(_folder, "aside");
        if (absence == "folder moved")
        {
            Directory.Move(Run, aside);
            return () => Directory.Move(aside, Run);
        }
        File.Move(owner, aside);
        if (absence == "run.owner unreadable")
            Directory.CreateDirectory(owner);
        else if (absence == "run.owner cut off")
            File.WriteAllText(owner, "process=1 ho");
        return () =>
        {
            if (Directory.Exists(owner))
                Directory.Delete(owner);
            File.Move(aside, owner, overwrite: true);
        };
    }

    private RunOutput Open(RunContinuation? from, TextWriter? error = null, TimeSpan? patience = null)
    {
        JobFile file = JobFile.Read(new JobSource($"model.layers = [{{}}]\nrun.output = \"{Run}\"", "job"));
        DataParts data = new FakeData().Load(file.Job.Data, file.Job.Model.Loss);
        var console = new CliConsole(TextWriter.Null, error ?? TextWriter.Null);
        return new RunOutput(console, new PlainProgress(TextWriter.Null, TextWriter.Null, true), file, data,
            JobNetwork.Create(file.Job.Model, data.Schema).Layout, "run", _folder, from, patience: patience);
    }

    private string[] Files() =>
        [.. Directory.GetFiles(Run).Order()
        .Select(path => $"{path} {new FileInfo(path).Length} {File.GetLastWriteTimeUtc(path):O}")];
}
