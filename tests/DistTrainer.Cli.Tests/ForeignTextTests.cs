using DistTrainer.Cli.Runs;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using Spectre.Console;
using Xunit;

namespace DistTrainer.Cli.Tests;

/// <summary>Names of others on their way to people and to programs.</summary>
public sealed class ForeignTextTests : IDisposable
{
    private const string Evil = "a\u001b]0;x\u0007\u202eb";
    private const string Shown = "a\\u001b]0;x\\u0007\\u202eb";
    private readonly string _folder = Directory.CreateTempSubdirectory("disttrainer-foreign-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("data", "inspect", Evil)]
    [InlineData("train", "--data", Evil)]
    [InlineData("train", $"--{Evil}")]
    [InlineData("train", "--set", $"{Evil}=1")]
    [InlineData("train", "--config", Evil)]
    [InlineData("predict", Evil, "--data", "iris")]
    [InlineData("evaluate", Evil)]
    [InlineData("inspect", Evil)]
    [InlineData("plot", Evil)]
    public async Task An_error_shows_what_a_terminal_would_obey(params string[] args)
    {
        CliRun run = await CliRun.Of(new CliServices(), args);
        Assert.NotEqual(0, run.Code);
        Assert.Contains("\\u001b]0;x\\u0007\\u202e", run.Error, StringComparison.Ordinal);
        AssertPrintable(run.Error);
        AssertPrintable(run.Output);
    }

    [Fact]
    public async Task Columns_and_classes_are_shown_to_people_and_exact_for_programs()
    {
        string data = Path.Combine(_folder, "x.csv"), model = Path.Combine(_folder, "run");
        File.WriteAllLines(
            data, [$"{Evil},c\u009b31m,y", .. Enumerable.Range(0, 40)
            .Select(i => $"{i},{i * i},{(i % 2 == 0 ? Evil : "plain")}")]);
        foreach (string[] args in (string[][])[["data", "inspect", data],
            ["train", "--data", data, "--epochs", "1", "--output", model, "--log-level", "debug"], ["inspect", model],
            ["evaluate", model]])
        {
            CliRun run = await CliRun.Of(new CliServices(), args);
            Assert.Equal(0, run.Code);
            AssertPrintable(run.Output);
            AssertPrintable(run.Error);
        }
        CliRun inspected = await CliRun.Of(new CliServices(), ["inspect", model]);
        Assert.Contains($"classes     {Shown}, plain", inspected.Output, StringComparison.Ordinal);
        CliRun csv = await CliRun.Of(new CliServices(), ["predict", model, "--data", data]);
        Assert.StartsWith($"class,probability_{Evil},probability_plain\n", csv.Output, StringComparison.Ordinal);
        CliRun json = await CliRun.Of(new CliServices(), ["predict", model, "--data", data, "--format", "json"]);
        using var parsed = System.Text.Json.JsonDocument.Parse(json.Output);
        Assert.True(parsed.RootElement[0].GetProperty("probabilities").TryGetProperty(Evil, out _));
    }

    [Fact]
    public void Lines_of_the_console_stay_lines_and_tabs_and_pairs_stay()
    {
        using var text = new StringWriter();
        var console = new CliConsole(text, text);
        console.Output.WriteLine("a\tb\nc \ud83d\ude00 \ud83d");
        console.Error.Write("d\ne\u001b\n");
        Assert.Equal($"a\tb\\u000ac \ud83d\ude00 \\ud83d{Environment.NewLine}d\ne\\u001b\n", text.ToString());
        Assert.Same(text, console.Machine);
    }

    [Fact]
    public async Task A_live_view_shows_foreign_names_and_keeps_its_own_colors()
    {
        using var text = new StringWriter();
        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Out = new AnsiConsoleOutput(text),
        });
        var console = new CliConsole(text, text, terminal);
        console.Terminal!.Write(new Markup($"[red]{Markup.Escape(Evil)}[/]\n"));
        await console.Terminal.Live(new Text("")).StartAsync(context =>
        {
            context.UpdateTarget(new Text(Evil, new Style(Color.Green)));
            return Task.CompletedTask;
        });
        string drawn = text.ToString();
        Assert.DoesNotContain("\u001b]0;", drawn, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', drawn);
        Assert.True(drawn.Split(Shown).Length > 2, drawn); // the line, and the view each time that it is drawn
        Assert.Matches("\u001b\\[[0-9;]+m", drawn);
        Assert.Same(console.Output, console.Machine);
    }

    [Fact]
    public void A_picture_of_a_run_with_an_odd_name_is_drawn() =>
        Assert.Contains(
            Shown, CurvesPicture.Draw(Evil, [], [new StepReport(1, 1, 2, 4, 1.5, null, 1e-3, 0.5, 10, default)]),
            StringComparison.Ordinal);

    private static void AssertPrintable(string text) => Assert.Equal(Printable.Lines(text), text);
}
