namespace DistTrainer.Cluster.Run.Phases;

/// <summary>Who has answered of those who were asked, by their numbers.</summary>
/// <param name="expected">How many were asked.</param>
internal sealed class Round(int expected)
{
    private readonly HashSet<int> _in = [];

    /// <summary>Whether all have answered; where nobody was asked, at once.</summary>
    public bool IsComplete => _in.Count >= expected;

    /// <summary>Whether this one has answered.</summary>
    public bool Has(int who) => _in.Contains(who);

    /// <summary>Takes an answer; a second copy changes nothing.</summary>
    /// <returns>Whether it was the last one that lacked: true once.</returns>
    public bool Add(int who) => _in.Add(who) && _in.Count == expected;
}
