using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run;

// How the run is going: to logs, to the observer, and to whoever asks.
internal sealed partial class RunActor
{
    private readonly HashSet<int> _slow = [];
    private StepReport? _lastReport;

    /// <summary>Asks how the run is going. Reply: <see cref="RunStatus"/>.</summary>
    internal sealed record StatusRequest(string Id, string Name);

    private void OnWorkerTimes(ReportWorker report)
    {
        _figures.Add(report);
        if (_figures.SlowerThanOthers(report.Worker) is not { } others)
            return;
        if (_slow.Add(report.Worker))
        {
            _log.Event(LogLevel.WarningLevel, "worker-slow worker={Worker} node={Node} epoch={Epoch} step={Step} computeMilliseconds={Compute:F1} othersMilliseconds={Others:F1}",
                report.Worker, _workers[report.Worker].Node.Name, _setup.EpochOf(report.Step), report.Step, report.Times.Compute, others);
        }
        BackUp(report.Worker, report.Step);
    }

    private RunStatus Status(StatusRequest request)
    {
        string state = _isPaused ? "paused" : !_members.AreEnough ? $"waiting for {_members.Missing}" : _flows ? "running" : _phase switch
        {
            Phase.Running => "joining",
            Phase.Validating or Phase.Finishing => "evaluating",
            Phase.Deciding or Phase.Checkpointing => "writing a checkpoint",
            _ => "keeping the best",
        };
        WorkerStatus[] workers = [.. _workers.Select((place, worker) =>
        {
            (int first, int count) = DataShardsOf(worker);
            return new WorkerStatus(worker, place.Node.Name, new DataShardRange(first, count), _figures.TimesOf(worker));
        })];
        int owners = _setup.Ranges.Count;
        ParameterShardStatus[] shards = [.. _parameterShards.Select((place, number) => new ParameterShardStatus(IsReplica(number) ? _roles.Replicas[number - owners] : number, place.Node.Name, IsReplica(number)))];
        return new RunStatus(
            request.Id, request.Name, state, _generation, _setup.EpochOf((_lastReport?.Step ?? _step) + 1), _lastReport?.Step ?? _step, _setup.TotalSteps,
            _lastReport, workers, shards);
    }

    private void ReportStep(StepReport report)
    {
        _lastReport = report;
        _observer.OnStep(report);
        _log.Event(report);
    }

    private void LogEpoch(EpochReport report) => _log.Event(report);
}
