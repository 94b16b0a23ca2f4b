namespace DistTrainer.ParameterServer.Consistency;

/// <summary>
/// Rounds of steps, at whose ends parameters are handed in and out. A round ends after every so many steps of an epoch
/// and with the epoch, so that all that is decided after an epoch falls between two rounds; and with the run, which may
/// end in an epoch's midst. Before the first one there may be steps in bulk.
/// </summary>
/// <param name="stepsPerEpoch">Steps of an epoch, ≥ 1.</param>
/// <param name="totalSteps">Steps of the whole run, ≥ 1.</param>
/// <param name="steps">Steps of a round, ≥ 1.</param>
/// <param name="warmUp">Steps in bulk before the first round, ≥ 0.</param>
internal sealed class LocalRounds(int stepsPerEpoch, long totalSteps, int steps, long warmUp) : IConsistency
{
    private readonly long _roundsPerEpoch = (stepsPerEpoch + (long)steps - 1) / steps;

    public long Next(long step) => step < warmUp || step >= totalSteps
        ? step + 1 // what comes after the run has no rounds
        : Math.Min(totalSteps, EndAfter(step));

    public long Before(long step) =>
        step <= warmUp || step > totalSteps ? step - 1 : Math.Max(warmUp, BeginOf(step));

    public long IndexOf(long step)
    {
        if (step <= warmUp || totalSteps <= warmUp)
            return Math.Max(0, step);
        long within = Math.Min(step, totalSteps);
        bool isCut = within == totalSteps && EndAfter(within - 1) != within;
        return warmUp + Rounds(within) - Rounds(warmUp) + (isCut ? 1 : 0) + (step - within);
    }

    public bool IsLocal(long step) => step > warmUp && step <= totalSteps;

    private long EndAfter(long step)
    {
        long epoch = step / stepsPerEpoch, within = step % stepsPerEpoch;
        return (epoch * stepsPerEpoch) + Math.Min(stepsPerEpoch, ((within / steps) + 1) * steps);
    }

    /// <summary>The step after which the round of a step begins.</summary>
    private long BeginOf(long step)
    {
        long epoch = (step - 1) / stepsPerEpoch, within = (step - 1) % stepsPerEpoch;
        return (epoch * stepsPerEpoch) + (within / steps * steps);
    }

    /// <summary>Rounds that have ended with a step, if there were no steps in bulk.</summary>
    private long Rounds(long step) =>
        (step / stepsPerEpoch * _roundsPerEpoch) + (step % stepsPerEpoch / steps);
}
