using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// What people have asked of a run, and of which version that is, without the actor: every node keeps it, for a
/// coordinator that takes over; and what was asked of that one, before it knew how far the run is, comes on top.
/// </summary>
/// <param name="hasLed">False where another coordinator led the run before, and this one does not know yet where it
/// stands.</param>
internal sealed class RunAsked(bool hasLed)
{
    private readonly List<Func<RunRequests, RunRequests>> _early = [];
    private KeepRequests? _kept;

    /// <summary>What is asked for and not done.</summary>
    public RunRequests Open { get; private set; } = RunRequests.None;

    /// <summary>Version of the run's state: it rises whenever that is told.</summary>
    public long Version { get; private set; }

    /// <summary>Whether this coordinator leads: it knows where the run stands.</summary>
    public bool HasLed { get; private set; } = hasLed;

    /// <summary>Something is asked for.</summary>
    /// <returns>Whether that changes anything; and what every node is to keep of it, once this coordinator
    /// leads.</returns>
    public (bool IsNews, KeepRequests? Keep) Ask(Func<RunRequests, RunRequests> change)
    {
        // What the coordinator before was asked for came earlier.
        if (!HasLed)
            _early.Add(change);
        RunRequests requests = change(Open);
        if (requests == Open)
            return (false, null);
        if (HasLed)
            return (true, Keep(requests));
        Open = requests;
        return (true, null);
    }

    /// <summary>A request is done, or one comes of the run itself: the run's next state tells of it.</summary>
    public void Set(RunRequests requests) => Open = requests;

    /// <summary>A node has kept what the coordinator before was asked for.</summary>
    public void Take(KeepRequests kept)
    {
        if (HasLed ? Version > 0 : kept.Version <= Math.Max(Version, _kept?.Version ?? 0))
            return;
        (_kept, Open) = (kept, kept.Requests);
        if (HasLed)
            Version = kept.Version; // the run has not begun
    }

    /// <summary>Whether a state that the coordinator before told is news to one that does not lead yet.</summary>
    public bool IsNews(RunState state) => !HasLed && state.Version > Version;

    /// <summary>Goes on from that state.</summary>
    public void Adopt(RunState state)
    {
        Version = state.Version;
        if (state.Version > (_kept?.Version ?? 0))
            Open = state.Requests;
    }

    /// <summary>All is known: this coordinator leads from now on.</summary>
    /// <returns>What every node is to keep; null: nothing was asked for meanwhile.</returns>
    public KeepRequests? TakeLead()
    {
        HasLed = true;
        Version = Math.Max(Version, _kept?.Version ?? 0);
        KeepRequests? keep = _early.Count > 0
            ? Keep(_early.Aggregate(Open, (requests, change) => change(requests))) : null;
        _early.Clear();
        return keep;
    }

    /// <summary>The version of a state that is about to be told.</summary>
    public long NextVersion() => ++Version;

    private KeepRequests Keep(RunRequests requests)
    {
        Open = requests;
        return _kept = new KeepRequests(++Version, requests);
    }
}
