using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using Xunit;
using static DistTrainer.Cluster.Tests.Nodes.CoordinatorParts;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>Nodes leave in good order: drained, of themselves, or all at the end.</summary>
public sealed class DeparturesTests
{
    private static readonly EndNode s_released = new(0, "it was released by the coordinator");

    private readonly KnownNodes _nodes = Known(
        1, Registration("lead", server: true), Registration("s", server: true), Registration("w/1"));

    [Theory]
    [InlineData("w/1", null, "w/1 is drained and ends")]
    [InlineData("w", null, "w/1 is drained and ends")]
    [InlineData("w/1:1", null, "w/1 is drained and ends")]
    [InlineData("s", FailureKind.Configuration, "s is a server; only workers can be drained")]
    [InlineData("x", FailureKind.Configuration, "there is no node x; there are lead, s, w/1")]
    public void A_worker_is_drained_by_name_or_address_and_a_server_is_not(
        string name, FailureKind? failure, string text)
    {
        (IReadOnlyList<Letter> letters, CommandAnswer answer) = Of(new RunQueue()).Drain(name);
        Assert.Equal(new CommandAnswer(failure, text), answer);
        Assert.Equal(failure is null ? [("w/1", s_released)] : [], letters.Read());
        Assert.Equal(failure is null, _nodes.Find("w/1")!.IsReleased);
    }

    [Fact]
    public void A_worker_that_leaves_is_taken_from_the_run_before_it_ends_and_only_once()
    {
        Departures departures = Of(Running());
        KnownNode worker = _nodes.Find("w/1")!;
        Assert.Equal(
            [("run", new NodeGone("w/1", "it leaves", Bans: true)), ("w/1", s_released)],
            departures.Release("w/1", worker.Actor).Read());
        Assert.DoesNotContain(worker, _nodes.Working);
        Assert.Equal([("w/1", s_released)], departures.Release("w/1", worker.Actor).Read()); // its end was lost
    }

    [Fact]
    public void A_node_that_is_not_known_may_end() =>
        Assert.Equal([("x", s_released)], Of(Running()).Release("x", new Ear("x")).Read());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_server_that_leaves_stops_the_run_and_ends_after_it(bool isLed)
    {
        var queue = new RunQueue();
        queue.Submit(new SubmitRun(Described()));
        CurrentRun run = queue.BeginNext(null)!;
        if (isLed)
            run.Led();
        Departures departures = Of(queue);
        KnownNode server = _nodes.Find("s")!;

        Assert.Empty(departures.Release("s", server.Actor));
        Assert.Empty(departures.Release("s", server.Actor)); // it asks again
        Assert.False(server.IsReleased);
        Assert.Equal(!isLed, run.Kept?.Requests.Stops ?? false);
        if (isLed)
            Assert.All(((Ear)run.Actor).Heard, message => Assert.IsType<StopCommand>(message));

        queue.EndCurrent(new RunEnded(null, new DistTrainerException(FailureKind.Internal, "stopped")));
        queue.FreeCurrent();
        Assert.Equal([("s", s_released)], departures.ReleaseLeaving().Read());
        Assert.True(server.IsReleased);
        Assert.Empty(departures.ReleaseLeaving());
    }

    [Fact]
    public void Without_a_run_a_server_ends_at_once() =>
        Assert.Equal([("s", s_released)], Of(new RunQueue()).Release("s", _nodes.Find("s")!.Actor).Read());

    [Fact]
    public void Where_all_end_the_leader_is_the_last()
    {
        Departures departures = Of(new RunQueue());
        var end = new EndNode(3, "the run failed");
        Assert.Null(departures.EndingAlone);
        Assert.Equal([("s", end), ("w/1", end)], departures.EndAll(end).Read());
        Assert.Equal(end, departures.Ending);
        _nodes.Remove(_nodes.Find("s")!);
        Assert.Null(departures.EndingAlone);
        _nodes.Remove(_nodes.Find("w/1")!);
        Assert.Equal(end, departures.EndingAlone);
    }

    [Fact]
    public void A_leader_that_is_alone_does_not_end_unless_all_are_to() =>
        Assert.Null(new Departures(Known(1, Registration("lead")), new RunQueue(), "lead", Log).EndingAlone);

    private Departures Of(RunQueue queue) => new(_nodes, queue, "lead", Log);
}
