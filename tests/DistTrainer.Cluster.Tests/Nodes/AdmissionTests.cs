using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Transport;
using Xunit;
using static DistTrainer.Cluster.Tests.Nodes.CoordinatorParts;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>Who cannot take part in a run, and what follows.</summary>
public sealed class AdmissionTests
{
    private static readonly NodeUnfit s_unfit = new("w", FailureKind.Data, "no such file");
    private static readonly EndNode s_end = new((int)FailureKind.Data, "no such file");

    [Theory]
    [InlineData("w", 0, "none", null)]
    [InlineData("w", 1, "none", "run the same version of disttrainer on every node")]
    [InlineData("w", 0, "some", "list the same files under plugins on every node")]
    [InlineData("w\n", 0, "none", "its name ")]
    public void A_node_with_another_version_other_plug_ins_or_no_name_cannot_take_part_in_any_run(
        string name, int versions, string plugins, string? expected)
    {
        RegisterNode node = Registration(name) with { Version = ProtocolVersion.Current + versions, Plugins = plugins };
        string? conflict = Admission.Conflict(node, "none");
        if (expected is null)
            Assert.Null(conflict);
        else
            Assert.Contains(expected, conflict, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, 1)] // others are enough: the run begins with them, and the node stays until it has
    [InlineData(false, 2, "run")] // it can never begin
    [InlineData(true, 1, "w")] // it goes on without the node
    [InlineData(true, 2, "w")] // it waits for another worker
    public void A_refused_node_gets_no_work_and_ends_once_the_run_has_begun_which_ends_itself_where_it_cannot_begin(
        bool hasBegun, int minWorkers, params string[] told)
    {
        KnownNodes nodes = Known(minWorkers, Registration("s", server: true), Registration("w"));
        var admission = new Admission(nodes, Log);
        CurrentRun run = new CurrentRun(Described()) { HasBegun = hasBegun }.Led();

        (string To, object Message)[] letters = admission.Refuse(s_unfit, run).Read();
        object message = hasBegun ? s_end : new AbandonRun(FailureKind.Data, "w: no such file");
        Assert.Equal(told.Select(to => (to, message)), letters);
        Assert.Equal(["s"], nodes.Working.Select(node => node.Name));
        Assert.Empty(admission.Refuse(s_unfit with { Reason = "another" }, run)); // the first reason stands
        Assert.Equal(s_end, nodes.Find("w")!.Refusal);
        Assert.Empty(admission.Refuse(s_unfit with { Node = "gone" }, run));
    }

    [Fact]
    public void Who_was_refused_before_the_run_had_begun_ends_when_it_has()
    {
        KnownNodes nodes = Known(1, Registration("s", server: true), Registration("w"));
        var admission = new Admission(nodes, Log);
        CurrentRun run = new CurrentRun(Described()).Led();
        Assert.Empty(admission.Refuse(s_unfit, run));
        Assert.Empty(Admission.Again(nodes.Find("w")!, run));

        Assert.Equal([("w", s_end)], admission.Begun(run).Read());
        Assert.True(run.HasBegun);
        // A message may be lost: it is told again whenever the node says that it is there, also after the run.
        Assert.Equal([("w", s_end)], Admission.Again(nodes.Find("w")!, run).Read());
        Assert.Equal([("w", s_end)], Admission.Again(nodes.Find("w")!, null).Read());
        Assert.Empty(Admission.Again(nodes.Find("s")!, run));
    }

    [Fact]
    public void Nodes_stay_for_the_next_run_where_the_one_that_refused_them_has_never_begun()
    {
        KnownNodes nodes = Known(2, Registration("s", server: true), Registration("w"));
        var admission = new Admission(nodes, Log);
        admission.Refuse(s_unfit, new CurrentRun(Described()).Led());
        Assert.NotNull(nodes.Missing());
        admission.TakeBack();
        Assert.Null(nodes.Missing());
        Assert.Empty(Admission.Again(nodes.Find("w")!, null));
    }
}
