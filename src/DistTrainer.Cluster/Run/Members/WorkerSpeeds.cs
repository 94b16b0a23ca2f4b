using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// How fast the workers of a generation are, by what they report, and which is slow beside the others.
/// </summary>
internal sealed class WorkerSpeeds
{
    private const int Remembered = 3;
    private readonly Dictionary<int, (WorkerTimes Times, int SlowReports)> _workers = [];
    private readonly Dictionary<int, Queue<double>> _last = [];
    private readonly HashSet<int> _named = [];

    /// <summary>The times of the worker that computes longest; zero before the first report.</summary>
    public WorkerTimes Slowest =>
        _workers.Values.Select(worker => worker.Times).DefaultIfEmpty().MaxBy(times => times.Compute);

    /// <summary>Takes a worker's report. The first one does not count as slow: everything is slow at first.</summary>
    public void Add(ReportWorker report)
    {
        bool isFirst = !_workers.TryGetValue(report.Worker, out (WorkerTimes Times, int SlowReports) before);
        bool isSlow = !isFirst && OthersOf(report.Worker) is { } others
            && report.Times.Compute > Math.Max(2 * others, others + StepTimesWatch.SlowAtLeast);
        _workers[report.Worker] = (report.Times, isSlow ? before.SlowReports + 1 : 0);
        if (isFirst)
        {
            _last[report.Worker] = new Queue<double>();
            return;
        }
        _last[report.Worker].Enqueue(report.Times.Compute);
        if (_last[report.Worker].Count > Remembered)
            _last[report.Worker].Dequeue();
    }

    /// <summary>
    /// A worker's compute time a step in milliseconds: the least of its last three reports, at least two, but for its
    /// first one, so that a short disturbance does not count; null: there are not so many.
    /// </summary>
    public double? UsualOf(int worker) =>
        _last.TryGetValue(worker, out Queue<double>? last) && last.Count >= 2 ? last.Min() : null;

    /// <summary>A worker's times of its last report; zero before the first.</summary>
    public WorkerTimes TimesOf(int worker) => _workers.GetValueOrDefault(worker).Times;

    /// <summary>
    /// The others' median compute time in milliseconds, if by its last two reports this worker takes more than twice as
    /// long, and at least <see cref="StepTimesWatch.SlowAtLeast"/> longer; else null.
    /// </summary>
    public double? SlowerThanOthers(int worker) =>
        _workers.GetValueOrDefault(worker).SlowReports >= 2 ? OthersOf(worker) : null;

    /// <summary>Whether a slow worker is named for the first time.</summary>
    public bool Name(int worker) => _named.Add(worker);

    private double? OthersOf(int worker)
    {
        double[] others =
            [.. _workers.Where(entry => entry.Key != worker).Select(entry => entry.Value.Times.Compute).Order()];
        return others.Length == 0 ? null : others[others.Length / 2];
    }
}
