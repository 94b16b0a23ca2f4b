using System.Globalization;
using System.Text.Json;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>The shipped data, the real readers and the real actors.</summary>
public sealed class RealRunTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cli").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_default_command_learns_the_digits_to_97_percent_and_evaluate_finds_the_same()
    {
        string path = Path.Combine(_folder, "run");
        CliRun run = await CliRun.Of(new CliServices(), ["train", "--output", path, "--log-level", "warning"]);
        Assert.Equal((0, ""), (run.Code, run.Error));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(path, "run.json")));
        JsonElement metrics = json.RootElement.GetProperty("metrics");
        Assert.InRange(metrics.GetProperty("testAccuracy").GetDouble(), 0.97, 1);

        CliRun evaluated = await CliRun.Of(new CliServices(), ["evaluate", path]);
        string expected = string.Create(
            CultureInfo.InvariantCulture,
            $"test samples=359 loss={metrics.GetProperty("testLoss").GetDouble():G6} "
            + $"accuracy={metrics.GetProperty("testAccuracy").GetDouble():G6}\n");
        Assert.StartsWith(expected, evaluated.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_hash_is_the_same_for_any_number_of_workers_and_parameter_shards()
    {
        string[] hashes = await Task.WhenAll(new[] { (1, 1), (3, 2) }.Select(Hash));
        Assert.Single(hashes.Distinct());

        async Task<string> Hash((int Workers, int ParameterShards) cut)
        {
            string[] args =
            [
                "train", "--data", "iris", "--max-steps", "30", "--quiet", "--output", Path.Combine(
                    _folder, $"run{cut.Workers}"),
                "--workers", Numbers.Text(cut.Workers), "--parameter-shards", Numbers.Text(cut.ParameterShards),
            ];
            CliRun run = await CliRun.Of(new CliServices(), args);
            Assert.Equal((0, ""), (run.Code, run.Error));
            return run.Output.Split('\n')
                .Single(line => line.StartsWith("parameters sha256=", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Log_lines_of_the_actors_are_whole_lines_of_JSON_where_asked_for()
    {
        CliRun run = await CliRun.Of(
            new CliServices(), ["train", "--data", "iris", "--epochs", "2", "--log-format", "json", "--log-level",
            "debug", "--output", Path.Combine(_folder, "run")]);
        Assert.Equal(0, run.Code);
        string[] actors = [.. run.Error.TrimEnd('\n').Split('\n')
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("actor").GetString()!).Distinct()];
        Assert.Contains("run", actors);
    }

    [Fact]
    public async Task A_diverging_run_ends_with_code_5_and_leaves_nothing()
    {
        string path = Path.Combine(_folder, "run");
        CliRun run = await CliRun.Of(
            new CliServices(),
            ["train", "--data", "iris", "--optimizer", "sgd", "--learning-rate", "1e30", "--quiet", "--output", path]);
        Assert.Equal(5, run.Code);
        Assert.Contains("error: step 2", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(path));
    }
}
