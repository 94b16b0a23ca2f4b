using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Losses;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>The log lines of a parameter shard (docs/logs.md).</summary>
internal sealed class ParameterShardLog(ILoggingAdapter log, TrainingSetup setup, ParameterShard shard)
{
    public void Owned(int generation) => log.Event(
        LogLevel.InfoLevel,
        "parameters-owned epoch={Epoch} step={Step} start={Start} count={Count} of={Of} optimizer={Optimizer} "
            + "generation={Generation}",
        setup.EpochOf(shard.OpenStep), shard.OpenStep, shard.Range.Start, shard.Range.Length,
        setup.Layout.Length, setup.Job.Optimizer.Kind, generation);

    public void Restored(string? checkpoint) => log.Event(
        LogLevel.InfoLevel, "parameters-restored epoch={Epoch} step={Step} checkpoint=\"{Checkpoint}\"",
        setup.EpochOf(shard.OpenStep), shard.Applied, checkpoint ?? "");

    public void StepSkipped(long step, LossSums losses) => log.Event(
        LogLevel.WarningLevel,
        "step-skipped epoch={Epoch} step={Step} loss={Loss:G6} reason=\"the gradient is not finite\"",
        setup.EpochOf(step), step, losses.MeanLoss);

    public void PushDropped(PushGradient push, PushOutcome outcome)
    {
        // After a generation began, the parameter shards that were a step ahead get that step once more; a slow worker
        // comes after its helper.
        long earliest = shard.Applied;
        bool isOrdinary = (outcome == PushOutcome.Stale && push.Step >= earliest)
            || (setup.Options.BackupWorkers && outcome is PushOutcome.Stale or PushOutcome.Duplicate);
        LogLevel level = isOrdinary ? LogLevel.DebugLevel : LogLevel.WarningLevel;
        log.Event(
            level, "push-dropped epoch={Epoch} step={Step} worker={Worker} outcome={Outcome} openStep={OpenStep}",
            setup.EpochOf(push.Step), push.Step, push.Worker, outcome, shard.OpenStep);
    }

    public void MessageDropped(IProtocolMessage old, int generation) => log.Event(
        LogLevel.DebugLevel, "message-dropped generation={Generation} expected={Expected} type={Type}",
        old.Generation, generation, old.GetType().Name);
}
