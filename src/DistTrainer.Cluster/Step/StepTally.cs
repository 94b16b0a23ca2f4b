using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// What went into the parameters, as a parameter shard sees it: what came with the open step's contributions, the sums
/// of the steps since the last report, and the reports that the run may have to be told again.
/// </summary>
/// <param name="dataShards">Data shards of a step, ≥ 1.</param>
internal sealed class StepTally(int dataShards)
{
    private readonly LossSums[] _losses = new LossSums[dataShards];
    private readonly List<ReportSteps> _reports = [];
    private ulong _sampleHash;

    // Of the steps since the last report; without the last one, where the run reaches only the step before.
    private StepSums _sums;
    private StepSums _sumsBefore;

    /// <summary>The sums of the steps since the last report.</summary>
    public StepSums Sums => _sums;

    /// <summary>A contribution is in, and those that it holds are replaced by it.</summary>
    public void Add(PushGradient push)
    {
        push.Losses.CopyTo(_losses, push.Node.Start);
        _sampleHash += push.SampleHash;
    }

    /// <summary>The losses of the open step, in the order of the data shards; all their contributions are in.</summary>
    public LossSums Losses()
    {
        LossSums losses = default;
        foreach (LossSums dataShard in _losses)
            losses += dataShard;
        return losses;
    }

    /// <summary>The open step is applied and belongs to the sums.</summary>
    /// <param name="before">The step after which parameters were handed out before.</param>
    /// <param name="step">The step.</param>
    /// <param name="losses">Its <see cref="Losses"/>.</param>
    /// <param name="counts">Whether it was not left out; else its samples count, but its losses do not.</param>
    public void Close(long before, long step, LossSums losses, bool counts) =>
        (_sumsBefore, _sums) = (_sums, _sums.With(before, step, counts ? losses : default, losses.Count, _sampleHash));

    /// <summary>The open step begins, perhaps anew: no contribution is in.</summary>
    public void Open() => _sampleHash = 0;

    /// <summary>Remembers a report of the <see cref="Sums"/>, which begin anew.</summary>
    public void Remember(ReportSteps report)
    {
        _sums = default;
        _reports.Add(report);
    }

    /// <summary>Forgets what the run has decided on: it is part of the run's state.</summary>
    /// <param name="step">The last step of the decision.</param>
    public void Forget(long step)
    {
        _reports.RemoveAll(report => report.Step <= step);
        if (_sums.LastStep <= step)
            _sums = default;
    }

    /// <summary>Forgets everything: the run goes back.</summary>
    public void Clear()
    {
        (_sums, _sumsBefore, _sampleHash) = (default, default, 0);
        _reports.Clear();
    }

    /// <summary>The reports after a step that the run knows.</summary>
    public IEnumerable<ReportSteps> ReportsAfter(long knownStep) => _reports.Where(report => report.Step > knownStep);

    /// <summary>All sums between two steps that are here, by first step, the longer first; they may overlap.</summary>
    /// <param name="knownStep">The last step that the run knows the sums of.</param>
    /// <param name="step">The last step that is wanted.</param>
    public StepSums[] Between(long knownStep, long step) =>
        [.. _reports.Select(report => report.Sums).Append(_sums).Append(_sumsBefore)
            .Where(sums => sums.FirstStep > knownStep && sums.LastStep <= step)
            .OrderBy(sums => sums.FirstStep).ThenByDescending(sums => sums.LastStep)];
}
