using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli;

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
    private readonly List<RunPoint> points = [];
    private readonly List<EpochReport> epochs = [];
    private RunPoint? open;
    private int reportsAPoint = 1;
    private int epochsAPoint = 1;
    private int skipped;

    /// <summary>Grows whenever points that were there before have changed.</summary>
    public int Version { get; private set; }

    /// <summary>The points, in the order of steps.</summary>
    public IReadOnlyList<RunPoint> Points => points;

    /// <summary>The epochs; of very many every second, fourth, … .</summary>
    public IReadOnlyList<EpochReport> Epochs => epochs;

    /// <summary>Takes a report.</summary>
    public void Add(StepReport report)
    {
        var point = new RunPoint(report, 1);
        open = open is { } before ? before.With(point) : point;
        if (open.Value.Count < reportsAPoint)
            return;
        points.Add(open.Value);
        open = null;
        if (points.Count < most)
            return;
        reportsAPoint *= 2;
        Halve(points, (a, b) => a.With(b));
    }

    /// <summary>Takes an epoch.</summary>
    public void Add(EpochReport report)
    {
        if (++skipped < epochsAPoint)
            return;
        skipped = 0;
        epochs.Add(report);
        if (epochs.Count < most)
            return;
        epochsAPoint *= 2;
        Halve(epochs, (_, b) => b);
    }

    /// <summary>Drops what came after a step.</summary>
    public void GoBack(long lastStep)
    {
        points.RemoveAll(point => point.Report.Step > lastStep);
        epochs.RemoveAll(epoch => epoch.Step > lastStep);
        open = null;
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
