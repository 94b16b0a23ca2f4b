using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// Writes <c>metrics.jsonl</c>, <c>metrics.csv</c> and <c>ledger.jsonl</c>, and keeps what the curves need: the epochs,
/// and before the first has ended the steps. A run that goes on, or goes back, goes on in the same files: what they say
/// of later steps is dropped.
/// </summary>
internal sealed class RunRecorder : ITrainingObserver, IDisposable
{
    private readonly LineFile _metrics;
    private readonly LineFile _table;
    private readonly LineFile _ledger;
    private readonly List<StepReport> _steps = [];
    private readonly List<EpochReport> _epochs = [];

    /// <summary>Opens the files.</summary>
    /// <param name="folder">The run folder.</param>
    /// <param name="header">What the ledger counts.</param>
    /// <param name="lastStep">The last step that is in; later ones are dropped.</param>
    /// <param name="replay">Hears the reports that the files have already; null: nobody does.</param>
    public RunRecorder(RunFolder folder, LedgerHeader header, long lastStep, ITrainingObserver? replay = null)
    {
        _metrics = new LineFile(folder.FileAt("metrics.jsonl"), folder.Look);
        _table = new LineFile(folder.FileAt("metrics.csv"), folder.Look);
        _ledger = new LineFile(folder.FileAt(LedgerFile.Name), folder.Look);
        if (!_metrics.IsEmpty)
            Recall(Path.Combine(folder.Path, "metrics.jsonl"), lastStep, replay);
        DropAfter(lastStep);
        if (_table.IsEmpty)
            _table.Add(MetricsTable.Header);
        if (_ledger.IsEmpty)
            _ledger.Add(LedgerFile.Line(header));
    }

    /// <summary>The step reports of the first epoch.</summary>
    public IReadOnlyList<StepReport> Steps => _steps;

    /// <summary>All epoch reports so far.</summary>
    public IReadOnlyList<EpochReport> Epochs => _epochs;

    /// <summary>Why a line could not be written; null while all is well.</summary>
    public DistTrainerException? Failure => _metrics.Failure ?? _table.Failure ?? _ledger.Failure;

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
        if (_epochs.Count == 0)
            _steps.Add(report);
        _metrics.Add(RunLines.Of(report));
        _table.Add(MetricsTable.Of(report));
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        _epochs.Add(report);
        _metrics.Add(RunLines.Of(report));
        _table.Add(MetricsTable.Of(report));
    }

    /// <inheritdoc/>
    public void OnLedger(LedgerEntry entry) => _ledger.Add(LedgerFile.Line(entry));

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointReport report)
    {
        _metrics.Add(RunLines.Of(report));

        // Whoever goes on from the checkpoint after a loss of power finds every step up to it.
        _ledger.Flush();
        _metrics.Flush();
        _table.Flush();
    }

    /// <inheritdoc/>
    public void OnWentBack(long lastStep)
    {
        _steps.RemoveAll(report => report.Step > lastStep);
        _epochs.RemoveAll(report => report.Step > lastStep);
        DropAfter(lastStep);
    }

    /// <summary>Closes the files.</summary>
    public void Dispose()
    {
        _metrics.Dispose();
        _table.Dispose();
        _ledger.Dispose();
    }

    private void Recall(string path, long lastStep, ITrainingObserver? replay)
    {
        foreach ((long step, object? report) in LineFile.WholeLines(path).Select(RunLines.Read)
            .OfType<(long, object?)>().Where(line => line.Item1 <= lastStep))
        {
            if (report is StepReport ofStep)
            {
                if (_epochs.Count == 0)
                    _steps.Add(ofStep);
                replay?.OnStep(ofStep);
            }
            else if (report is EpochReport ofEpoch)
            {
                _epochs.Add(ofEpoch);
                replay?.OnEpoch(ofEpoch);
            }
        }
    }

    private void DropAfter(long lastStep)
    {
        if (!_metrics.IsEmpty)
            _metrics.Keep(line => RunLines.Read(line) is { } found && found.Step <= lastStep);
        if (!_table.IsEmpty)
            _table.Keep(line => MetricsTable.IsUpTo(line, lastStep));
        if (!_ledger.IsEmpty)
            _ledger.Keep(line => KeepsEntry(line, lastStep));
    }

    // A line that is no entry is the header, or a damage that must show when the ledger is checked.
    private static bool KeepsEntry(string line, long lastStep)
    {
        try
        {
            return LedgerFile.ReadEntry(line).LastStep <= lastStep;
        }
        catch (FormatException)
        {
            return true;
        }
    }
}
