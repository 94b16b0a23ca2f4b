using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run;

// Who is waited for: said after two seconds, four, eight …, and asked again where a message may have been lost.
internal sealed partial class RunActor
{
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(2);
    private const int NamesInALine = 4;
    private static readonly TimeSpan s_lost = TimeSpan.FromSeconds(7);
    private TimeSpan _asksAgain = s_lost;
    private (string What, Func<IEnumerable<string>> Who, TimeSpan Since) _awaited = ("", () => [], TimeSpan.MaxValue);
    private TimeSpan _awaitedNext;
    private (long Step, double Next) _saidWaiting;
    private readonly Dictionary<string, TimeSpan> _heard = [];
    private TimeSpan _gatheringSince;

    private sealed record CheckWait;

    /// <summary>Answers are awaited from now on: who has not given one is named after two seconds, four, eight …</summary>
    private void Await(string what, Func<IEnumerable<string>> who)
    {
        _awaited = (what, who, Now);
        _awaitedNext = s_wait;
        Timers.StartPeriodicTimer(nameof(CheckWait), new CheckWait(), s_wait);
    }

    /// <summary>All answers are in.</summary>
    private void AwaitNobody()
    {
        _awaited = ("", () => [], TimeSpan.MaxValue);
        Timers.Cancel(nameof(CheckWait));
    }

    private void LogAwaited()
    {
        TimeSpan since = Now - _awaited.Since;
        string[] who = _flows || !_members.HasParameterShards ? [] : [.. _awaited.Who()];
        if (who.Length == 0 || since < _awaitedNext)
            return;
        _awaitedNext = 2 * since - TimeSpan.FromMilliseconds(500);
        _log.Event(LogLevel.WarningLevel, "waiting-for who=\"{Who}\" for={What} epoch={Epoch} step={Step} seconds={Seconds:F1}", Some(who), _awaited.What, _setup.EpochOf(_step + 1), _step, since.TotalSeconds);
        if (since > (_awaited.What == "evaluation" ? 2 * _asksAgain : _asksAgain))
            AskAgain();
    }

    /// <summary>
    /// A message may have been lost: a new generation asks everybody again, but for nodes that have not said for long that
    /// they are there. What does take so long gets twice the time.
    /// </summary>
    private void AskAgain()
    {
        if (!_options.ToleratesLoss)
            return;
        _asksAgain *= 2;
        string[] silent = [.. _members.Nodes.Select(node => node.Node.Name).Where(name => Now - _heard[name] > s_lost)];
        foreach (string name in silent)
            OnGone(name, $"it has said nothing for {(Now - _heard[name]).TotalSeconds:F0} s");
        if (silent.Length == 0)
            OnMembers();
    }

    private IEnumerable<string> ShardsBut(Func<int, bool> answered) =>
        _parameterShards.Select((place, number) => (place, number)).Where(shard => !answered(shard.number)).Select(shard =>
            (IsReplica(shard.number) ? $"a replica of parameter shard {_roles.Replicas[shard.number - _setup.Ranges.Count]} on " : $"parameter shard {shard.number} on ") + shard.place.Node.Name);

    private IEnumerable<string> CopiesBut(Func<int, bool> answered) =>
        _copies.Select((copy, number) => (copy, number)).Where(copy => !answered(copy.number)).Select(copy => $"parameter shard {copy.copy.Index} on {copy.copy.Place.Node.Name}");

    private IEnumerable<string> WorkersBut(Func<int, bool> answered) =>
        _workers.Select((place, index) => (place, index)).Where(worker => !answered(worker.index)).Select(worker => $"worker {worker.index} on {worker.place.Node.Name}");

    private void SayWaiting()
    {
        if (_isStarted || !_hasLed)
            TellLost();
        _log.Event(LogLevel.InfoLevel, "waiting-for who=\"{Missing}\" for=start seconds={Seconds:F0}", _members.Missing, (Now - _gatheringSince).TotalSeconds);
    }

    /// <summary>Says whose contributions are missing, by the first parameter shard that tells: after two seconds, four, eight …</summary>
    private void LogWait(WaitingFor waiting)
    {
        if (!_flows || (_saidWaiting.Step == waiting.Step && waiting.Seconds < _saidWaiting.Next))
            return;
        _saidWaiting = (waiting.Step, 2 * waiting.Seconds - 1);
        if (_requests.WantsHold)
            TellHold();
        else
            TellAll(_workers, new RunUntil(_generation, _target));
        string[] who = [.. WorkersBut(worker =>
        {
            (int first, int count) = DataShardsOf(worker);
            return !waiting.Missing.Any(range => first < range.First + range.Count && range.First < first + count);
        })];
        _log.Event(LogLevel.WarningLevel, "waiting-for who=\"{Who}\" for=step epoch={Epoch} step={Step} parameterShard={ParameterShard} seconds={Seconds:F1}",
            Some(who), _setup.EpochOf(waiting.Step), waiting.Step, waiting.ParameterShard, waiting.Seconds);
    }

    /// <summary>The first few by name, the others by number: one line, however many there are.</summary>
    private static string Some(string[] who) =>
        string.Join(", ", who.Take(NamesInALine)) + (who.Length > NamesInALine ? $" and {who.Length - NamesInALine} more" : "");
}
