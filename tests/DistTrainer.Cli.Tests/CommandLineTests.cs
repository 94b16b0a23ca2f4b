using System.Text.Json;
using DistTrainer.Engine.Files;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cli.Tests;

public sealed class CommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cli").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("train")]
    [InlineData("evaluate")]
    [InlineData("predict")]
    [InlineData("serve")]
    [InlineData("export")]
    [InlineData("plot")]
    [InlineData("inspect")]
    [InlineData("data")]
    [InlineData("data", "fetch")]
    [InlineData("data", "list")]
    [InlineData("data", "inspect")]
    [InlineData("config")]
    [InlineData("config", "init")]
    [InlineData("config", "validate")]
    [InlineData("env")]
    public async Task Every_command_has_help(params string[] command)
    {
        CliRun run = await CliRun.Of([.. command, "--help"]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_command_the_help_is_printed_and_help_prints_that_of_any_command()
    {
        CliRun asked = await CliRun.Of("--help");
        Assert.Contains("help <COMMAND>", asked.Output, StringComparison.Ordinal);
        Assert.Equal(asked, await CliRun.Of());
        Assert.Equal(asked, await CliRun.Of("help"));
        Assert.Equal((asked.Code, ""), (0, asked.Error));
        Assert.Equal(await CliRun.Of("train", "--help"), await CliRun.Of("help", "train"));
        Assert.Equal(await CliRun.Of("data", "fetch", "--help"), await CliRun.Of("help", "data", "fetch"));
    }

    [Fact]
    public async Task The_help_of_health_lists_what_it_uses_and_no_other_setting_of_a_node()
    {
        string help = (await CliRun.Of("health", "--help")).Output;
        string[] options = [.. help.Split('\n').Select(line => line.TrimStart())
            .Where(line => line.StartsWith("--", StringComparison.Ordinal)).Select(line => line.Split(' ')[0])];
        Assert.Equal(["--config", "--cluster-host", "--data-host", "--data-port", "--security-folder"], options);
    }

    [Theory]
    [InlineData("validation-loss", "run validation")]
    [InlineData("validationLoss", "run validation")]
    [InlineData("train-accuracy", "run training")]
    [InlineData("training accuracy", "run training")]
    [InlineData("train/gradient-norm", "gradient-norm of 1 run")]
    [InlineData("samples/s", "samples-per-second of 1 run")]
    [InlineData("computeMilliseconds", "compute-milliseconds of 1 run")]
    public async Task A_figure_is_drawn_by_any_name_that_a_person_has_met(string metric, string expected)
    {
        string run = Path.Combine(_folder, "run"), picture = Path.Combine(_folder, "picture.svg");
        await CliRun.Of("train", "--output", run, "--quiet");
        CliRun drawn = await CliRun.Of("plot", run, "--metric", metric, "--output", picture);
        Assert.Equal((0, ""), (drawn.Code, drawn.Error));
        Assert.Contains(expected, File.ReadAllText(picture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data.test-fraction=0",
        "warning: the test part has no rows (data.test-fraction = 0 of 50 rows): there will be no test figures")]
    [InlineData(
        "data.source=tiny",
        "warning: the validation part has no rows (data.validation-fraction = 0.1 of 50 rows): there will be no "
        + "validation figures, and no checkpoint counts as a best one")]
    [InlineData("optimizer.kind=adamw,regularization.decoupled-weight-decay=0",
        "warning: optimizer.kind = adamw without decay (regularization.decoupled-weight-decay = 0) is adam")]
    public async Task What_may_not_be_meant_is_one_line_of_warning(string settings, string expected)
    {
        CliRun run = await CliRun.Of(
            ["train", "--output", Path.Combine(_folder, "run"), "--quiet", .. settings.Split(',')
            .SelectMany(setting => (string[])["--set", setting])]);
        Assert.Equal((0, expected + "\n"), (run.Code, run.Error));
    }

    [Fact]
    public async Task The_help_of_train_says_defaults_ranges_and_units()
    {
        string help = string.Join(
            ' ', (await CliRun.Of("train", "--help"))
            .Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains(
            "Samples of one step over all workers: a whole number from 1 to 10000000. Default: 32", help,
            StringComparison.Ordinal);
        Assert.Contains("Default: the number of cores", help, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("error: Unrecognized command or argument '--epoch'. (did you mean --epochs?)", "train", "--epoch", "3")]
    [InlineData("did you mean train?", "trian")]
    [InlineData("--epochs: training.epochs = \"many\" is not a whole number", "train", "--epochs", "many")]
    [InlineData("--batch-size: training.batch-size = \"0\" is out of range", "train", "--batch-size", "0")]
    [InlineData("--learning-rate: optimizer.learning-rate = \"NaN\"", "train", "--learning-rate", "NaN")]
    [InlineData(
        "--optimizer: optimizer.kind = \"adm\" is not known (did you mean adam?)", "train", "--optimizer", "adm")]
    [InlineData("--shuffle: training.shuffle = \"maybe\"", "train", "--shuffle", "maybe")]
    [InlineData("--set: \"novalue\" has no key and value", "train", "--set", "novalue")]
    [InlineData("did you mean training.epochs?", "train", "--set", "training.epoch=1")]
    [InlineData("--log-format", "train", "--log-format", "xml")]
    [InlineData("nowhere.conf: cannot be read", "train", "--config", "nowhere.conf")]
    [InlineData("--data", "predict", "model")]
    [InlineData("error:", "data")]
    [InlineData("help: there is no command trian (did you mean train?)", "help", "trian")]
    [InlineData("help: there is no command data lst (did you mean list?)", "help", "data", "lst")]
    [InlineData("--metric: \"los\" is not known (did you mean loss?); allowed: loss, accuracy, train-loss", "plot",
        "run", "--metric", "los")]
    [InlineData("--role", "health", "--role", "server")]
    public async Task A_wrong_command_line_is_one_line_with_code_2(string expected, params string[] args)
    {
        CliRun run = await CliRun.Of(args);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected.Replace("'. (", "' (", StringComparison.Ordinal), run.Error, StringComparison.Ordinal);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Theory]
    [InlineData("evaluate")]
    [InlineData("inspect")]
    public async Task A_missing_model_ends_with_code_4(string command)
    {
        CliRun run = await CliRun.Of(command, Path.Combine(_folder, "none"));
        Assert.Equal(4, run.Code);
        Assert.StartsWith("error: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_template_of_config_init_is_a_valid_job()
    {
        foreach (string name in new[] { "digits", "concrete", "fashion-mnist" })
        {
            string path = Path.Combine(_folder, name + ".conf");
            Assert.Equal(0, (await CliRun.Of("config", "init", "--for", name, "--output", path)).Code);
            Assert.Equal(2, (await CliRun.Of("config", "init", "--output", path)).Code);
            CliRun run = await CliRun.Of("config", "validate", "--config", path);
            Assert.Equal((0, $"{name}: fine, 3 layers\n"), (run.Code, run.Output));
        }
    }

    [Fact]
    public async Task A_model_of_several_members_is_inspected_member_by_member_predicts_and_is_exported()
    {
        string run = Path.Combine(_folder, "run"), onnx = Path.Combine(_folder, "model.onnx");
        Assert.Equal(0, (await CliRun.Of("train", "--output", run, "--set", "model.members=2")).Code);
        CliRun inspected = await CliRun.Of("inspect", run);
        Assert.Contains("layer members.0.0 dense 2→256", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("  members.1.0.weight [256, 2] count=512 mean=", inspected.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await CliRun.Of("predict", run, "--data", "rows.csv")).Code);
        Assert.Equal(0, (await CliRun.Of("export", run, "--output", onnx)).Code);
        Assert.Contains(
            "members = 2", await File.ReadAllTextAsync(Path.Combine(run, "job.conf")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_is_evaluated_inspected_and_predicts_in_CSV_and_JSON()
    {
        string run = Path.Combine(_folder, "run");
        await CliRun.Of("train", "--output", run);
        CliRun evaluated = await CliRun.Of("evaluate", run);
        Assert.StartsWith("test samples=10 loss=", evaluated.Output, StringComparison.Ordinal);
        Assert.Contains("\nfigures balanced-accuracy=", evaluated.Output, StringComparison.Ordinal);
        Assert.Contains("\nclass name=\"yes\" samples=", evaluated.Output, StringComparison.Ordinal);
        Assert.Contains("\nconfusion name=\"no\" predicted=", evaluated.Output, StringComparison.Ordinal);
        using (var told = JsonDocument.Parse((await CliRun.Of("evaluate", run, "--json")).Output))
        using (var ended = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(run, "run.json"))))
        {
            JsonElement figures = told.RootElement, test = ended.RootElement.GetProperty("test");
            Assert.Equal(10, figures.GetProperty("samples").GetInt32());
            Assert.Equal(
                figures.GetProperty("confusion").EnumerateArray().Sum(
                    row => row.EnumerateArray().Sum(cell => cell.GetInt32())), figures.GetProperty("samples").GetInt32());
            foreach (string name in new[] { "accuracy", "balancedAccuracy", "logLoss", "f1Macro" })
                Assert.Equal(figures.GetProperty(name).GetDouble(), test.GetProperty(name).GetDouble());
        }

        CliRun inspected = await CliRun.Of("inspect", Path.Combine(run, "model.safetensors"));
        Assert.Contains("layer 0 dense 2→256", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("  0.weight [256, 2] count=512 mean=", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("zeros=100.0 %", inspected.Output, StringComparison.Ordinal);

        string[] csv = (await CliRun.Of("predict", run, "--data", "rows.csv")).Output.TrimEnd('\n').Split('\n');
        Assert.Equal("class,probability_no,probability_yes", csv[0]);
        Assert.Equal(4, csv.Length);
        Assert.All(
            csv.Skip(1), line =>
            Assert.Equal(
                1, line.Split(',').Skip(1)
                .Sum(text => double.Parse(text, System.Globalization.CultureInfo.InvariantCulture)), 5));

        string onnx = Path.Combine(_folder, "model.onnx");
        CliRun exported = await CliRun.Of("export", run, "--output", onnx);
        Assert.StartsWith(
            $"{onnx}: input=features[rows,2] output=predictions[rows,2] parameters sha256=", exported.Output,
            StringComparison.Ordinal);
        Assert.True(new FileInfo(onnx).Length > 0);

        string picture = Path.Combine(_folder, "both.svg");
        Assert.Equal(0, (await CliRun.Of("train", "--seed", "2", "--output", run + "-2")).Code);
        Assert.Equal(0, (await CliRun.Of("plot", run, run + "-2", "--metric", "accuracy", "--output", picture)).Code);
        string svg = File.ReadAllText(picture);
        Assert.Contains("run validation", svg, StringComparison.Ordinal);
        Assert.Contains("run-2 training", svg, StringComparison.Ordinal);
        CliRun nothing = await CliRun.Of("plot", _folder);
        Assert.Equal(2, nothing.Code);
        Assert.Contains("has no metrics.jsonl", nothing.Error, StringComparison.Ordinal);

        string path = Path.Combine(_folder, "predictions.json");
        Assert.Equal(
            0, (await CliRun.Of("predict", run, "--data", "rows.csv", "--format", "json", "--output", path)).Code);
        using var json = System.Text.Json.JsonDocument.Parse(File.ReadAllText(path));
        Assert.Equal(3, json.RootElement.GetArrayLength());
        Assert.Contains(json.RootElement[0].GetProperty("class").GetString(), new[] { "no", "yes" });
    }

    [Fact]
    public async Task Regression_predictions_are_scaled_back()
    {
        string run = Path.Combine(_folder, "run");
        await CliRun.Of("train", "--data", "concrete", "--output", run);
        string model = Path.Combine(run, "model.safetensors");
        TrainedModel saved = ModelFile.Load(model);
        ModelFile.Save(model, saved.Job, saved.Schema, saved.Network.Layout, new float[saved.Parameters.Length]);
        string[] csv = (await CliRun.Of("predict", run, "--data", "rows.csv")).Output.TrimEnd('\n').Split('\n');
        Assert.Equal(["target", "10", "10", "10"], csv);
    }

    [Fact]
    public async Task A_damaged_model_ends_with_code_4_and_a_foreign_one_says_so()
    {
        string run = Path.Combine(_folder, "run");
        await CliRun.Of("train", "--output", run);
        string model = Path.Combine(run, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(model);
        bytes[^2] ^= 1;
        File.WriteAllBytes(model, bytes);
        CliRun damaged = await CliRun.Of("inspect", run);
        Assert.Equal(4, damaged.Code);
        Assert.Contains("hash is not the one that was stored", damaged.Error, StringComparison.Ordinal);

        SafeTensorsFile.Write(
            model, new SafeTensors(new Dictionary<string, string>(), [new NamedTensor("0.weight", [1], new float[1])]));
        CliRun foreign = await CliRun.Of("inspect", run);
        Assert.Equal(4, foreign.Code);
        Assert.Contains("was not written by disttrainer", foreign.Error, StringComparison.Ordinal);
        CliRun misfit = await CliRun.Of("train", "--init-from", model, "--output", Path.Combine(_folder, "other"));
        Assert.Equal(4, misfit.Code);
        Assert.Contains(
            "0.weight of shape [1]; the job's network needs [256, 2]", misfit.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_are_listed_fetched_and_described()
    {
        Assert.Contains(
            "`disttrainer data fetch fashion-mnist` gets it", (await CliRun.Of("data", "list"))
            .Output, StringComparison.Ordinal);
        CliRun fetched = await CliRun.Of("data", "fetch", "digits", "--cache", "/x");
        Assert.Equal((0, "data folder /x\n", "fetched one file\n"), (fetched.Code, fetched.Output, fetched.Error));
        CliRun inspected = await CliRun.Of("data", "inspect", "digits");
        Assert.Contains("samples   40\n", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("classes   no: 20, yes: 20\n", inspected.Output, StringComparison.Ordinal);
        Assert.Contains("\na                        minimum=-", inspected.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_environment_is_printed()
    {
        CliRun run = await CliRun.Of("env");
        Assert.Equal(0, run.Code);
        Assert.All(
            ["version ", "runtime ", "cores ", "vectors ", "memory ", "data cache "], name =>
            Assert.Contains(name, run.Output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(new float[] { 1, 1, 1 }, 0)]
    [InlineData(new float[] { 0, 0, 2, -2 }, 0.5)]
    [InlineData(new float[] { 5 }, 0)]
    public void Tensor_figures_hold_for_constant_and_tiny_tensors(float[] values, double zeros)
    {
        TensorFigures figures = TensorFigures.Of(values);
        Assert.Equal(zeros, figures.ZeroShare);
        Assert.Equal(24, figures.Histogram.Length);
        Assert.Equal(values.Average(), figures.Mean, 6);
    }
}
