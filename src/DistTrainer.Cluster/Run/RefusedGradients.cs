using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Training;

namespace DistTrainer.Cluster.Run;

/// <summary>What follows when a contribution that is not finite was refused.</summary>
internal enum RefusalAnswer
{
    /// <summary>Other workers compute the step's data shards again.</summary>
    ComputeElsewhere,

    /// <summary>The run goes back to a checkpoint, and on with a lower rate.</summary>
    GoBack,

    /// <summary>The step is taken as it is, and left out by all.</summary>
    LeaveOut,

    /// <summary>The run ends.</summary>
    End,
}

/// <summary>
/// Decides about contributions that are not finite. The first time at a step somebody else computes the data shards
/// again: memory or a network may have damaged the contribution. If it is refused again, the gradient itself is not
/// finite, and the job says what to do.
/// </summary>
/// <param name="policy">What the job says.</param>
internal sealed class RefusedGradients(DivergenceDescription policy)
{
    private long _refusedStep;

    /// <summary>What has been done so far; it outlives a coordinator.</summary>
    public DivergenceState State { get; private set; }

    /// <summary>Whether the run is on its way back to a checkpoint.</summary>
    public bool GoesBack { get; private set; }

    /// <summary>What was tried before, for people, as the end of a clause; empty: nothing.</summary>
    public string Tried =>
        (State.Lowered > 0 ? $", also after the learning rate was lowered {State.Lowered} times" : "")
        + (State.LeftOut > 1 ? $", as those of the {State.LeftOut - 1} steps before it" : "");

    /// <summary>Goes on from where a run stood; a rate that was lowered since then stays lowered.</summary>
    public void Restore(DivergenceState state) =>
        State = state.Lowered < State.Lowered
            ? state with { Lowered = State.Lowered, FirstRate = State.FirstRate } : state;

    /// <summary>A contribution was refused.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="mayRecompute">Whether the step's parameters are still there to compute it again.</param>
    public RefusalAnswer OnRefused(long step, bool mayRecompute)
    {
        if (_refusedStep != step && mayRecompute)
        {
            _refusedStep = step;
            return RefusalAnswer.ComputeElsewhere;
        }
        switch (policy.Policy)
        {
            case DivergencePolicy.GoBack when State.Lowered < policy.Attempts:
                (GoesBack, _refusedStep) = (true, 0);
                return RefusalAnswer.GoBack;
            case DivergencePolicy.SkipStep:
                State = State with
                {
                    AdmittedStep = step,
                    LeftOut = step == State.AdmittedStep + 1 ? State.LeftOut + 1 : 1,
                };
                return State.LeftOut <= policy.Attempts ? RefusalAnswer.LeaveOut : RefusalAnswer.End;
            default:
                return RefusalAnswer.End;
        }
    }

    /// <summary>The run has gone back.</summary>
    /// <param name="rate">The full rate that it had there.</param>
    /// <returns>The lower one that it goes on with; null where it did not go back because of a gradient.</returns>
    public double? WentBack(double rate)
    {
        if (!GoesBack)
            return null;
        GoesBack = false;
        State = State with { Lowered = State.Lowered + 1, FirstRate = State.FirstRate ?? rate };
        return State.FirstRate * Math.Pow(policy.RateFactor, State.Lowered);
    }
}
