using DistTrainer.Cluster.Protocol;


namespace DistTrainer.Cluster.Run.Phases;

/// <summary>All copies of the parameter shards join the generation, or take parameters and join again.</summary>
internal sealed class JoiningPhase(LedRun run, RunAim aim) : RunPhase(run, aim)
{
    public override void On(ParameterServerJoined joined)
    {
        if (joined.State is { } state && Run.Asked.IsNews(state))
            Adopt(state);
        if (Generation.Join(joined.Number, joined.OpenStep))
            OnJoined();
    }

    public override void On(RestoreFailed failed)
    {
        if (Run.Replicas.OnRestoreFailed(failed))
            OnJoined();
    }

    public override void On(GenerationRefused refused) => Run.BeginGeneration(Aim, refused.Newest);

    private void OnJoined()
    {
        if (!Generation.GiveRoles(Run.Options.Replicas, Run.Ends))
            return;
        bool knowsState = Run.Asked.HasLed || Run.Asked.Version > 0;
        var position = new JoinedPosition(
            Run.Step, Generation.Roles.AreWhole, Generation.Roles.LastOpen, knowsState, Run.Refusals.GoesBack,
            Generation.RestoreFailure is not null);
        long? from = knowsState ? Math.Max(Run.Step, Run.Ends.Before(Math.Max(1, Generation.LatestOpen))) : null;
        if (!Run.Asked.HasLed)
            TakeLead(position.IsLost);
        switch (RunCourse.AfterJoin(position))
        {
            case AfterJoin.Fail:
                Run.Nodes.OnFailed(Generation.RestoreFailure!);
                break;
            case AfterJoin.GoBack:
                GoBack(from);
                break;
            default:
                if (!Run.Replicas.Restores())
                    Run.Become(new AssigningPhase(Run, Aim));
                break;
        }
    }

    /// <summary>Goes on from where a coordinator before this one stood.</summary>
    private void Adopt(RunState state)
    {
        Run.Restore(state);
        Run.Rates.Replace(state.Rates);
        Run.Asked.Adopt(state);
        Aim = RunCourse.AfterTakeOver(Run.Plan.IsStoppedEarly, Run.Plan.KeepsBest);
    }

    // The parameter shards tell again what they reported since the last decision.
    private void TakeLead(bool goesBack)
    {
        if (Run.Asked.TakeLead() is { } keep)
            Run.Shell.Coordinator.Tell(keep, Run.Shell.Self);
        Run.Log.TakenOver(Run.Step, goesBack);
    }

    // A run that diverged waits for a checkpoint that is being written; where a parameter shard was lost, it cannot be
    // whole.
    private void GoBack(long? from)
    {
        if (Run.Refusals.GoesBack && Run.Checkpoints.IsWriting)
            Run.Become(new AwaitingDiskPhase(Run, Aim, () => GoBack(from)));
        else
            Run.Become(new GoingBackPhase(Run, Aim, from));
    }
}
