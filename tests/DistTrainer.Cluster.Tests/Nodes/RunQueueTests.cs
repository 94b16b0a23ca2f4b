using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using Xunit;
using static DistTrainer.Cluster.Tests.Nodes.CoordinatorParts;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>What waits, begins, is inherited, taken over, withdrawn and ended: the coordinator's runs.</summary>
public sealed class RunQueueTests
{
    private const string OnlyOne = "the run name-r is not over; one run at a time: wait for it, or stop it first";
    private static readonly RunEnded s_failed =
        new(null, new DistTrainerException(FailureKind.Data, "no such file"));

    private readonly RunQueue _queue = new();

    /// <summary>What a coordinator may be at when somebody submits a run or stops it.</summary>
    public enum At
    {
        Nothing,
        Inherited,
        Waiting,
        Opening,
        Running,
        Ending,
        Freed,
    }

    [Theory]
    [InlineData(At.Nothing, null, null, null)]
    [InlineData(At.Inherited, null, null, null)]
    [InlineData(At.Waiting, OnlyOne, "r", "name-r, for 2 workers")]
    [InlineData(At.Opening, OnlyOne, "r", "name-r, for its data")]
    [InlineData(At.Running, OnlyOne, null, null)]
    [InlineData(At.Ending, OnlyOne, null, null)]
    [InlineData(At.Freed, null, null, null)]
    public void One_run_at_a_time_is_accepted_and_the_nodes_remember_the_one_that_they_do_not_host(
        At at, string? refusal, string? remembered, string? waitsFor)
    {
        Bring(at);
        Assert.Equal(remembered, _queue.NotBegun?.Run.Id);
        Assert.Equal(waitsFor, _queue.WaitsFor("2 workers"));

        CommandAnswer answer = _queue.Submit(new SubmitRun(Described("s")));
        Assert.Equal(refusal is null ? null : FailureKind.Configuration, answer.Failure);
        Assert.Equal(refusal ?? "run s (name-s) is accepted", answer.Text);
        Assert.Equal(refusal is null ? "s" : remembered, _queue.NotBegun?.Run.Id);
    }

    [Theory]
    [InlineData(At.Nothing, false)]
    [InlineData(At.Inherited, true)]
    [InlineData(At.Waiting, true)]
    [InlineData(At.Opening, false)]
    [InlineData(At.Running, false)]
    [InlineData(At.Ending, false)]
    [InlineData(At.Freed, false)]
    public void Only_a_run_that_nobody_has_begun_to_open_can_be_withdrawn_and_then_it_is_the_last_one(At at, bool can)
    {
        Bring(at);
        Assert.Equal(can, _queue.CanWithdraw);
        if (!can)
            return;
        Assert.Equal("r", _queue.Withdraw().Id);
        Assert.False(_queue.CanWithdraw);
        Assert.False(_queue.AcceptInherited());
        Assert.Null(_queue.BeginNext(null));
        Assert.Equal(("r", "withdrawn"), (_queue.Ended!.Id, _queue.Ended.How));
    }

    [Fact]
    public void A_job_that_cannot_be_read_and_an_id_that_is_no_name_are_refused_and_nothing_waits()
    {
        CommandAnswer answer = _queue.Submit(new SubmitRun(Described() with { Job = "no job" }));
        Assert.Equal(FailureKind.Configuration, answer.Failure);
        answer = _queue.Submit(new SubmitRun(Described("a b\n")));
        Assert.Equal(FailureKind.Configuration, answer.Failure);
        Assert.StartsWith("the run's id ", answer.Text, StringComparison.Ordinal);
        Assert.Null(_queue.Waiting);
    }

    [Fact]
    public void A_run_begins_once_nobody_is_missing_and_the_one_before_is_freed()
    {
        Bring(At.Waiting);
        Assert.Null(_queue.BeginNext("1 of at least 1 workers"));
        CurrentRun run = _queue.BeginNext(null)!;
        Assert.Same(run, _queue.Current);
        Assert.Same(run, _queue.Going);
        Assert.Null(_queue.Waiting);
        Assert.Null(_queue.BeginNext(null));

        Assert.Same(run, _queue.EndCurrent(s_failed));
        Assert.Same(run, _queue.Current);
        Assert.Null(_queue.Going);
        Assert.Equal(("failed", "no such file"), (_queue.Ended!.How, _queue.Ended.Failure));
        _queue.FreeCurrent();
        Assert.Null(_queue.Current);
    }

