using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Phases;

/// <summary>
/// Parameter shards copy themselves for a checkpoint; steps stand still for it, and go on while it is written.
/// </summary>
internal sealed class CopyingPhase(LedRun run) : RunPhase(run, RunAim.Checkpoint)
{
    private readonly Round _copied = new(run.Setup.Ranges.Count);

    public override void Begin()
    {
        if (Run.Checkpoints.HasBegun(Run.Step))
        {
            Run.GoOn();
            return;
        }
        if (Run.Checkpoints.IsWriting)
            return; // the one before: then it begins again
        Run.Await("checkpoint", () => Generation.ShardsBut(shard => Generation.IsReplica(shard) || _copied.Has(shard)));
        Generation.TellOwners(new CopyForCheckpoint(Generation.Number, Run.Step));
    }

    public override void OnCheckpointEnded() => Run.Become(new CopyingPhase(Run));

    public override void On(CheckpointCopied copied)
    {
        if (copied.Step != Run.Step || _copied.Has(copied.ParameterShard))
            return;
        Run.Writing.Copied(copied.Milliseconds);
        if (_copied.Add(copied.ParameterShard))
            Run.Writing.Begin([.. Generation.Owners], goOn: Run.GoOn); // steps first: they stand still
    }
}
