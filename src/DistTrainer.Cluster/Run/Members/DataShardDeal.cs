using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Numerics;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// How data shards are dealt to workers, without the actor: evenly, until it is known how fast they are, and by their
/// speed where that gains a tenth of a step, with the time that the slowest one waits: for the network, which more
/// subtrees take longer. A run is dealt anew twice a minute at most, the second time only where
/// that gains a quarter: on machines whose speed goes up and down a small gain must not use up what a large one will
/// need.
/// </summary>
/// <param name="dataShards">Data shards of the job.</param>
/// <param name="together">How many in a row have one worker; ≥ 1, divides the number of data shards.</param>
/// <param name="always">Also where there are more workers than so many in a row, so that some are idle.</param>
internal sealed class DataShardDeal(int dataShards, int together = 1, bool always = true)
{
    /// <summary>So long a generation must have been there: code is compiled in its first steps.</summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(2);

    /// <summary>From one deal to the second after it.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>Workers' reports are looked at no more often.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private const double LeastGain = 1.1;
    private const double LeastGainSoon = 1.25;
    private readonly Dictionary<IActorRef, double> _milliseconds = [];
    private TimeSpan? _last;
    private TimeSpan? _lastButOne;
    private TimeSpan? _looked;
    private TimeSpan _begun;
    private double _wait;

    /// <summary>A generation begins.</summary>
    /// <param name="workers">Its workers, in the order of their numbers.</param>
    /// <param name="now">The time of a clock that nobody sets.</param>
    /// <returns>What each gets.</returns>
    public DataShardRange[] To(ActorPlace[] workers, TimeSpan now)
    {
        _begun = now;
        foreach (IActorRef gone in _milliseconds.Keys.Except(workers.Select(worker => worker.Actor)).ToArray())
            _milliseconds.Remove(gone);
        DataShardRange[] even = Whole(workers.Length, parts => DataShardPlan.Even(parts, workers.Length));
        return Better(even, workers, LeastGain)?.Ranges ?? even;
    }

    /// <summary>Whether data shards should be dealt anew, by what the workers have reported.</summary>
    /// <param name="generation">The generation.</param>
    /// <param name="now">The time of a clock that nobody sets.</param>
    /// <returns>How much faster a step would be, as a factor; null: they should not.</returns>
    public double? Gain(Generation generation, TimeSpan now)
    {
        ActorPlace[] workers = generation.Workers;
        if (now - _begun < Settled || now - _lastButOne < Pause || now - _looked < Look
            || workers.All(worker => worker.Node.Name == workers[0].Node.Name))
            return null; // workers of one process share its cores: which of them is slow is the system's whim
        DataShardRange[] ranges = [.. Enumerable.Range(0, workers.Length).Select(generation.DataShardsOf)];
        for (int worker = 0; worker < workers.Length; worker++)
        {
            if (ranges[worker].Count == 0)
                return null; // there are more workers than data shards
            if (generation.Speeds.UsualOf(worker) is not { } compute)
                return null;
            _milliseconds[workers[worker].Actor] = compute / ranges[worker].Count;
        }
        _looked = now;
        int slowest = Enumerable.Range(0, workers.Length).MaxBy(worker => generation.Speeds.UsualOf(worker) ?? 0);
        _wait = generation.Speeds.TimesOf(slowest).Wait;
        double least = now - _last < Pause ? LeastGainSoon : LeastGain;
        if (Better(ranges, workers, least) is not { } better)
            return null;
        (_lastButOne, _last) = (_last, now);
        return better.Gain;
    }

    /// <summary>The deal by speed, if it is known of all and gains enough over another one.</summary>
    private (DataShardRange[] Ranges, double Gain)? Better(DataShardRange[] than, ActorPlace[] workers, double least)
    {
        double[] times = Times(workers);
        if (times.Length < workers.Length || times.Any(time => time <= 0))
            return null;
        double before = DataShardPlan.Longest(than, times) + _wait;
        if (before < least * (DataShardPlan.Ideal(dataShards, times) + _wait))
            return null;
        DataShardRange[] plan = Whole(workers.Length, parts => DataShardPlan.BySpeed(parts, times));
        // What the last one waits for is mostly the network, and each subtree more is all parameters once more.
        double gain = before / (DataShardPlan.Longest(plan, times) + (_wait * Pieces(plan) / Pieces(than)));
        return gain >= least ? (plan, gain) : null;
    }

    private DataShardRange[] Whole(int workers, Func<int, DataShardRange[]> deal)
    {
        int size = always || workers <= dataShards / together ? together : 1;
        return [.. deal(dataShards / size).Select(range => new DataShardRange(range.First * size, range.Count * size))];
    }

    private static int Pieces(DataShardRange[] ranges) =>
        ranges.Max(range => GradientTree.Pieces(range.First, range.Count));

    /// <summary>Milliseconds a data shard; of a newcomer the others' mean; none where nothing is known.</summary>
    private double[] Times(ActorPlace[] workers)
    {
        if (_milliseconds.Count == 0)
            return [];
        double mean = _milliseconds.Values.Average();
        return [.. workers.Select(worker => _milliseconds.GetValueOrDefault(worker.Actor, mean))];
    }
}
