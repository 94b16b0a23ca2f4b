using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Nodes;
using DistTrainer.Cluster.Protocol;
using Xunit;
using static DistTrainer.Cluster.Tests.Nodes.CoordinatorParts;

namespace DistTrainer.Cluster.Tests.Nodes;

/// <summary>Which node is told to host what of a run, and where the run goes on.</summary>
public sealed class RunHostingTests
{
    private readonly KnownNodes _nodes = Known(
        1, Registration("b", server: true, workers: 0), Registration("a", server: true), Registration("w"));

    [Theory]
    [InlineData(0, "b: 1,3 + 0", "a: 0,2 + 1", "w:  + 1")]
    [InlineData(1, "b: 0,1,2,3 + 0", "a: 0,1,2,3 + 1", "w:  + 1")]
    public void A_run_begins_with_parameter_shards_on_the_servers_and_workers_on_all(
        int replicas, params string[] expected) =>
        Assert.Equal(expected, Told(Of(replicas).Begin(new CurrentRun(Described()).Led())));

    [Fact]
    public void A_server_without_workers_that_gets_no_parameter_shard_hosts_nothing() =>
        Assert.Equal(["a: 0 + 1", "w:  + 1"], Told(Of(replicas: 0).Begin(new CurrentRun(Described()).Led(shards: 1))));

    [Fact]
    public void Who_is_refused_or_released_hosts_nothing()
    {
        _nodes.Find("a")!.IsReleased = true;
        _nodes.Find("w")!.Refusal = new EndNode(1, "");
        Assert.Equal(["b: 0,1,2,3 + 0"], Told(Of(replicas: 1).Begin(new CurrentRun(Described()).Led())));
    }

    [Fact]
    public void Of_a_run_that_is_taken_over_parameter_shards_stay_where_they_are()
    {
        Assert.True(_nodes.TryAdd(
            new KnownNode(Registration("c", server: true, workers: 0, run: Hosted()), new Ear("c"))));
        CurrentRun run = new CurrentRun(Described()) { TakenOver = Hosted() }.Led();
        Assert.Equal(["a:  + 1", "w:  + 1", "c:  + 0"], Told(Of(replicas: 1).Begin(run)));
    }

    [Fact]
    public void A_node_that_comes_while_a_run_is_hosted_gives_its_workers_or_hears_who_leads()
    {
        CurrentRun opening = new(Described()), led = new CurrentRun(Described()).Led();
        KnownNode worker = _nodes.Find("w")!, server = _nodes.Find("b")!;
        Assert.Empty(RunHosting.Join(worker, null));
        Assert.Empty(RunHosting.Join(worker, opening));
        Assert.Equal(["w:  + 1"], Told(RunHosting.Join(worker, led)));
        Assert.Empty(RunHosting.Join(server, led));
        var hosting = new KnownNode(Registration("c", server: true, workers: 0, run: Hosted()), new Ear("c"));
        Assert.Equal(["c:  + 0"], Told(RunHosting.Join(hosting, led)));
    }

    [Fact]
    public void What_a_node_was_told_is_told_again_where_it_hosts_something_else()
    {
        CurrentRun run = new CurrentRun(Described()).Led();
        KnownNode worker = _nodes.Find("w")!;
        HostedRun other = Hosted("other");
        Assert.Empty(RunHosting.Again(worker, null, run)); // it was told nothing
        Letter open = Assert.Single(RunHosting.Join(worker, run));

        Assert.Equal([open], RunHosting.Again(worker, null, run));
        Assert.Equal([open], RunHosting.Again(worker, other, run));
        Assert.Empty(RunHosting.Again(worker, run.Hosted, run));
        Assert.Equal([("w", new CloseRun("r", null))], RunHosting.Again(worker, run.Hosted, null).Read());
        Assert.Equal(
            [("w", new CloseRun("other", null))], RunHosting.Again(worker, other, new CurrentRun(Described())).Read());
        worker.IsReleased = true;
        Assert.Empty(RunHosting.Again(worker, other, run));
    }

    [Fact]
    public void Scarce_parameter_shards_go_to_servers_that_can_be_reached_and_only_while_there_is_a_run()
    {
        RunHosting hosting = Of(replicas: 1);
        CurrentRun run = new CurrentRun(Described()).Led();
        var lost = new ParameterShardsLost([new ScarceParameterShard(2, ["x"])], []);
        Assert.Empty(hosting.Deal(lost, null));
        Assert.Empty(hosting.Deal(lost, new CurrentRun(Described())));
        Assert.Equal(["a: 2 + 1"], Told(hosting.Deal(lost, run)));
        Assert.Equal([("a", 2)], run.Dealt);
        _nodes.Find("a")!.IsReachable = false;
        Assert.Equal(["b: 2 + 0"], Told(hosting.Deal(lost, run)));
        _nodes.Find("b")!.IsReachable = false;
        Assert.Empty(hosting.Deal(lost, run));
    }

    [Fact]
    public void A_run_goes_on_in_the_folder_of_the_coordinator_before_or_of_its_checkpoint_or_begins_anew()
    {
        string folder = Path.GetFullPath("run");
        string checkpoint = Path.Combine(folder, "checkpoints", "step-000000100/");
        RunDescription resumed = Described() with { ResumeFrom = checkpoint };
        Assert.Null(RunOpening.Continuation(new CurrentRun(Described()), 0));
        Assert.Null(RunOpening.Continuation(new CurrentRun(Described()) { TakenOver = Hosted() }, 0));
        Assert.Equal(
            new RunContinuation(folder, 100, TakesOver: false),
            RunOpening.Continuation(new CurrentRun(resumed), 100));
        Assert.Equal(
            new RunContinuation("taken", long.MaxValue, TakesOver: true),
            RunOpening.Continuation(
                new CurrentRun(resumed) { TakenOver = Hosted() with { Folder = "taken" } }, 100));
    }

    private static string[] Told(IEnumerable<Letter> letters) => [.. letters.Select(letter =>
    {
        var open = (OpenRun)letter.Message;
        return $"{letter.To.Path.Name}: {string.Join(',', open.ParameterShards)} + {open.Workers}";
    })];

    private RunHosting Of(int replicas) => new(_nodes, replicas, Log);
}
