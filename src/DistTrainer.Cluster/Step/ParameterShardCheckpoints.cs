using System.Diagnostics;
using Akka.Actor;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// What a parameter shard does for checkpoints, without the actor: copies itself between two steps, writes the copy
/// while steps go on, and goes back to one.
/// </summary>
internal sealed class ParameterShardCheckpoints(TrainingSetup setup, ParameterShard shard)
{
    private ParameterShardCopy? _copy;
    private Task<PartWritten>? _writing;
    private CheckpointTarget? _target;

    /// <summary>Copies the parameter shard as it is.</summary>
    /// <returns>How long it took, in milliseconds.</returns>
    public double Copy()
    {
        long start = Stopwatch.GetTimestamp();
        if (_writing is { IsCompleted: false })
            _copy = null; // one that was given up is still being written
        shard.CopyTo(_copy ??= shard.MakeCopy());
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>Writes the copy, off the thread pool, and tells whoever asked.</summary>
    public void Write(CheckpointTarget target, IActorRef asker, IActorRef self)
    {
        int index = shard.Range.Index;
        if (target == _target)
        {
            if (_writing is { IsCompleted: true } written)
                asker.Tell(written.Result, self);
            return;
        }
        if (_copy is not { } copy || copy.Step != target.Step)
        {
            asker.Tell(
                new PartWritten(index, target, null, $"parameter shard {index} has no copy of step {target.Step}"),
                self);
            return;
        }
        _target = target;
        _writing = setup.Background.Run(() =>
        {
            try
            {
                return new PartWritten(
                    index, target, CheckpointWriter.WritePart(target, index, setup.Layout, copy), null);
            }
            catch (Exception failure)
            {
                return new PartWritten(index, target, null, failure.Message);
            }
        }, yields: true);
        _writing.PipeTo(asker, self);
    }

    /// <summary>Goes back to a checkpoint.</summary>
    /// <param name="folder">Its folder; null: to where the run started.</param>
    /// <exception cref="DistTrainerException">It cannot be read, or is not of this job.</exception>
    public void Restore(string? folder)
    {
        if ((folder ?? setup.Options.ResumeFrom) is not { } checkpoint)
        {
            shard.Reset(setup.InitialParameters());
            return;
        }
        using CheckpointReader reader = setup.OpenCheckpoint(checkpoint);
        ParameterShardCopy copy = shard.MakeCopy();
        reader.Read(copy);
        shard.Restore(copy);
    }
}
