using DistTrainer.Engine.Training;

namespace DistTrainer.ParameterServer.Consistency;

/// <summary>
/// The order between workers and parameter shards: after which steps the parameters are handed out (the ends), and what
/// is handed in for them. What is handed in for an end is computed with the parameters of the end before, all of them
/// and no others, and the end is applied once every data shard is in. So its bits do not depend on who is fast; and
/// since nobody begins without everybody's part of the end before, no two are ever more than one end apart, and a node
/// need not keep the parameters of more than two. Pure functions of the step; whatever relies on them asks here
/// (<see cref="Ends"/>).
/// </summary>
internal interface IConsistency
{
    /// <summary>The first end after a step.</summary>
    /// <param name="step">≥ 0.</param>
    long Next(long step);

    /// <summary>The last end before a step: whose parameters the one at hand is computed with.</summary>
    /// <param name="step">≥ 1.</param>
    long Before(long step);

    /// <summary>Ends up to a step; one more from each end to the next.</summary>
    /// <param name="step">An end, 0, or what another process takes for one.</param>
    long IndexOf(long step);

    /// <summary>Whether parameters are handed in for an end; else gradients are.</summary>
    /// <param name="step">An end.</param>
    bool IsLocal(long step);
}

/// <summary>What follows from an <see cref="IConsistency"/>.</summary>
internal static class Ends
{
    /// <summary>How many ends the open steps of two parameter shards, or of two copies of one, may be apart.</summary>
    public const int Apart = 1;

    /// <summary>
    /// Ends whose parameters a node keeps, where one may have to be computed again: those that the open steps of the
    /// slowest and of the fastest parameter shard are computed with. What else belongs to an end is kept as long.
    /// </summary>
    public const int Versions = Apart + 1;

    /// <summary>A job's.</summary>
    /// <param name="training">The job's section.</param>
    /// <param name="stepsPerEpoch">Steps of an epoch.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    public static IConsistency Of(TrainingDescription training, int stepsPerEpoch, long totalSteps) =>
        training.Consistency is { Mode: ConsistencyMode.Local } local
            ? new LocalRounds(stepsPerEpoch, totalSteps, local.Steps, local.WarmUpSteps)
            : BulkSynchronous.Instance;

    /// <summary>The first end that is not before a step.</summary>
    public static long From(this IConsistency ends, long step) => step <= 0 ? 0 : ends.Next(step - 1);

    /// <summary>Which of <see cref="Versions"/> places has what belongs to an end.</summary>
    public static int PlaceOf(this IConsistency ends, long step) => (int)((ulong)ends.IndexOf(step) % Versions);

    /// <summary>The earliest end whose parameters are still kept.</summary>
    /// <param name="ends">The job's.</param>
    /// <param name="openStep">The end that contributions are taken for.</param>
    public static long FirstKept(this IConsistency ends, long openStep)
    {
        long step = openStep;
        for (int i = 0; i < Versions && step > 0; i++)
            step = ends.Before(step);
        return step;
    }

    /// <summary>Whether a multiple of a number of steps lies after the end before, up to this one.</summary>
    /// <param name="ends">The job's.</param>
    /// <param name="step">An end ≥ 1.</param>
    /// <param name="every">Steps, ≥ 1.</param>
    public static bool Passes(this IConsistency ends, long step, long every) =>
        step / every > ends.Before(step) / every;

    /// <summary>What becomes of a contribution by its step alone; only one of the open step is taken.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="openStep">The step whose contributions are taken.</param>
    public static PushOutcome OutcomeOf(long step, long openStep) =>
        step < openStep ? PushOutcome.Stale : step > openStep ? PushOutcome.Early : PushOutcome.Accepted;

    /// <summary>Whether a step can be applied: every data shard is in.</summary>
    /// <param name="received">Data shards whose contributions are in.</param>
    /// <param name="dataShards">Data shards of the job.</param>
    public static bool IsComplete(int received, int dataShards) => received == dataShards;

    /// <summary>Whether a copy of a parameter shard can go on with the others.</summary>
    /// <param name="ends">The job's.</param>
    /// <param name="openStep">Its open step; 0 where it has no parameters.</param>
    /// <param name="newest">The newest open step of all.</param>
    public static bool IsUpToDate(this IConsistency ends, long openStep, long newest) =>
        openStep > 0 && ends.IndexOf(openStep) >= ends.IndexOf(newest) - Apart;
}
