using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Logging;
using Xunit;
using LogEvent = DistTrainer.Cluster.Logging.LogEvent;

namespace DistTrainer.Cluster.Tests.Logging;

public class LineLoggerTests
{
    [Theory]
    [InlineData("")]
    [InlineData("de-DE")]
    public async Task A_text_line_names_time_level_actor_and_values_in_any_culture(string culture)
    {
        string line = Assert.Single(await Log(LogFormat.Text, LogThreshold.Info, culture));
        Assert.Matches(new Regex(@"^\d\d:\d\d:\d\d\.\d\d\d WRN \[chatter\] epoch=1 loss=0\.25 text=a \| b$"), line);
    }

    [Fact]
    public async Task A_JSON_line_has_the_named_values_as_numbers()
    {
        string line = Assert.Single(await Log(LogFormat.Json, LogThreshold.Warning, "tr-TR"));
        using JsonDocument json = JsonDocument.Parse(line);
        Assert.Equal("warning", json.RootElement.GetProperty("level").GetString());
        Assert.Equal("chatter", json.RootElement.GetProperty("actor").GetString());
        Assert.Equal(0.25, json.RootElement.GetProperty("values").GetProperty("Loss").GetDouble());
        Assert.Equal(1, json.RootElement.GetProperty("values").GetProperty("Epoch").GetInt32());
    }

    [Theory]
    [InlineData(LogFormat.Text)]
    [InlineData(LogFormat.Json)]
    public void What_a_terminal_would_obey_is_shown_in_both_formats_and_values_stay_exact(LogFormat format)
    {
        const string Evil = "a\u001b]0;x\u0007\u009b\u202eb\nc\ud800";
        var entry = new Info(null, "akka://disttrainer/user/run", typeof(LineLoggerTests),
            new LogEvent(DefaultLogMessageFormatter.Instance, "run-submitted name=\"{Name}\"", [Evil]));
        string line = LogLine.Of(entry, format);
        Assert.DoesNotContain(line, c => char.IsControl(c) || char.IsSurrogate(c) || c is '\u202e');
        if (format == LogFormat.Text)
        {
            Assert.EndsWith(
                "run-submitted name=\"a\\u001b]0;x\\u0007\\u009b\\u202eb | c\\ud800\"", line, StringComparison.Ordinal);
            return;
        }
        using JsonDocument json = JsonDocument.Parse(line);
        Assert.Equal(
            "run-submitted name=\"a\\u001b]0;x\\u0007\\u009b\\u202eb | c\\ud800\"",
            json.RootElement.GetProperty("message").GetString());
        Assert.Equal(
            Evil.Replace('\ud800', '\ufffd'), json.RootElement.GetProperty("values").GetProperty("name").GetString());
    }

    [Fact]
    public void An_event_has_a_name_and_fields_with_values_or_texts_of_their_own()
    {
        var fact = new LogEvent(
            DefaultLogMessageFormatter.Instance,
            "waiting-for who=\"{Who}\" for=start epoch=1 seconds={Seconds:F1} reason=\"not finite\"", ["a b", 2.25]);
        Assert.Equal("waiting-for", fact.Name);
        Assert.Equal(
            [("who", "a b"), ("for", "start"), ("epoch", 1L), ("seconds", 2.25), ("reason", (object?)"not finite")],
            fact.Fields.Select(part => (part.Key, part.Value)));
        Assert.Equal("waiting-for who=\"a b\" for=start epoch=1 seconds=2.2 reason=\"not finite\"", fact.ToString());
    }

    [Fact]
    public async Task A_line_below_the_threshold_is_not_printed() =>
        Assert.Empty(await Log(LogFormat.Text, LogThreshold.Error, ""));

    [Theory]
    [InlineData("[akka://disttrainer/user/server/shard-2#17]", "server/shard-2#17]")]
    [InlineData("akka://disttrainer/user/coordinator", "coordinator")]
    [InlineData("ActorSystem(disttrainer)", "ActorSystem")]
    public void The_actor_s_name_is_the_last_part_of_its_path(string source, string expected) =>
        Assert.Equal(expected, LogLine.ActorOf(source));

    private static async Task<IReadOnlyList<string>> Log(LogFormat format, LogThreshold threshold, string culture)
    {
        ConcurrentQueue<string> lines = [];
        using var output = new LogOutput(format, threshold, lines.Enqueue);
        using ActorSystem system = ActorSystem.Create("disttrainer", output.ActorConfiguration);
        await system.ActorOf(Props.Create(() => new Chatter(culture)), "chatter")
            .Ask<string>("go", TimeSpan.FromSeconds(20));

        // A line is written after the actor has gone on, and a logger that is stopped drops what it has not written.
        Assert.True(
            SpinWait.SpinUntil(
                () => lines.Any(line => line.Contains("the last line", StringComparison.Ordinal)),
                TimeSpan.FromSeconds(20)));
        await system.Terminate();
        return [
            .. lines.Where(
                line => line.Contains("chatter", StringComparison.Ordinal)
                && line.Contains("epoch", StringComparison.Ordinal))];
    }

    private sealed class Chatter : ReceiveActor
    {
        public Chatter(string culture) => ReceiveAny(_ =>
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            Context.GetLogger().Warning("epoch={Epoch} loss={Loss} text={Text}", 1, 0.25, "a\nb");
            Context.GetLogger().Error("the last line");
            Sender.Tell("done");
        });
    }
}
