namespace DistTrainer.ParameterServer;

/// <summary>
/// The order between workers and parameter shards. A step is computed with the parameters of the step before, all of
/// them and no others, and is applied once every data shard is in. So its bits do not depend on who is fast; and since
/// nobody begins a step without everybody's part of the one before, no two are ever more than one step apart, and a
/// node need not keep the parameters of more than two. Whatever relies on that asks here.
/// </summary>
internal static class BulkSynchronous
{
    /// <summary>How far the open steps of two parameter shards, or of two copies of one, may be apart.</summary>
    public const int StepsApart = 1;

    /// <summary>
    /// Steps whose parameters a node keeps, where one may have to be computed again: those that the open steps of the
    /// slowest and of the fastest parameter shard are computed with. What else belongs to a step is kept as long.
    /// </summary>
    public const int Versions = StepsApart + 1;

    /// <summary>The step whose parameters a step is computed with. A worker waits for them, and for replicas.</summary>
    /// <param name="step">Counted from 1; 0 is before the first.</param>
    public static long ParametersOf(long step) => step - 1;

    /// <summary>Which of <see cref="Versions"/> places has what belongs to a step.</summary>
    /// <param name="step">≥ 0.</param>
    public static int PlaceOf(long step) => (int)((ulong)step % Versions);

    /// <summary>The earliest step whose parameters are still kept.</summary>
    /// <param name="openStep">The step whose contributions are taken.</param>
    public static long FirstKept(long openStep) => Math.Max(0, openStep - Versions);

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
    /// <param name="openStep">Its open step; 0 where it has no parameters.</param>
    /// <param name="newest">The newest open step of all.</param>
    public static bool IsUpToDate(long openStep, long newest) => openStep > 0 && openStep >= newest - StepsApart;
}
