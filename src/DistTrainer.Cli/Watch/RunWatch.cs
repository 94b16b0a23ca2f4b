using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cli.Watch;

/// <summary>How far somebody who looks has read.</summary>
/// <param name="Run">Which run of this process, counted from 1.</param>
/// <param name="Version">The series' version.</param>
/// <param name="Points">Points that are known.</param>
/// <param name="Epochs">Epochs that are known.</param>
/// <param name="Lines">Log lines that are known, counted from the start.</param>
internal readonly record struct WatchCursor(int Run, int Version, int Points, int Epochs, long Lines);

/// <summary>What is new to somebody.</summary>
/// <param name="Cursor">How far they have read with this.</param>
/// <param name="IsAnew">Whether points and epochs take the place of those that are known.</param>
/// <param name="Run">The run; null before the first one of this process.</param>
/// <param name="Points">New points.</param>
/// <param name="Epochs">New epochs.</param>
/// <param name="Lines">New log lines; of very many the last ones.</param>
internal sealed record WatchNews(
    WatchCursor Cursor, bool IsAnew, WatchedRun? Run, IReadOnlyList<RunPoint> Points, IReadOnlyList<EpochReport> Epochs,
    IReadOnlyList<string> Lines);

/// <summary>A run that is watched.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="TotalSteps">Steps of the whole run; 0 before it has started.</param>
/// <param name="StepsPerEpoch">Steps of an epoch; 0 before it has started.</param>
/// <param name="Last">The last step report.</param>
/// <param name="Checkpoint">The last checkpoint's step.</param>
/// <param name="End">How it ended; null while it goes on.</param>
internal sealed record WatchedRun(
    string Name, string Folder, long TotalSteps, int StepsPerEpoch, StepReport? Last, long? Checkpoint, string? End);

/// <summary>
/// What a node's process knows of the run that it leads, and of its own log, in bounded memory, for those who look at
/// it: the dashboard. May be called from any thread.
/// </summary>
internal sealed class RunWatch : ITrainingObserver
{
    private const int LinesKept = 300;
    private readonly object _gate = new();
    private readonly Queue<string> _lines = new();
    private RunSeries _series = new();
    private WatchedRun? _run;
    private long _lineCount;
    private int _runs;
    private string? _followed;
    private bool _isFollowing;

    /// <summary>A run begins, or goes on here.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="folder">Its folder.</param>
    public void Begin(string name, string folder)
    {
        lock (_gate)
            (_run, _series, _runs, _isFollowing) =
                (new WatchedRun(name, folder, 0, 0, null, null, null), new RunSeries(), _runs + 1, false);
    }

    /// <summary>The run has ended.</summary>
    /// <param name="how">In a word or a sentence.</param>
    public void End(string how) => Change(run => run.End is null ? run with { End = how } : run);

    /// <summary>Takes a log line.</summary>
    public void Log(string line)
    {
        lock (_gate)
        {
            _lines.Enqueue(line);
            _lineCount++;
            if (_lines.Count > LinesKept)
                _lines.Dequeue();
        }
    }

    /// <summary>Where the run is led elsewhere: takes its course from the cluster's statuses.</summary>
    public void Follow(ClusterStatus? status)
    {
        lock (_gate)
        {
            if (status?.Run is not { Last: { } last } led || (_run is not null && !_isFollowing))
                return;
            if (_followed != led.Id)
                (_run, _series, _runs, _followed, _isFollowing) =
                    (new WatchedRun(led.Name, "", led.TotalSteps, last.StepsPerEpoch, null, null, null),
                    new RunSeries(), _runs + 1, led.Id, true);
            if (last.Step < _run!.Last?.Step)
                _series.GoBack(last.Step - 1);
            if (last.Step != _run.Last?.Step)
                _series.Add(last);
            _run = _run with { Last = last };
        }
    }

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps) => Change(run => run with
    {
        StepsPerEpoch = stepsPerEpoch,
        TotalSteps = totalSteps,
    });

    /// <inheritdoc/>
    public void OnStep(StepReport report) => Change(run =>
    {
        _series.Add(report);
        return run with { Last = report };
    });

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report) => Change(run =>
    {
        _series.Add(report);
        return run;
    });

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointReport report) => Change(run => run with { Checkpoint = report.Step });

    /// <inheritdoc/>
    public void OnWentBack(long lastStep) => Change(run =>
    {
        _series.GoBack(lastStep);
        return run;
    });

    /// <summary>What somebody who has read so far does not know yet.</summary>
    public WatchNews Since(WatchCursor known)
    {
        lock (_gate)
        {
            bool isAnew = known.Run != _runs || known.Version != _series.Version;
            int points = isAnew ? 0 : known.Points, epochs = isAnew ? 0 : known.Epochs;
            return new WatchNews(
                new WatchCursor(_runs, _series.Version, _series.Points.Count, _series.Epochs.Count, _lineCount), isAnew,
                _run, [.. _series.Points.Skip(points)], [.. _series.Epochs.Skip(epochs)],
                    [.. _lines.TakeLast((int)Math.Clamp(_lineCount - known.Lines, 0, _lines.Count))]);
        }
    }

    private void Change(Func<WatchedRun, WatchedRun> change)
    {
        lock (_gate)
        {
            if (_run is not null)
                _run = change(_run);
        }
    }
}
