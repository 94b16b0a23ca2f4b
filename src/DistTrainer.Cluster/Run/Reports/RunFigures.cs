using System.Diagnostics;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Metrics;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Run.Reports;

/// <summary>
/// Puts the parameter shards' reports together: losses, norms and speed. The clock runs only while steps do.
/// </summary>
internal sealed class RunFigures(TrainingSetup setup)
{
    private readonly Stopwatch _clock = new();
    private readonly SortedDictionary<long, ReportSteps?[]> _open = [];
    private LossSums _epoch;
    private LossSums _decided;
    private long _lastStep;
    private long _samples;
    private LossSums _unreported;
    private long _unreportedSamples;
    private TimeSpan _epochStart;
    private TimeSpan _reportStart;

    /// <summary>The last whole report; null before the first.</summary>
    public StepReport? Last { get; private set; }

    /// <summary>Mean training loss of the epoch so far, or of the last one that ended.</summary>
    public double TrainLoss { get; private set; } = double.NaN;

    /// <summary>Mean training loss of the last epoch that ended; null before the first.</summary>
    public double? LastEpochLoss { get; private set; }

    /// <summary>Training samples a second over the run.</summary>
    public double SamplesPerSecond => _clock.Elapsed > TimeSpan.Zero ? _samples / _clock.Elapsed.TotalSeconds : 0;

    private bool CountsCorrect => setup.Data.Schema.Task != TaskKind.Regression;

    /// <summary>Whether steps were reported since the last epoch ended.</summary>
    public bool HasSamples => _epoch.Count > 0;

    /// <summary>Steps begin.</summary>
    public void Resume() => _clock.Start();

    /// <summary>Steps stop for a decision.</summary>
    public void Pause() => _clock.Stop();

    /// <summary>Sums over the epoch up to the last decision.</summary>
    public LossSums EpochSums => _decided;

    /// <summary>The last step whose sums are in.</summary>
    public long LastStep => _lastStep;

    /// <summary>All steps up to a decision are in.</summary>
    public void Decide() => _decided = _epoch;

    /// <summary>Goes on from where a run stood: reports of later steps will come again.</summary>
    public void Restore(RunState state)
    {
        (_epoch, _decided, _lastStep) = (state.EpochSums, state.EpochSums, state.Step);
        (TrainLoss, LastEpochLoss) =
            (_epoch.Count > 0 ? _epoch.MeanLoss : state.TrainLoss ?? double.NaN, state.TrainLoss);
        _open.Clear();
        (_unreported, _unreportedSamples) = (default, 0);
    }

    /// <summary>Takes sums of steps that were not reported: the next report has them too.</summary>
    /// <returns>The ledger's entry; null where there are none, they are known, or steps before them are
    /// missing.</returns>
    public LedgerEntry? Add(StepSums sums)
    {
        LedgerEntry? entry = Take(sums);
        if (entry is not null)
            (_unreported, _unreportedSamples) = (_unreported + sums.Losses, _unreportedSamples + sums.Samples);
        return entry;
    }

    private LedgerEntry? Take(StepSums sums)
    {
        if (sums.FirstStep != _lastStep + 1)
            return null;
        _lastStep = sums.LastStep;
        foreach (long known in _open.Keys.Where(step => step <= _lastStep).ToArray())
            _open.Remove(known);
        _epoch += sums.Losses;
        _samples += sums.Samples;
        TrainLoss = _epoch.MeanLoss;
        return new LedgerEntry(
            setup.EpochOf(sums.LastStep), sums.FirstStep, sums.LastStep, sums.Samples, sums.SampleHash);
    }

    /// <summary>Takes one parameter shard's report; a second copy changes nothing.</summary>
    /// <param name="report">The report.</param>
    /// <param name="slowest">Times of the worker that computes longest.</param>
    /// <returns>Whole reports and the ledger's entries, in the order of the steps: those that have all parameter
    /// shards' and all steps before them.</returns>
    public IEnumerable<(StepReport Report, LedgerEntry Entry)> Add(ReportSteps report, WorkerTimes slowest)
    {
        if (report.Step <= _lastStep)
            yield break;
        if (!_open.TryGetValue(report.Step, out ReportSteps?[]? parts))
            _open[report.Step] = parts = new ReportSteps?[setup.Ranges.Count];
        parts[report.ParameterShard] = report;
        while (_open.Count > 0 && _open.First()
            .Value is var first && !first.Contains(null) && first[0]!.Sums.FirstStep == _lastStep + 1)
        {
            yield return Whole(first, slowest);
        }
    }

    private (StepReport Report, LedgerEntry Entry) Whole(ReportSteps?[] parts, WorkerTimes slowest)
    {
        ReportSteps report = parts[0]!;
        LedgerEntry entry = Take(report.Sums)!.Value;
        LossSums losses = _unreported + report.Sums.Losses;
        long samples = _unreportedSamples + report.Sums.Samples;
        (_unreported, _unreportedSamples) = (default, 0);
        TimeSpan now = _clock.Elapsed;
        double seconds = (now - _reportStart).TotalSeconds;
        _reportStart = now;
        var times = new StepTimes(
            slowest.Compute, slowest.Wait, parts.Max(part => part!.Times.Gather), parts.Max(part => part!.Times.Apply));
        Last = new StepReport(
            report.Step, setup.EpochOf(report.Step), setup.StepsPerEpoch, setup.TotalSteps,
                losses.MeanLoss,
            CountsCorrect ? (double)losses.Correct / losses.Count : null, report.LearningRate,
            GlobalNorm.Norm([.. parts.SelectMany(part => part!.BlockSums)]), PerSecond(samples, seconds), times);
        return (Last, entry);
    }

    // What the parameter shards tell again to the next coordinator took it no time.
    private static double PerSecond(long samples, double seconds) => seconds > 0 ? samples / seconds : 0;

    /// <summary>Ends an epoch.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="step">Its last step.</param>
    /// <param name="rate">That step's learning rate.</param>
    /// <param name="validation">Sums over the validation part; null where there is none.</param>
    /// <param name="figures">The validation part's other figures.</param>
    public EpochReport EndEpoch(int epoch, long step, double rate, LossSums? validation, PartFigures figures)
    {
        TimeSpan now = _clock.Elapsed;
        double seconds = (now - _epochStart).TotalSeconds;
        _epochStart = now;
        LossSums train = _epoch;
        (_epoch, _decided, _unreported, _unreportedSamples) = (default, default, default, 0);
        LastEpochLoss = train.MeanLoss;
        return new EpochReport(
            epoch, step, train.MeanLoss, CountsCorrect ? (double)train.Correct / train.Count : null,
            validation?.MeanLoss, CountsCorrect
                ? (double?)validation?.Correct / validation?.Count : null,
            rate, PerSecond(train.Count, seconds), seconds, ParameterHash.Compute(setup.Parameters.Of(step)))
        {
            Figures = setup.Job.Training.WantsFigures && validation is not null ? figures : new(),
        };
    }
}
