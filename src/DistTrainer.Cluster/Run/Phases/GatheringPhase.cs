namespace DistTrainer.Cluster.Run.Phases;

/// <summary>Too few nodes are there.</summary>
internal sealed class GatheringPhase(LedRun run, RunAim aim) : RunPhase(run, aim)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private TimeSpan _since;

    /// <summary>Time to say who is missing.</summary>
    internal sealed record StillWaiting;

    public override void Begin()
    {
        _since = Run.Shell.Now;
        Run.Shell.Every(s_patience, new StillWaiting());
    }

    /// <summary>Says who is missing, and asks for parameter shards that are.</summary>
    public void SayWaiting()
    {
        if (Run.IsStarted || !Run.Asked.HasLed)
            Run.Nodes.TellLost();
        Run.Log.WaitingToStart(Run.Members.Missing, Run.Shell.Now - _since);
    }
}
