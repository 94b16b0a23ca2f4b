using System.Diagnostics;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Benchmarks;

/// <summary>Cuts a run into timed chunks after a first one to warm up, and stops it after the last.</summary>
/// <param name="batch">Samples of a step.</param>
/// <param name="seconds">Least length of a chunk.</param>
/// <param name="chunks">How many.</param>
/// <param name="stop">Cancelled after the last.</param>
/// <param name="warmUp">Least length of the first one; null: as long as the others.</param>
internal class ChunkObserver(
    int batch, double seconds, int chunks, CancellationTokenSource stop, double? warmUp = null) : ITrainingObserver
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private long _steps;

    /// <summary>Samples a second of each chunk.</summary>
    public List<double> Chunks { get; } = [];

    /// <summary>Whether the first chunk is over.</summary>
    public bool IsWarm { get; private set; }

    /// <summary>Where the time of a step went, of the last report.</summary>
    public StepTimes Times { get; private set; }

    public void OnStarted(int stepsPerEpoch, long totalSteps) => _watch.Restart();

    public virtual void OnStep(StepReport report)
    {
        Times = report.Times;
        double least = IsWarm ? seconds : warmUp ?? seconds;
        if (_watch.Elapsed.TotalSeconds < least || stop.IsCancellationRequested)
            return;
        if (IsWarm)
            Chunks.Add((report.Step - _steps) * batch / _watch.Elapsed.TotalSeconds);
        IsWarm = true;
        _steps = report.Step;
        _watch.Restart();
        if (Chunks.Count == chunks)
            stop.Cancel();
    }

    public void OnEpoch(EpochReport report)
    {
    }
}
