using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cli.Tests;

public sealed class TrainCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cli").FullName;

    private string Run => Path.Combine(_folder, "run");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_run_leaves_all_files_of_the_run_folder_and_prints_the_final_figures()
    {
        CliRun run = await CliRun.Of("train", "--output", Run, "--epochs", "2");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Equal(
            ["curves.svg", "job.conf", "ledger.jsonl", "metrics.csv", "metrics.jsonl", "model.safetensors", "run.json"],
            Directory.GetFiles(Run).Select(path => Path.GetFileName(path)!).Order());
        Assert.Contains(
            "step=1 epoch=1 loss=1.5 accuracy=0.75 learning-rate=0.001 gradient-norm=0.5 samples/s=1234\n", run.Output,
            StringComparison.Ordinal);
        Assert.Contains("epoch=2 done step=4 train-loss=0.625", run.Output, StringComparison.Ordinal);
        Assert.Contains("\ntest samples=10 loss=", run.Output, StringComparison.Ordinal);
        Assert.Contains("\nparameters sha256=", run.Output, StringComparison.Ordinal);
        Assert.EndsWith($"\nrun folder {Run}\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_run_record_has_exactly_the_promised_keys_and_the_hash_of_the_stored_tensors()
    {
        await CliRun.Of("train", "--output", Run, "--seed", "7");
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Run, "run.json")));
        Assert.Equal(
            [
                "seed", "version", "machine", "dataHash", "reason", "epochs", "steps", "parameterHash", "metrics",
                "validation", "test",
            ],
            json.RootElement.EnumerateObject().Select(entry => entry.Name));
        Assert.Equal(
            ["trainLoss", "validationLoss", "testLoss", "testAccuracy", "samplesPerSecond", "peakMemoryBytes"],
            json.RootElement.GetProperty("metrics").EnumerateObject().Select(entry => entry.Name));
        Assert.Equal(7, json.RootElement.GetProperty("seed").GetInt32());
        Assert.True(json.RootElement.GetProperty("metrics").GetProperty("peakMemoryBytes").GetInt64() > 1_000_000);

        SafeTensors model = SafeTensorsFile.Read(Path.Combine(Run, "model.safetensors"));
        Assert.Equal(
            ["0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias"], model.Tensors.Select(
                tensor => tensor.Name));
        float[] flat = [.. model.Tensors.SelectMany(tensor => tensor.Values.ToArray())];
        Assert.Equal(ParameterHash.Compute(flat), json.RootElement.GetProperty("parameterHash").GetString());
    }

    [Fact]
    public async Task A_regression_reports_R2_in_place_of_accuracy()
    {
        CliRun run = await CliRun.Of("train", "--data", "concrete", "--output", Run);
        Assert.Equal(0, run.Code);
        Assert.Contains(" r2=", run.Output, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Run, "run.json")));
        JsonElement metrics = json.RootElement.GetProperty("metrics");
        Assert.True(metrics.TryGetProperty("testR2", out _));
        Assert.False(metrics.TryGetProperty("testAccuracy", out _));
    }

    [Fact]
    public async Task Metrics_are_one_object_a_line_and_curves_are_well_formed_SVG_with_a_legend()
    {
        await CliRun.Of("train", "--output", Run);
        string[] lines = File.ReadAllLines(Path.Combine(Run, "metrics.jsonl"));
        Assert.Equal(
            ["step", "epoch", "step", "epoch"], lines.Select(
                line => JsonDocument.Parse(line).RootElement.GetProperty("type").GetString()!));
        Assert.Equal(1.125, JsonDocument.Parse(lines[1]).RootElement.GetProperty("validationLoss").GetDouble());
        string[] table = File.ReadAllLines(Path.Combine(Run, "metrics.csv"));
        Assert.Equal(["type", "step", "epoch", "step", "epoch"], table.Select(line => line.Split(',')[0]));
        Assert.Equal("1.125", table[2].Split(',')[Array.IndexOf(table[0].Split(','), "validationLoss")]);

        XDocument svg = XDocument.Load(Path.Combine(Run, "curves.svg"));
        string text = string.Join(
            ' ', svg.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value));
        Assert.All(["training loss", "validation loss", "training accuracy", "validation accuracy", "epoch", "digits"],
            label => Assert.Contains(label, text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    public async Task The_culture_changes_no_byte_of_the_output_and_the_files(string culture)
    {
        CliRun plain = await CliRun.Of("train", "--output", Run, "--learning-rate", "0.0015");
        string other = Path.Combine(_folder, "run2");
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
        try
        {
            CliRun run = await Task.Run(() => CliRun.Of("train", "--output", other, "--learning-rate", "0.0015"));
            Assert.Equal(plain.Output.Replace(Run, other, StringComparison.Ordinal), run.Output);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        Assert.Equal(File.ReadAllText(Path.Combine(Run, "job.conf"))
            .Replace(Run, other, StringComparison.Ordinal), File.ReadAllText(Path.Combine(other, "job.conf")));
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(Run, "metrics.jsonl")),
            File.ReadAllBytes(Path.Combine(other, "metrics.jsonl")));
        Assert.Equal(
            File.ReadAllBytes(Path.Combine(Run, "curves.svg")), File.ReadAllBytes(Path.Combine(other, "curves.svg")));
    }

    [Fact]
    public async Task The_resolved_job_trains_again_and_a_run_can_be_started_from()
    {
        await CliRun.Of("train", "--output", Run, "--seed", "9", "--set", "optimizer.beta1=0.8");
        string job = Path.Combine(Run, "job.conf");
        Assert.Equal("0.8", JobFile.Read(JobSource.FromFile(job)).Job.Optimizer.Settings.All["beta1"]);
        string other = Path.Combine(_folder, "again");
        CliRun run = await CliRun.Of("train", "--config", job, "--init-from", Run, "--seed", "1", "--output", other);
        Assert.Equal(0, run.Code);
        Assert.Equal(ModelFile.Load(Path.Combine(Run, "model.safetensors"))
            .Parameters, ModelFile.Load(Path.Combine(other, "model.safetensors")).Parameters);
    }

    [Fact]
    public async Task A_folder_with_files_is_refused_and_left_alone()
    {
        await CliRun.Of("train", "--output", Run);
        byte[] model = File.ReadAllBytes(Path.Combine(Run, "model.safetensors"));
        CliRun run = await CliRun.Of("train", "--output", Run, "--seed", "5");
        Assert.Equal(2, run.Code);
        Assert.StartsWith(
            $"error: --output: {Run} is not empty and holds a run; name a new or empty folder.", run.Error,
            StringComparison.Ordinal);
        Assert.Equal(model, File.ReadAllBytes(Path.Combine(Run, "model.safetensors")));
    }

    [Theory]
    [InlineData(FailureKind.Diverged, 5)]
    [InlineData(FailureKind.Quorum, 6)]
    [InlineData(FailureKind.Disk, 7)]
    public async Task A_failed_run_leaves_nothing_and_its_kind_is_the_exit_code(FailureKind kind, int code)
    {
        CliRun run = await CliRun.Of(
            new CliServices
            {
                Data = new FakeData(),
                Train = (_, _, _, _, _, _) =>
            throw new DistTrainerException(kind, "It failed.")
            }, ["train", "--output", Run]);
        Assert.Equal((code, "error: It failed.\n"), (run.Code, run.Error));
        Assert.False(Directory.Exists(Run));
    }

    [Fact]
    public async Task A_fault_of_the_program_is_one_line_without_a_stack_trace()
    {
        CliRun run = await CliRun.Of(
            new CliServices
            {
                Data = new FakeData(),
                Train = (_, _, _, _, _, _) =>
            throw new InvalidOperationException("odd\nthing")
            }, ["train", "--output", Run]);
        Assert.Equal(1, run.Code);
        Assert.Equal(
            "error: This is a fault of disttrainer: InvalidOperationException: odd thing (DISTTRAINER_DEBUG=1 shows "
            + "where)\n", run.Error);
    }

    [Theory]
    [InlineData(130)]
    [InlineData(143)]
    public async Task A_signal_writes_the_model_says_how_to_go_on_and_gives_its_exit_code(int code)
    {
        using StopSignals signals = new();
        TrainRun train = (job, data, options, initial, observer, stop) =>
        {
            Assert.True(signals.Raise(code));
            Assert.False(signals.Raise(code));
            return CliRun.FakeTrainer(job, data, options, initial, observer, stop);
        };
        CliRun run = await CliRun.Of(
            new CliServices { Data = new FakeData(), Train = train }, ["train", "--output", Run], signals);
        Assert.Equal(code, run.Code);
        Assert.Contains($"--init-from {Run}", run.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Run, "model.safetensors")));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_ends_with_the_disk_s_code_before_training()
    {
        CliRun run = await CliRun.Of(
            new CliServices
            {
                Data = new FakeData(),
                Train = (_, _, _, _, _, _) =>
            throw new InvalidOperationException("trained")
            }, ["train", "--output", "/proc/nowhere/run"]);
        Assert.Equal(7, run.Code);
        Assert.StartsWith("error: --output: /proc/nowhere/run cannot be made", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_decide_which_built_in_job_is_taken()
    {
        var data = new FakeData();
        var services = new CliServices { Data = data, Train = CliRun.FakeTrainer };
        CliRun classes = await CliRun.Of(services, ["config", "validate", "--print", "--data", "my.csv"]);
        Assert.Contains("kind = cross-entropy", classes.Output, StringComparison.Ordinal);
        CliRun numbers = await CliRun.Of(services, ["config", "validate", "--print", "--data", "numbers.csv"]);
        Assert.Contains("kind = mean-squared-error", numbers.Output, StringComparison.Ordinal);
        Assert.Contains("source = \"numbers.csv\"", numbers.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bad_data_end_with_the_data_s_code_and_leave_nothing()
    {
        CliRun run = await CliRun.Of("train", "--data", "missing.csv", "--output", Run);
        Assert.Equal(
            (3, "error: missing.csv:3:7: \"abc\" is not a number; allowed: a finite number.\n"), (run.Code, run.Error));
        Assert.False(Directory.Exists(Run));
    }
}
