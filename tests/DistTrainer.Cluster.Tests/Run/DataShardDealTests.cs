using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using DistTrainer.Cluster.Run.Members;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>When data shards are dealt anew.</summary>
public sealed class DataShardDealTests
{
    private readonly DataShardDeal _deal = new(8);
    private readonly ActorPlace[] _workers = Workers("a", "b", "c", "d");
    private TimeSpan _now = TimeSpan.FromMinutes(10);

    [Fact]
    public void A_worker_at_half_speed_has_less_two_seconds_later_and_then_all_are_done_at_once()
    {
        Generation first = Begin(1, 10, 10, 10, 20);
        Assert.Equal([2, 2, 2, 2], Counts(first));
        Assert.Null(_deal.Gain(first, _now + TimeSpan.FromSeconds(1.9)));
        _now += DataShardDeal.Settled;
        Assert.Equal(4.0 / 3, _deal.Gain(first, _now)!.Value, 3);
        Generation second = Begin(2, 10, 10, 10, 20);
        Assert.Equal(1, second.DataShardsOf(3).Count);
        Assert.Equal(8, Counts(second).Sum());
        _now += TimeSpan.FromMinutes(5);
        Assert.Null(_deal.Gain(second, _now));
    }

    [Fact]
    public void Less_than_a_tenth_is_not_worth_it_and_noise_changes_nothing()
    {
        var random = new Random(5);
        Generation generation = Begin(1, 10, 10, 10, 10);
        for (int minute = 0; minute < 1000; minute++)
        {
            _now += TimeSpan.FromMinutes(1);
            Report(generation, [.. Enumerable.Range(0, 4).Select(_ => 10 * (0.8 + (0.4 * random.NextDouble())))]);
            Assert.Null(_deal.Gain(generation, _now));
        }
    }

    [Fact]
    public void It_happens_twice_a_minute_at_most()
    {
        Generation generation = Begin(1, 10, 10, 10, 20);
        _now += DataShardDeal.Settled;
        Assert.NotNull(_deal.Gain(generation, _now));
        TimeSpan first = _now;
        Generation turned = Begin(2, 20, 10, 10, 10);
        _now += TimeSpan.FromSeconds(5);
        Assert.NotNull(_deal.Gain(turned, _now));
        Generation back = Begin(3, 10, 10, 10, 20);
        _now = first + DataShardDeal.Pause - TimeSpan.FromSeconds(1);
        Assert.Null(_deal.Gain(back, _now));
        _now = first + DataShardDeal.Pause;
        Assert.NotNull(_deal.Gain(back, _now));
    }

    [Fact]
    public void A_short_disturbance_does_not_count_and_a_lasting_one_does()
    {
        Generation generation = Begin(1, 10, 10, 10, 10);
        _now += TimeSpan.FromMinutes(1);
        Report(generation, 10, 10, 10, 30);
        Report(generation, 10, 10, 10, 30);
        Assert.Null(_deal.Gain(generation, _now));
        Report(generation, 10, 10, 10, 30);
        _now += DataShardDeal.Look;
        Assert.NotNull(_deal.Gain(generation, _now));
    }

    [Fact]
    public void Who_comes_new_counts_as_the_others_do_and_who_has_gone_is_forgotten()
    {
        Generation generation = Begin(1, 10, 10, 10, 40);
        _now += DataShardDeal.Settled;
        Assert.NotNull(_deal.Gain(generation, _now));
        ActorPlace[] without = [.. _workers[..3], Workers("e")[0]];
        DataShardRange[] ranges = _deal.To(without, _now);
        Assert.Equal([2, 2, 2, 2], ranges.Select(range => range.Count));
    }

    [Fact]
    public void Where_the_network_takes_most_of_a_step_a_gain_in_computing_is_not_worth_another_push()
    {
        // 20 ms of computing would become 15, of a step that takes 60; and three of eight are two subtrees.
        Generation generation = Begin(1, wait: 40, [10, 10, 10, 20]);
        _now += TimeSpan.FromMinutes(1);
        Assert.Null(_deal.Gain(generation, _now));
        Generation quick = Begin(2, wait: 1, [10, 10, 10, 20]);
        _now += TimeSpan.FromMinutes(1);
        Assert.NotNull(_deal.Gain(quick, _now));
    }

    [Fact]
    public void Groups_stay_together_unless_there_are_more_workers_than_groups_that_may_be_divided()
    {
        Assert.Equal([4, 4, 0, 0], Sizes(new DataShardDeal(8, 4)).OrderDescending());
        Assert.Equal([2, 2, 2, 2], Sizes(new DataShardDeal(8, 4, always: false)));
        Assert.All(
            new DataShardDeal(12, 2, always: false).To(_workers, _now),
            range => Assert.Equal((0, 0), (range.First % 2, range.Count % 2)));

        IEnumerable<int> Sizes(DataShardDeal deal) => deal.To(_workers, _now).Select(range => range.Count);
    }

    [Fact]
    public void Workers_of_one_node_are_dealt_evenly()
    {
        ActorPlace[] workers = Workers("a", "a");
        var generation = new Generation(1, [], workers, 1, _deal.To(workers, _now));
        Report(generation, 10, 20);
        Report(generation, 10, 20);
        Report(generation, 10, 20);
        Assert.Null(_deal.Gain(generation, _now + TimeSpan.FromMinutes(1)));
    }

    private Generation Begin(int number, params double[] millisecondsAShard) =>
        Begin(number, 0.0, millisecondsAShard);

    private Generation Begin(int number, double wait, double[] millisecondsAShard)
    {
        var generation = new Generation(number, [], _workers, 1, _deal.To(_workers, _now));
        double[] times = [.. millisecondsAShard.Select((ms, worker) => ms * generation.DataShardsOf(worker).Count / 2)];
        for (int report = 0; report < 4; report++)
            Report(generation, wait, times);
        return generation;
    }

    private static void Report(Generation generation, params double[] compute) => Report(generation, 0.0, compute);

    private static void Report(Generation generation, double wait, double[] compute)
    {
        for (int worker = 0; worker < compute.Length; worker++)
            generation.Speeds.Add(
                new ReportWorker(generation.Number, worker, 1, new WorkerTimes(compute[worker], wait)));
    }

    private static int[] Counts(Generation generation) =>
        [.. Enumerable.Range(0, generation.Workers.Length).Select(worker => generation.DataShardsOf(worker).Count)];

    private static ActorPlace[] Workers(params string[] nodes) =>
        [.. nodes.Select(node => new ActorPlace(new Worker(node), new NodeAddress(node, null, [])))];

    private sealed class Worker(string name) : MinimalActorRef
    {
        public override ActorPath Path { get; } = new RootActorPath(Address.AllSystems) / name;

        public override IActorRefProvider Provider => throw new NotSupportedException();
    }
}
