using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Protocol;
using Spectre.Console;
using Xunit;

namespace DistTrainer.Cli.Tests.Watch;

public sealed class LiveViewTests
{
    private const int Width = 110;

    [Fact]
    public async Task Progress_curves_workers_servers_and_the_last_events_are_in_the_picture()
    {
        string picture = await DrawAsync(new FakeControl(), 2.5, ["10:00:00.000 WRN [run] worker-slow worker=1"]);
        Assert.Contains(
            "made-up  running  epoch 3/100  step 30/1,000  generation 4", picture, StringComparison.Ordinal);
        Assert.Contains("3.0 %  0:06:28 left", picture, StringComparison.Ordinal);
        Assert.Matches("loss +0.75 +[▁▂▃▄▅▆▇█]{30}", picture);
        Assert.Matches(@"accuracy +50\.00 %", picture);
        Assert.Matches(@"0 +worker-0/abc +running +0–1 +333 +1\.5 +2\.5 +0 ", picture);
        Assert.Matches(@"1 +worker-1/abc +slow +2–3 +333 +9 +2\.5 +7\.5 ", picture);
        Assert.Contains(
            "server server-1/abc (leads)  parameter shards #0  replicas of #1", picture, StringComparison.Ordinal);
        Assert.Contains(
            "server server-2/abc  parameter shards #1  replicas of #0  cannot be reached", picture,
            StringComparison.Ordinal);
        Assert.Contains("worker-slow worker=1", picture, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_long_event_is_cut_and_many_workers_are_counted()
    {
        string picture = await DrawAsync(
            new FakeControl { Workers = 32 }, 0, [$"10:00:00.000 INF [run] {new string('x', 500)}"]);
        Assert.All(picture.Split('\n'), line => Assert.InRange(line.TrimEnd('\r').Length, 0, Width));
        Assert.Contains("…", picture, StringComparison.Ordinal);
        Assert.Contains("and 16 workers more", picture, StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_who_answers_is_said()
    {
        Assert.Contains(
            "nobody answers", Text(LiveView.Draw("host:1", null, [], 0, [], Width)), StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_run_is_shown_where_there_is_none()
    {
        var ended = new LastRun("abc", "digits", "failed", default, 1234, null, "The gradient is not finite.");
        string picture = Text(
            LiveView.Draw("host:1", new ClusterStatus(null, [], "node-1", null, ended), [], 0, [], Width));
        Assert.Contains("host:1  no run", picture, StringComparison.Ordinal);
        Assert.Contains(
            "last run digits (abc): failed after 1,234 steps: The gradient is not finite.", picture,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Status_lines_have_the_last_run_with_its_end_steps_and_hash_or_reason()
    {
        DateTime at = new(2026, 1, 31, 20, 5, 31, DateTimeKind.Utc);
        Assert.Equal("run=none", Assert.Single(StatusText.Of(new ClusterStatus(null, [], "node-1"))));
        Assert.Equal(
            ["run=none",
                "last-run=abc name=digits end=completed at=2026-01-31T20:05:31Z steps=1600 parameters-sha256=6a56"],
            StatusText.Of(
                new ClusterStatus(
                    null, [], "node-1", null, new LastRun("abc", "digits", "completed", at, 1600, "6a56", null))));
        Assert.Equal(
            ["run=none waiting=\"next, for its data\"",
                "last-run=abc name=digits end=failed at=2026-01-31T20:05:31Z steps=7 reason=\"it diverged\""],
            StatusText.Of(
                new ClusterStatus(
                    null, [], "node-1", "next, for its data", new LastRun(
                        "abc", "digits", "failed", at, 7, null, "it diverged"))));
    }

    [Fact]
    public void A_line_of_bars_goes_from_the_least_to_the_most()
    {
        Assert.Equal("▁▅█", LiveView.Spark([1, 3, 5]));
        Assert.Equal("▁▁", LiveView.Spark([2, 2]));
        Assert.Equal("", LiveView.Spark([double.NaN]));
        Assert.Equal(40, LiveView.Spark(Enumerable.Range(0, 500).Select(value => (double)value)).Length);
    }

    [Fact]
    public async Task Where_the_run_is_led_elsewhere_its_course_comes_from_the_statuses()
    {
        var control = new FakeControl();
        var watch = new RunWatch();
        foreach (long step in (long[])[10, 20, 20, 30])
        {
            control.Last = Reports.Step(step, 1);
            watch.Follow(await control.StatusAsync());
        }
        Assert.Equal([10, 20, 30], watch.Since(default).Points.Select(point => point.Report.Step));
        control.Last = Reports.Step(15, 1);
        watch.Follow(await control.StatusAsync());
        Assert.Equal([10, 15], watch.Since(default).Points.Select(point => point.Report.Step));
    }

    private static async Task<string> DrawAsync(FakeControl control, double stepsPerSecond, string[] lines) =>
        Text(LiveView.Draw(
            "name", await control.StatusAsync(),
            [.. Enumerable.Range(1, 30).Select(step => new RunPoint(Reports.Step(step, 1.0 / step), 1))],
            stepsPerSecond, lines, Width));

    private static string Text(Spectre.Console.Rendering.IRenderable picture)
    {
        var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = Width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(picture);
        return text.ToString();
    }
}
