using System.Text.RegularExpressions;
using AkkaLogEvent = Akka.Event.LogEvent;

namespace DistTrainer.Cluster.Logging;

/// <summary>
/// What Akka warns of again and again (a heartbeat that was late on a busy machine) is told once a minute, with the
/// number of those that were left out. Two lines are of a kind where class and text are the same but for numbers; of
/// classes that strangers can make warn as they like, where the class is, and these are told every ten seconds: what a
/// stranger tries next is worth a line. May be called from any thread.
/// </summary>
/// <param name="now">Milliseconds of a clock that never goes back.</param>
internal sealed partial class RepeatedWarnings(Func<long> now)
{
    /// <summary>How long nothing more is told of a kind.</summary>
    public const int Milliseconds = 60_000;

    /// <summary>The same for what strangers can cause.</summary>
    public const int StrangersMilliseconds = 10_000;

    // Kinds that are told by their texts at most; more of a class are one kind.
    private const int Most = 500;

    private static readonly string[] s_strangers =
        ["TcpServerHandler", "EndpointReader", "ProtocolStateActor", "EndpointWriter", "ReliableDeliverySupervisor",
        "ClusterSingletonManager"];

    private readonly Dictionary<string, (long Due, int LeftOut)> _kinds = [];

    /// <summary>Whether a warning or an error is told now.</summary>
    /// <param name="entry">What was said.</param>
    /// <param name="leftOut">How many like it were left out since the last one.</param>
    public bool IsTold(AkkaLogEvent entry, out int leftOut)
    {
        leftOut = 0;
        if (entry.LogClass.Namespace?.StartsWith(nameof(Akka), StringComparison.Ordinal) != true)
            return true;
        string kind = Kind(entry);
        lock (_kinds)
        {
            if (_kinds.Count >= Most && !_kinds.ContainsKey(kind))
                kind = entry.LogClass.Name;
            (long due, int left) = _kinds.GetValueOrDefault(kind, (long.MinValue, 0));
            if (now() < due)
            {
                _kinds[kind] = (due, left + 1);
                return false;
            }
            _kinds[kind] = (now() + (s_strangers.Contains(kind) ? StrangersMilliseconds : Milliseconds), 0);
            leftOut = left;
            return true;
        }
    }

    /// <summary>Of which kinds some were left out that no later line has told, and how many.</summary>
    public IReadOnlyList<(string Kind, int LeftOut)> Untold()
    {
        lock (_kinds)
            return [.. _kinds.Where(kind => kind.Value.LeftOut > 0).Select(kind => (kind.Key, kind.Value.LeftOut))];
    }

    private static string Kind(AkkaLogEvent entry)
    {
        string name = entry.LogClass.Name;
        if (s_strangers.Contains(name))
            return name;
        return $"{name}: {Digits().Replace(entry.Message?.ToString() ?? "", "#").ReplaceLineEndings(" ")}";
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Digits();
}
