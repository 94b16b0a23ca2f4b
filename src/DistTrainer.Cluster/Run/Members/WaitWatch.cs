namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Whose answers are awaited, without the actor: who has not answered is named after two seconds, four, eight …; after
/// seven, for a message may have been lost, all are asked again, and then after twice as long.
/// </summary>
internal sealed class WaitWatch
{
    /// <summary>After so long a wait is named for the first time.</summary>
    public static readonly TimeSpan First = TimeSpan.FromSeconds(2);

    /// <summary>A message that is not answered for so long was lost, for all that is known.</summary>
    public static readonly TimeSpan Lost = TimeSpan.FromSeconds(7);

    private const int NamesInALine = 4;
    private static readonly TimeSpan s_tolerance = TimeSpan.FromMilliseconds(500);
    private Func<IEnumerable<string>> _who = () => [];
    private TimeSpan _since = TimeSpan.MaxValue;
    private TimeSpan _next;
    private (int Generation, long Step, double Next) _said;

    /// <summary>After so long all are asked again.</summary>
    public TimeSpan AsksAgain { get; private set; } = Lost;

    /// <summary>What is awaited, e.g. <c>joining</c>.</summary>
    public string What { get; private set; } = "";

    /// <summary>Answers are awaited from now on.</summary>
    /// <param name="what">What for.</param>
    /// <param name="who">Those who have not answered, for people; asked at each check.</param>
    /// <param name="now">The time of a clock that nobody sets.</param>
    public void Await(string what, Func<IEnumerable<string>> who, TimeSpan now) =>
        (What, _who, _since, _next) = (what, who, now, First);

    /// <summary>All answers are in.</summary>
    public void AwaitNobody() => (What, _who, _since) = ("", () => [], TimeSpan.MaxValue);

    /// <summary>As long as answers come, nothing was lost.</summary>
    public void Heard(TimeSpan now) => _since = now;

    /// <summary>Checks whether a wait is to be named.</summary>
    /// <returns>Who is awaited, and for how long; null: nothing is to be said yet.</returns>
    public (string Who, TimeSpan Since, bool IsLost)? Check(TimeSpan now)
    {
        TimeSpan since = now - _since;
        string[] who = [.. _who()];
        if (who.Length == 0 || since < _next)
            return null;
        _next = (2 * since) - s_tolerance;
        return (Some(who), since, since > (What == "evaluation" ? 2 * AsksAgain : AsksAgain));
    }

    /// <summary>
    /// A parameter shard waits for contributions: whether that is to be said, by the first one that tells.
    /// </summary>
    /// <param name="generation">The generation.</param>
    /// <param name="step">The open step.</param>
    /// <param name="seconds">How long it has been open.</param>
    public bool SaysStep(int generation, long step, double seconds)
    {
        if (_said.Generation == generation && _said.Step == step && seconds < _said.Next)
            return false;
        _said = (generation, step, (2 * seconds) - 1);
        return true;
    }

    /// <summary>Asks all again: what does take so long gets twice the time.</summary>
    public void Double() => AsksAgain *= 2;

    /// <summary>Steps have been made: patience is as at first.</summary>
    public void Reset() => AsksAgain = Lost;

    /// <summary>The first few by name, the others by number: one line, however many there are.</summary>
    public static string Some(string[] who) =>
        string.Join(", ", who.Take(NamesInALine))
            + (who.Length > NamesInALine ? $" and {who.Length - NamesInALine} more" : "");
}
