using System.Globalization;
using Akka.Event;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cluster.Run.Reports;

/// <summary>
/// Tells what happens in a run, once for all who hear it: the actor's log, the meter and the observer. One method an
/// event; docs/logs.md explains each line. Steps in it are those that are done; a line's epoch is that of the step
/// after them.
/// </summary>
/// <param name="setup">Sizes of the run.</param>
/// <param name="log">The run actor's log.</param>
/// <param name="observer">Hears what belongs into a run folder.</param>
internal sealed class RunLog(TrainingSetup setup, ILoggingAdapter log, ITrainingObserver observer)
{
    /// <summary>Whether norms of each tensor are wanted at decisions.</summary>
    public bool WantsNorms => log.IsDebugEnabled;

    public void Started(int workers)
    {
        Info("run-started workers={Workers} parameterShards={ParameterShards} dataShards={DataShards} "
            + "parameters={Parameters} samples={Samples} stepsPerEpoch={StepsPerEpoch} totalSteps={TotalSteps}",
            workers, setup.Ranges.Count, setup.Job.Training.DataShards, setup.Layout.Length,
            setup.Data.Train.Count, setup.StepsPerEpoch, setup.TotalSteps);
        SignalReport.Log(setup, log);
        observer.OnStarted(setup.StepsPerEpoch, setup.TotalSteps);
    }

    public void TakenOver(long step, bool goesBack)
    {
        Info("run-taken-over epoch={Epoch} step={Step}", EpochAfter(step), step);
        if (!goesBack)
            observer.OnWentBack(step);
    }

    public void GenerationBegun(Generation generation)
    {
        long open = generation.Roles.FirstOpen;
        TrainingMeter.Generation(generation.Number, generation.Workers.Length);
        Info("generation-begun generation={Generation} epoch={Epoch} step={Step} workers={Workers} "
            + "parameterShards={ParameterShards} replicas={Replicas}",
            generation.Number, setup.EpochOf(open), open, generation.Workers.Length, setup.Ranges.Count,
            generation.Roles.Replicas.Length);
    }

    public void LinkFailed(int generation, string message) =>
        Warn("link-failed generation={Generation} message=\"{Message}\"", generation, message);

    public void LinkLost(LinkLost lost, long step) =>
        Warn("link-lost node={Node} peer={Peer} epoch={Epoch} step={Step} reason=\"{Reason}\"",
            lost.Node, lost.Peer, EpochAfter(step), step, lost.Reason);

    public void NodeJoined(ActorsHosted node) =>
        Info("node-joined node={Node} parameterShards={ParameterShards} workers={Workers}",
            node.Node.Name, node.ParameterShards.Length, node.Workers.Length);

    public void NodeGone(ActorsHosted gone, long step, string reason)
    {
        TrainingMeter.NodeLost();
        Warn("node-gone node={Node} workers={Workers} parameterShards={ParameterShards} epoch={Epoch} step={Step} "
            + "reason=\"{Reason}\"",
            gone.Node.Name, gone.Workers.Length, gone.ParameterShards.Length, EpochAfter(step), step, reason);
    }

    public void Requested(string name, long step) => Info(name + " epoch={Epoch} step={Step}", EpochAfter(step), step);

    public void Paused(long step) => Info("run-paused epoch={Epoch} step={Step}", EpochAfter(step), step);

    public void RateSet(long step, double rate) =>
        Info("learning-rate-set epoch={Epoch} step={Step} learningRate={LearningRate:G6}",
            EpochAfter(step), step + 1, rate);

    public void RateLowered(long step, double rate, int attempt) =>
        Warn("learning-rate-lowered epoch={Epoch} step={Step} learningRate={LearningRate:G6} attempt={Attempt} of={Of}",
            EpochAfter(step), step, rate, attempt, setup.Job.Training.Divergence.Attempts);

    public void Refused(RefuseContribution refused, string node) =>
        Warn("contribution-refused epoch={Epoch} step={Step} worker={Worker} node={Node} "
            + "parameterShard={ParameterShard} "
            + "firstDataShard={First} dataShards={Count} reason=\"not finite\"",
            setup.EpochOf(refused.Step), refused.Step, refused.Worker, node, refused.ParameterShard, refused.Node.Start,
            refused.Node.Count);

    public void SumsMissing(long target, long known, long step)
    {
        Info("sums-missing epoch={Epoch} step={Step} known={Known}", setup.EpochOf(target), target, known);
        observer.OnWentBack(step);
    }

    public void Counted(LedgerEntry entry) => observer.OnLedger(entry);

    public void Steps(StepReport report, LedgerEntry entry)
    {
        observer.OnLedger(entry);
        TrainingMeter.Step(report, entry.LastStep - entry.FirstStep + 1, entry.Samples);
        observer.OnStep(report);
        log.Event(report);
    }

    public void Histogram(HistogramReport report) => observer.OnHistogram(report);

    public void Norms(IReadOnlyList<TensorStatistics> statistics, long step)
    {
        if (log.IsDebugEnabled && statistics.Count > 0)
            LayerNorms.Log(setup, statistics, step, log);
    }

