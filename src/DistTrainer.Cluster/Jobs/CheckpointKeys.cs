using Table = DistTrainer.Cluster.JobTable<DistTrainer.Cluster.CheckpointSettings>;

namespace DistTrainer.Cluster;

/// <summary>The keys of <c>checkpoint</c>.</summary>
internal static class CheckpointKeys
{
    private const int Most = 1_000_000_000;

    private static readonly TimeSpan s_longest = TimeSpan.FromDays(365);

    /// <summary>The section.</summary>
    public static JobSection<CheckpointSettings> Section { get; } = new(
        () => new CheckpointSettings(),
        Table.Key("every-steps", "Steps between two checkpoints; 0: steps do not count", JobValues.Whole(0L, Most), c => c.EverySteps, (c, v) => c with { EverySteps = v }),
        Table.Key("every-time", "Time between two checkpoints; 0s: time does not count. With every-steps = 0 as well, none are written", NodeValues.Duration(TimeSpan.Zero, s_longest), c => c.EveryTime, (c, v) => c with { EveryTime = v }),
        Table.Key("keep", "How many of the last checkpoints stay", JobValues.Whole(1, Most), c => c.Keep, (c, v) => c with { Keep = v }),
        Table.Key("keep-best", "How many of those with the lowest validation loss stay as well; only those of an epoch's last step have one", JobValues.Whole(0, Most), c => c.KeepBest, (c, v) => c with { KeepBest = v }));
}
