using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// The full learning rates that were set while the run went on, by the step since when. They are part of what the
/// parameters are a function of: a run that goes back uses each of them again for the same steps.
/// </summary>
internal sealed class RunRates
{
    private readonly List<RateSet> _sets = [];

    /// <summary>All of them, by their steps.</summary>
    public RateSet[] All => [.. _sets];

    /// <summary>The rate of a step; null: the job's.</summary>
    public double? At(long step) =>
        _sets.FindLast(set => set.FirstStep <= step) is { FirstStep: > 0 } set ? set.Rate : null;

    /// <summary>
    /// The last step before the rate changes, after a step; <see cref="long.MaxValue"/> where it does not.
    /// </summary>
    public long LastBeforeChange(long step) =>
        _sets.Find(set => set.FirstStep - 1 > step) is { FirstStep: > 0 } set ? set.FirstStep - 1 : long.MaxValue;

    /// <summary>From a step on the rate is another; what was set for later steps is forgotten.</summary>
    public void Set(long firstStep, double rate)
    {
        _sets.RemoveAll(set => set.FirstStep >= firstStep);
        _sets.Add(new RateSet(firstStep, rate));
    }

    /// <summary>What a checkpoint knows; who knows more keeps what it has.</summary>
    public void Restore(RateSet[] sets)
    {
        if (sets.Length > _sets.Count)
            Replace(sets);
    }

    /// <summary>What the coordinator before this one knew.</summary>
    public void Replace(RateSet[] sets)
    {
        _sets.Clear();
        _sets.AddRange(sets);
    }
}