    public void EpochEnded(EpochReport report)
    {
        TrainingMeter.Epoch(report);
        observer.OnEpoch(report);
        log.Event(report);
    }

    public void BestRestored(long step, int bestEpoch) =>
        Info("best-restored epoch={Epoch} step={Step} bestEpoch={BestEpoch}", setup.EpochOf(step), step, bestEpoch);

    public void WorkerSlow(ReportWorker report, string node, double others) =>
        Warn("worker-slow worker={Worker} node={Node} epoch={Epoch} step={Step} computeMilliseconds={Compute:F1} "
            + "othersMilliseconds={Others:F1}",
            report.Worker, node, setup.EpochOf(report.Step), report.Step, report.Times.Compute, others);

    public void DealtBySpeed(Generation generation, long step, double gain) =>
        Info("data-shards-dealt epoch={Epoch} step={Step} generation={Generation} dataShards=\"{DataShards}\" "
            + "gain={Gain:F2}",
            EpochAfter(step), step, generation.Number,
            string.Join(' ', Enumerable.Range(0, generation.Workers.Length)
                .Select(worker => generation.DataShardsOf(worker).Count)), gain);

    public void BackupAssigned(int helper, string node, int slow, string slowNode, long step) =>
        Warn("backup-assigned worker={Worker} node={Node} for={Slow} slowNode={SlowNode} epoch={Epoch} step={Step}",
            helper, node, slow, slowNode, setup.EpochOf(step), step);

    public void ReplicaRefused(ParameterShardCopyPlace copy, long step, string reason) =>
        Warn("replica-refused node={Node} parameterShard={ParameterShard} epoch={Epoch} step={Step} "
            + "reason=\"{Reason}\"",
            copy.Place.Node.Name, copy.Index, EpochAfter(step), step, reason);

    public void CheckpointWritten(CheckpointTarget target, CheckpointReport report)
    {
        Info("checkpoint-written epoch={Epoch} step={Step} folder=\"{Folder}\" bytes={Bytes} "
            + "pauseMilliseconds={Pause:F1} seconds={Seconds:F2}",
            EpochOf(target.Step), target.Step, report.Folder, report.Bytes,
                report.Pause.TotalMilliseconds, report.Seconds);
        TrainingMeter.Checkpoint(report);
        observer.OnCheckpoint(report);
    }

    public void CheckpointFailed(CheckpointTarget target, string message) =>
        log.Event(
            LogLevel.ErrorLevel,
            "checkpoint-failed epoch={Epoch} step={Step} folder=\"{Folder}\" message=\"{Message}\"",
            EpochOf(target.Step), target.Step, target.Folder, message);

    public void CheckpointRefused(RefusedCheckpoint refused) =>
        Warn("checkpoint-refused folder=\"{Folder}\" reason=\"{Reason}\"", refused.Folder, refused.Reason);

    public void FolderAway(string message) => Warn("run-folder-away message=\"{Message}\"", message);

    public void WentBack(long step, long? from, string? checkpoint)
    {
        Warn("run-went-back epoch={Epoch} step={Step} from={From} checkpoint=\"{Checkpoint}\"",
            EpochAfter(step), step, from?.ToString(CultureInfo.InvariantCulture) ?? "unknown", checkpoint ?? "");
        TrainingMeter.WentBack(Math.Max(0, (from ?? step) - step));
    }

    public void GoesOnFrom(long step) => observer.OnWentBack(step);

    public void WaitingFor(string who, string what, long step, TimeSpan since) =>
        Warn("waiting-for who=\"{Who}\" for={What} epoch={Epoch} step={Step} seconds={Seconds:F1}",
            who, what, EpochAfter(step), step, since.TotalSeconds);

    public void WaitingForStep(string who, WaitingFor waiting) =>
        Warn("waiting-for who=\"{Who}\" for=step epoch={Epoch} step={Step} parameterShard={ParameterShard} "
            + "seconds={Seconds:F1}",
            who, setup.EpochOf(waiting.Step), waiting.Step, waiting.ParameterShard, waiting.Seconds);

    public void WaitingToStart(string missing, TimeSpan since) =>
        Info("waiting-for who=\"{Missing}\" for=start seconds={Seconds:F0}", missing, since.TotalSeconds);

    public void Ended(long step, TrainingResult result) =>
        Info("run-ended epoch={Epoch} step={Step} reason={Reason} samplesPerSecond={SamplesPerSecond:F0} "
            + "parameterHash={ParameterHash}",
            EpochOf(step), step, result.Reason, result.SamplesPerSecond, result.ParameterHash);

    public void Failed(long step, DistTrainerException failure) =>
        log.Event(LogLevel.ErrorLevel, "run-failed epoch={Epoch} step={Step} kind={Kind} message=\"{Message}\"",
            EpochAfter(step), step, failure.Kind, failure.Message);

    private int EpochAfter(long step) => setup.EpochOf(step + 1);

    private int EpochOf(long step) => setup.EpochOf(Math.Max(1, step));

    private void Info(string template, params object?[] values) => log.Event(LogLevel.InfoLevel, template, values);

    private void Warn(string template, params object?[] values) => log.Event(LogLevel.WarningLevel, template, values);
}