    [Fact]
    public void The_first_run_that_nodes_remember_waits_again_and_knows_the_newest_that_it_was_asked_for()
    {
        KeepRequests old = Kept(2), newest = Kept(5);
        _queue.Inherit(Registration("a", kept: old));
        _queue.Inherit(Registration("b", waiting: new SubmitRun(Described()), kept: newest));
        _queue.Inherit(Registration("c", waiting: new SubmitRun(Described("other")), kept: old));
        Assert.Null(_queue.Waiting); // a node may yet come that hosts a run
        Assert.True(_queue.AcceptInherited());
        Assert.False(_queue.AcceptInherited());
        CurrentRun run = _queue.BeginNext(null)!;
        Assert.Equal("r", run.Run.Id);
        Assert.Same(newest, run.Kept);
        Assert.False(run.HasBegun);
    }

    [Fact]
    public void A_run_that_is_submitted_is_not_asked_for_what_the_one_before_was()
    {
        _queue.Inherit(Registration("a", waiting: new SubmitRun(Described("old")), kept: Kept(5)));
        Bring(At.Waiting);
        Assert.False(_queue.AcceptInherited());
        Assert.Null(_queue.BeginNext(null)!.Kept);
    }

    [Fact]
    public void What_was_asked_for_is_forgotten_where_nothing_is_inherited_with_it()
    {
        _queue.Inherit(Registration("a", kept: Kept(5)));
        Assert.False(_queue.AcceptInherited());
        Assert.Null(_queue.TakeOver(Hosted())!.Kept);
    }

    [Fact]
    public void A_run_that_a_node_hosts_is_taken_over_and_comes_before_one_that_waits()
    {
        _queue.Inherit(Registration("a", waiting: new SubmitRun(Described("other")), kept: Kept(5)));
        Assert.True(_queue.AcceptInherited());
        HostedRun hosted = Hosted();
        CurrentRun run = _queue.TakeOver(hosted)!;
        Assert.Same(run, _queue.Current);
        Assert.Same(hosted, run.TakenOver);
        Assert.True(run.HasBegun);
        Assert.Equal(5, run.Kept!.Version);
        Assert.Null(_queue.Waiting);
        Assert.Null(_queue.NotBegun); // nodes host it
        Assert.Equal("name-r, for its data", _queue.WaitsFor(null));
    }

    [Theory]
    [InlineData(At.Nothing, true)]
    [InlineData(At.Inherited, true)]
    [InlineData(At.Waiting, true)]
    [InlineData(At.Opening, false)]
    [InlineData(At.Running, false)]
    [InlineData(At.Ending, false)]
    [InlineData(At.Freed, true)]
    public void A_run_is_taken_over_where_there_is_none(At at, bool takes)
    {
        Bring(at);
        Assert.Null(_queue.TakeOver(null));
        Assert.Equal(takes, _queue.TakeOver(Hosted("other")) is not null);
    }

    [Fact]
    public void A_run_that_some_node_knows_to_be_over_is_not_taken_over_and_of_two_the_later_one_ended_last()
    {
        DateTime now = DateTime.UtcNow;
        _queue.Inherit(Registration("a", ended: Last("r", now)));
        _queue.Inherit(Registration("b", ended: Last("before", now.AddMinutes(-1))));
        Assert.Equal("r", _queue.Ended!.Id);
        Assert.Null(_queue.TakeOver(Hosted()));
        _queue.Inherit(Registration("c", ended: Last("after", now.AddMinutes(1))));
        Assert.Equal("after", _queue.Ended!.Id);
    }

    private static KeepRequests Kept(long version) => new(version, RunRequests.None with { Pauses = true });

    private static LastRun Last(string id, DateTime at) => new(id, id, "completed", at, 1, null, null);

    private void Bring(At at)
    {
        if (at == At.Inherited)
            _queue.Inherit(Registration("a", waiting: new SubmitRun(Described())));
        if (at >= At.Waiting)
            Assert.Null(_queue.Submit(new SubmitRun(Described())).Failure);
        if (at >= At.Opening)
            Assert.NotNull(_queue.BeginNext(null));
        if (at >= At.Running)
        {
            // Its data are of no interest here, only that they are read.
            _queue.Current!.Led().Opened = new OpenedRun(Described(), null!, null!, null!);
        }
        if (at >= At.Ending)
            _queue.EndCurrent(s_failed);
        if (at >= At.Freed)
            _queue.FreeCurrent();
    }
}
