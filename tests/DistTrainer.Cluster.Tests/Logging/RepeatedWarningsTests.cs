using System.Collections.Concurrent;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Akka.Remote;
using DistTrainer.Cluster.Logging;
using Xunit;

namespace DistTrainer.Cluster.Tests.Logging;

public sealed class RepeatedWarningsTests
{
    private long _milliseconds;

    [Fact]
    public void A_warning_that_Akka_repeats_is_told_once_a_minute_with_the_number_of_those_left_out()
    {
        var warnings = new RepeatedWarnings(() => _milliseconds);
        Assert.Equal((true, 0), Told(warnings, Late(3100)));
        for (int beat = 1; beat <= 59; beat++)
        {
            _milliseconds = beat * 1000;
            Assert.Equal((false, 0), Told(warnings, Late(3000 + beat)));
        }
        Assert.Equal(59, Assert.Single(warnings.Untold()).LeftOut);
        _milliseconds = 60_000;
        Assert.Equal((true, 59), Told(warnings, Late(3200)));
        _milliseconds = 120_000;
        Assert.Equal((true, 0), Told(warnings, Late(3300)));
        Assert.Empty(warnings.Untold());
    }

    [Fact]
    public void Another_text_is_another_kind_and_what_this_program_says_is_never_left_out()
    {
        var warnings = new RepeatedWarnings(() => _milliseconds);
        Assert.True(Told(warnings, Late(3100)).IsTold);
        Assert.True(Told(warnings, new Warning("source", typeof(PhiAccrualFailureDetector), "something else")).IsTold);
        Assert.True(Told(warnings, new Warning("source", typeof(LogOutput), "own 1")).IsTold);
        Assert.True(Told(warnings, new Warning("source", typeof(LogOutput), "own 2")).IsTold);
    }

    [Fact]
    public void Endless_kinds_take_bounded_memory()
    {
        var warnings = new RepeatedWarnings(() => _milliseconds);
        for (int kind = 0; kind < 10_000; kind++)
        {
            var text = new Warning("source", typeof(PhiAccrualFailureDetector), new string('x', kind % 700));
            warnings.IsTold(text, out _);
            warnings.IsTold(text, out _);
        }
        Assert.InRange(warnings.Untold().Count, 0, 501); // and the class of those beyond
    }

    [Theory]
    [InlineData(LogFormat.Text)]
    [InlineData(LogFormat.Json)]
    public async Task The_log_says_how_many_were_left_out_when_it_is_closed(LogFormat format)
    {
        ConcurrentQueue<string> lines = [];
        using (var output = new LogOutput(format, LogThreshold.Info, lines.Enqueue))
        {
            using ActorSystem system = ActorSystem.Create("disttrainer", output.ActorConfiguration);
            for (int beat = 0; beat < 5; beat++)
                system.EventStream.Publish(Late(3000 + beat));
            system.EventStream.Publish(new Warning("source", typeof(LogOutput), "the last one"));
            Assert.True(
                SpinWait.SpinUntil(
                    () => lines.Any(line => line.Contains("the last one", StringComparison.Ordinal)),
                    TimeSpan.FromSeconds(20)));
            await system.Terminate();
        }
        string[] late = [.. lines.Where(line => line.Contains("heartbeat", StringComparison.Ordinal))];
        Assert.Equal(2, late.Length);
        Assert.Contains("3000 millis", late[0], StringComparison.Ordinal);
        Assert.Contains(
            "left out 4 more like: PhiAccrualFailureDetector: heartbeat interval is growing too large", late[1],
            StringComparison.Ordinal);
    }

    private static Warning Late(int interval) => new(
        "PhiAccrualFailureDetector", typeof(PhiAccrualFailureDetector),
        string.Create(
            CultureInfo.InvariantCulture,
            $"heartbeat interval is growing too large for address akka.tcp://disttrainer@127.0.0.1:40179: {interval} "
            + $"millis"));

    private static (bool IsTold, int LeftOut) Told(RepeatedWarnings warnings, Warning entry) =>
        (warnings.IsTold(entry, out int leftOut), leftOut);
}
