using System.CommandLine;
using DistTrainer.Cli.Commands;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Engine;
using Xunit;

namespace DistTrainer.Cli.Tests;

public sealed class NodeOptionsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("node").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Each_setting_has_an_option_that_says_meaning_range_default_and_variable()
    {
        var command = new Command("node");
        new NodeOptions().AddTo(command);
        Assert.Equal(
            ["--config", .. NodeKeys.Knobs.Select(knob => knob.Flag)], command.Options.Select(option => option.Name));
        Assert.All(NodeKeys.Knobs, knob =>
        {
            string help = command.Options.Single(option => option.Name == knob.Flag).Description!;
            Assert.Contains(knob.Info.Meaning, help, StringComparison.Ordinal);
            Assert.Contains($"Default: {knob.Info.Default}. Variable: {knob.Variable}", help, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Options_win_over_variables_and_those_over_the_file_that_a_variable_may_name()
    {
        string file = Path.Combine(_folder, "cluster.hocon");
        File.WriteAllText(file, "disttrainer.node {\n  workers = 2\n  min-workers = 2\n  max-workers = 2\n}");
        var environment = new Dictionary<string,
            string>
        {
            ["DISTTRAINER_CONFIG"] = file,
            ["DISTTRAINER_MIN_WORKERS"] = "1",
            ["DISTTRAINER_MAX_WORKERS"] = "3"
        };
        NodeSettings settings = Read(environment, "--max-workers", "4");
        Assert.Equal((2, 1, 4), (settings.Workers, settings.MinWorkers, settings.MaxWorkers));
        Assert.Equal(4096, Read([], "--max-workers", "4096").MaxWorkers);
    }

    [Fact]
    public void Lists_are_given_with_commas_or_by_repeating_and_a_switch_stands_alone()
    {
        NodeSettings settings = Read(
            [], "--role", "server", "--role", "worker", "--seed-node", "a:1,b:2", "--exit-when-done");
        Assert.Equal([NodeRole.Server, NodeRole.Worker], settings.Roles);
        Assert.Equal([new SeedNode("a", 1), new SeedNode("b", 2)], settings.SeedNodes);
        Assert.True(settings.ExitWhenDone);
        Assert.False(Read(new() { ["DISTTRAINER_EXIT_WHEN_DONE"] = "true" }, "--exit-when-done", "false").ExitWhenDone);
    }

    [Theory]
    [InlineData("--workers: disttrainer.node.workers = \"0\" is out of range", "--workers", "0")]
    [InlineData(
        "--workers: disttrainer.node.workers = \"1,2\" is not a whole number", "--workers", "1", "--workers", "2")]
    [InlineData("--name: disttrainer.node.name = \"\"", "--name", "")]
    [InlineData("--role: disttrainer.node.role = \"boss\"", "--role", "boss")]
    [InlineData("nowhere.hocon: cannot be read", "--config", "nowhere.hocon")]
    public void A_wrong_option_is_named(string expected, params string[] args)
    {
        DistTrainerException failure = Assert.Throws<DistTrainerException>(() => Read([], args));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    private static NodeSettings Read(Dictionary<string, string> environment, params string[] args)
    {
        var options = new NodeOptions();
        var command = new Command("node");
        options.AddTo(command);
        return options.Read(command.Parse(args), environment);
    }
}
