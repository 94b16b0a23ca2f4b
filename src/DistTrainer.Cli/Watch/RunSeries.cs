using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Watch;

/// <summary>One point of a run's curves: the means of one step report, or of several.</summary>
/// <param name="Report">Figures; of the last one where they cannot be averaged.</param>
/// <param name="Count">Reports that went in.</param>
internal readonly record struct RunPoint(StepReport Report, int Count)
{
    /// <summary>Two neighbours as one.</summary>
    public RunPoint With(RunPoint next)
    {
        double a = Count / (double)(Count + next.Count), b = 1 - a;
        StepReport before = Report;
        StepReport joined = ReportFigures.OfStep.Where(figure => figure.IsMean).Aggregate(
            next.Report, (report, figure) => figure.With(report, (a * figure.Of(before)) + (b * figure.Of(report))));
        return new RunPoint(joined, Count + next.Count);
    }
}

/// <summary>
/// A run's whole course in bounded memory: when the points are as many as may be, neighbours become one, and from then
/// on a point takes twice as many reports.
/// </summary>
/// <param name="most">Points and epochs at most; even.</param>
internal sealed class RunSeries(int most = 2000)
{
    private readonly List<RunPoint> _points = [];
    private readonly List<EpochReport> _epochs = [];
    private RunPoint? _open;
    private int _reportsAPoint = 1;
    private int _epochsAPoint = 1;
    private int _skipped;

    /// <summary>Grows whenever points that were there before have changed.</summary>
    public int Version { get; private set; }

    /// <summary>The points, in the order of steps.</summary>
    public IReadOnlyList<RunPoint> Points => _points;

    /// <summary>The epochs; of very many every second, fourth, … .</summary>
    public IReadOnlyList<EpochReport> Epochs => _epochs;

    /// <summary>Takes a report.</summary>
    public void Add(StepReport report)
    {
        var point = new RunPoint(report, 1);
        _open = _open is { } before ? before.With(point) : point;
        if (_open.Value.Count < _reportsAPoint)
            return;
        _points.Add(_open.Value);
        _open = null;
        if (_points.Count < most)
            return;
        _reportsAPoint *= 2;
        Halve(_points, (a, b) => a.With(b));
    }

    /// <summary>Takes an epoch.</summary>
    public void Add(EpochReport report)
    {
        if (++_skipped < _epochsAPoint)
            return;
        _skipped = 0;
        _epochs.Add(report);
        if (_epochs.Count < most)
            return;
        _epochsAPoint *= 2;
        Halve(_epochs, (_, b) => b);
    }

    /// <summary>Drops what came after a step.</summary>
    public void GoBack(long lastStep)
    {
        _points.RemoveAll(point => point.Report.Step > lastStep);
        _epochs.RemoveAll(epoch => epoch.Step > lastStep);
        _open = null;
        Version++;
    }

    private void Halve<T>(List<T> list, Func<T, T, T> join)
    {
        for (int i = 0; i < list.Count / 2; i++)
            list[i] = join(list[2 * i], list[(2 * i) + 1]);
        list.RemoveRange(list.Count / 2, list.Count - (list.Count / 2));
        Version++;
    }
}
