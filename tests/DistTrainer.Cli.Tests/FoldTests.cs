using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using DistTrainer.Cli.Tests.Resume;
using DistTrainer.Engine.Data;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary><c>train --folds</c> on a small table, and <c>data.split</c> on the command line.</summary>
public sealed class FoldTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-folds-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Output => Path.Combine(_folder, "out");

    private string Folds => Path.Combine(Output, "folds.json");

    private string Write(int rows, Func<int, string> y)
    {
        string path = Path.Combine(_folder, "table.csv");
        File.WriteAllLines(path, ["a,b,who,day,part,y", .. Enumerable.Range(0, rows).Select(i => string.Create(
            CultureInfo.InvariantCulture,
            $"{i * 7 % 11},{i % 5},p{i / 4},2024-01-{1 + (i % 28):00},{(i % 6 == 0 ? "Test" : "train")},{y(i)}"))]);
        return path;
    }

    private string Classes(int rows = 60) => Write(rows, i => i * 7 % 11 > 5 ? "yes" : "no");

    private static Task<CliRun> Run(params string[] args) => CliRun.Of(new CliServices(), args);

    private string[] Train(string data, params string[] more) =>
        ["train", "--data", data, "--target", "y", "--epochs", "2", "--quiet", "--output", Output, .. more];

    private string[] FoldersLeft() =>
        [.. Directory.GetFileSystemEntries(Output).Select(path => Path.GetFileName(path)!).Order()];

    [Fact]
    public async Task Folds_are_ordinary_runs_with_their_figures_mean_and_deviation_in_one_file()
    {
        CliRun run = await Run(Train(Classes(), "--folds", "3", "--set", "data.test-fraction=0.1"));
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal(["fold-1", "fold-2", "fold-3", "folds.json"], FoldersLeft());
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Folds));
        JsonElement[] each = [.. json.RootElement.GetProperty("each").EnumerateArray()];
        double[] losses = new double[3];
        for (int i = 0; i < 3; i++)
        {
            string folder = Path.Combine(Output, each[i].GetProperty("folder").GetString()!);
            using JsonDocument own = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "run.json")));
            losses[i] = own.RootElement.GetProperty("metrics").GetProperty("validationLoss").GetDouble();
            Assert.Equal(losses[i], each[i].GetProperty("validation").GetProperty("loss").GetDouble());
            foreach (string name in new[] { "dataHash", "parameterHash" })
                Assert.Equal(own.RootElement.GetProperty(name).GetString(), each[i].GetProperty(name).GetString());
            SplitSettings split = JobFile.Read(JobSource.FromFile(Path.Combine(folder, "job.conf"))).Job.Data.Split;
            Assert.Equal((3, i + 1), (split.Folds, split.Fold));
            Assert.StartsWith("test samples=6 ", (await Run("evaluate", folder)).Output, StringComparison.Ordinal);
            Assert.Matches(
                $"(?m)^fold {i + 1} of 3 validation loss={Numbers.Text(losses[i])} accuracy=[0-9.]+ balanced-accuracy=",
                run.Output);
        }
        double mean = losses.Average();
        double deviation = Math.Sqrt(losses.Sum(loss => (loss - mean) * (loss - mean)) / 2);
        Assert.Equal(mean, json.RootElement.GetProperty("mean").GetProperty("loss").GetDouble(), 1e-12);
        Assert.Equal(deviation, json.RootElement.GetProperty("deviation").GetProperty("loss").GetDouble(), 1e-12);
        int best = Array.IndexOf(losses, losses.Min()) + 1;
        Assert.Equal(best, json.RootElement.GetProperty("best").GetInt32());
        Assert.Contains(
            $"\nfolds mean loss={Numbers.Text(mean)} deviation={Numbers.Text(deviation)}\n", run.Output,
            StringComparison.Ordinal);
        Assert.Matches("(?m)^folds mean accuracy=[0-9.]+ deviation=[0-9.]+$", run.Output);
        Assert.EndsWith($"\nbest run folder {Path.Combine(Output, $"fold-{best}")}\n", run.Output,
            StringComparison.Ordinal);
        Assert.Single(Regex.Matches(run.Error, "no job file: the recipe"));
    }

    [Fact]
    public async Task The_best_alone_can_be_kept_and_values_have_their_figures()
    {
        string data = Write(60, i => (i * 1.5).ToString(CultureInfo.InvariantCulture));
        CliRun run = await Run(Train(data, "--folds", "2", "--keep", "best"));
        Assert.True(run.Code == 0, run.Error);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Folds));
        string best = $"fold-{json.RootElement.GetProperty("best").GetInt32()}";
        Assert.Equal([best, "folds.json"], FoldersLeft());
        Assert.Equal(
            [best], json.RootElement.GetProperty("each").EnumerateArray()
                .Select(fold => fold.GetProperty("folder").GetString()).OfType<string>());
        Assert.Matches("(?m)^folds mean mean-absolute-error=[0-9.]+ deviation=[0-9.]+$", run.Output);
        CliRun whole = await Run("evaluate", Output);
        Assert.Equal(2, whole.Code);
        Assert.Contains(
            "holds the runs of several folds; name one of them, e.g.", whole.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fold_is_the_same_bits_alone_with_other_workers_and_resumed()
    {
        string data = Classes();
        await Run(Train(data, "--folds", "3", "--checkpoint-every-steps", "1", "--workers", "2"));
        string fold = Path.Combine(Output, "fold-2"), alone = Path.Combine(_folder, "alone");
        string hash = HashOf(fold);
        CliRun run = await Run(
            "train", "--config", Path.Combine(fold, "job.conf"), "--workers", "1", "--quiet", "--output", alone);
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal(hash, HashOf(alone));
        File.Delete(Path.Combine(fold, "run.json"));
        string[] checkpoints = [.. Directory.GetDirectories(Path.Combine(fold, "checkpoints")).Order()];
        Directory.Delete(checkpoints[^1], recursive: true);
        Assert.NotEqual(0, (await Run("resume", fold, "--quiet", "--set", "data.split.fold=3")).Code);
        run = await Run("resume", fold, "--quiet");
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("goes on after step", run.Error, StringComparison.Ordinal);
        Assert.Equal(hash, HashOf(fold));
    }

    [Fact]
    public async Task A_signal_ends_the_fold_and_the_folds_and_says_how_to_go_on()
    {
        using StopSignals signals = new();
        int begun = 0;
        TrainRun train = ResumeRig.Watched(report =>
        {
            if (report.Step == 1 && ++begun == 2)
                signals.Raise(143);
        });
        CliRun run = await CliRun.Of(
            new CliServices { Train = train },
            Train(Classes(), "--folds", "3", "--batch-size", "4", "--report-every", "1"), signals);
        Assert.Equal((143, 2), (run.Code, begun));
        Assert.Equal(["fold-1", "fold-2"], FoldersLeft());
        Assert.Contains(
            $"stopped with 1 of 3 folds whole; to run another one: disttrainer train --config {Output}/fold-1/job.conf "
            + $"--set data.split.fold=K --output {Output}/fold-K\n", run.Output, StringComparison.Ordinal);
        run = await Run("resume", Path.Combine(Output, "fold-2"), "--quiet");
        Assert.True(run.Code == 0, run.Error);
    }

    [Theory]
    [InlineData("--folds", "1",
        "--folds: data.split.folds = \"1\" is out of range; allowed: a whole number from 2 to 20.")]
    [InlineData("--folds", "many", "--folds: data.split.folds = \"many\" is not a whole number")]
    [InlineData("--keep", "best", "--keep counts only with --folds; name the number of folds, or leave it out.")]
    [InlineData("--set", "data.split { order = time, by = day, folds = 3, fold = 1 }",
        "data.split.folds does not go with order = time: all folds but the last would be validated on rows that are "
        + "earlier than those they were trained on")]
    [InlineData("--set", "data.split.folds=3", "data.split.fold is missing; name one of 1 to 3, or leave folds out")]
    [InlineData("--set", "data.split.fold=3", "data.split.fold = 3 has no effect here; it counts only with folds")]
    [InlineData("--set", "data.split.by=who", "data.split.by = \"who\" has no effect here; it counts only with order")]
    [InlineData("--set", "data.split.order=group",
        "data.split.by is missing; order = group needs the name of a column")]
    [InlineData("--set", "data.split.order=groups", "is not known (did you mean group?)")]
    public async Task What_does_not_go_together_is_refused_before_anything_is_written(
        string option, string value, string message)
    {
        CliRun run = await Run(Train(Classes(), option, value));
        Assert.Equal(2, run.Code);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
    }

    [Fact]
    public async Task More_folds_than_rows_and_a_folder_that_is_not_empty_are_refused()
    {
        CliRun run = await Run(Train(Classes(12), "--folds", "13"));
        Assert.Equal(3, run.Code);
        Assert.Contains("12 row(s) outside the test part cannot be 13 folds", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Output));
        Directory.CreateDirectory(Output);
        File.WriteAllText(Path.Combine(Output, "mine"), "");
        run = await Run(Train(Classes(), "--folds", "2"));
        Assert.Equal(
            (2, $"error: --output: {Output} is not empty; name a new or empty folder.\n"), (run.Code, run.Error));
        Assert.Equal(["mine"], FoldersLeft());
    }

    [Fact]
    public async Task Groups_times_and_parts_are_set_on_the_command_line_and_evaluated_alike()
    {
        string data = Classes(), group = "data.split { order = group, by = who }";
        CliRun run = await Run(Train(data, "--set", group, "--folds", "3"));
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("column 'who' says which rows stay together", run.Error, StringComparison.Ordinal);
        string inspected = (await Run(
            "data", "inspect", data, "--target", "y", "--set", "data.split { order = part, by = part }")).Output;
        Assert.Contains("samples   50 and 10 for the test\n", inspected, StringComparison.Ordinal);
        Directory.Delete(Output, recursive: true);
        run = await Run(Train(
            data, "--set", "data.split { order = time, by = day }", "--set", "data.test-fraction=0.25"));
        Assert.True(run.Code == 0, run.Error);
        Assert.Contains("\ntest samples=15 ", "\n" + run.Output, StringComparison.Ordinal);
        string line = run.Output.Split('\n').Single(one => one.StartsWith("test ", StringComparison.Ordinal));
        Assert.StartsWith(line + "\n", (await Run("evaluate", Output)).Output, StringComparison.Ordinal);
        Directory.Delete(Output, recursive: true);
        run = await Run(Train(data, "--set", "data.split { order = part, by = part }"));
        Assert.Equal(2, run.Code);
        Assert.Contains(
            "data.split.by = part: no row is of the validation part, which early stopping and reduce-on-plateau watch; "
            + "say validation in some rows, or set training.early-stopping.patience = 0.", run.Error,
            StringComparison.Ordinal);
    }

    private static string HashOf(string run)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "run.json")));
        return json.RootElement.GetProperty("parameterHash").GetString()!;
    }
}
