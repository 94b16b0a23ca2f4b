using Akka.Actor;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Engine;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cluster.Run.Checkpoints;

/// <summary>
/// Writes checkpoints while steps go on: parameter shards have copied themselves, the folder is made, each writes its
/// part, the manifest comes last. Messages are said again until they are answered; what cannot be whole any more is
/// given up.
/// </summary>
/// <param name="run">The run.</param>
internal sealed class CheckpointWriting(LedRun run)
{
    private ActorPlace[] _writers = [];

    private RunCheckpoints Checkpoints => run.Checkpoints;

    /// <summary>A checkpoint's folder is made, or could not be.</summary>
    internal sealed record FolderMade(CheckpointTarget Target, CheckpointWriter? Writer, Exception? Failure);

    /// <summary>A checkpoint is whole on the disk, or cannot be.</summary>
    internal sealed record CheckpointEnded(CheckpointTarget Target, CheckpointReport? Report, Exception? Failure);

    /// <summary>Time to ask again for parts that are missing.</summary>
    internal sealed record PartsOverdue;

    /// <summary>The newest one that this coordinator has written; its step is −1 where it has written none.</summary>
    public (long Step, string Folder) Newest { get; private set; } = (-1, "");

    /// <summary>A parameter shard has copied itself.</summary>
    /// <param name="milliseconds">How long it stood still.</param>
    public void Copied(double milliseconds) =>
        Checkpoints.PauseMilliseconds = Math.Max(Checkpoints.PauseMilliseconds, milliseconds);

    /// <summary>All have copied themselves: one of the run's step is begun.</summary>
    /// <param name="writers">The parameter shards that write its parts.</param>
    /// <param name="goOn">Lets the run go on, before anything waits for the disk.</param>
    public void Begin(ActorPlace[] writers, Action goOn)
    {
        (RunState state, int generation) = (run.State, run.Generation.Number);
        Func<CheckpointWriter> begin = Checkpoints.Begin(
            run.Step, generation, run.Setup.Ranges.Count, () =>
                RunManifest.Of(state, run.Setup, run.Name, generation), run.Shell.Now);
        CheckpointTarget target = Checkpoints.Target!;
        _writers = writers;
        goOn();
        InFolder(begin, yields: false).PipeTo(
            run.Shell.Self,
            success: writer => new FolderMade(target, writer, null), failure: cause =>
                new FolderMade(target, null, cause));
    }

    /// <summary>Its folder is made: parts can be written.</summary>
    public void On(FolderMade made)
    {
        if (made.Target != Checkpoints.Target)
            made.Writer?.Dispose();
        else if (made.Writer is null)
            Ended(made.Target, null, made.Failure!.Cause().Message);
        else
        {
            Checkpoints.Begun(made.Writer);
            run.Shell.AtOnceAndEvery(WaitWatch.Lost, new PartsOverdue());
        }
    }

    /// <summary>Asks for the parts that are missing; a second copy is answered again.</summary>
    public void AskForParts()
    {
        if (Checkpoints.Target is not { } target)
        {
            run.Shell.Timers.Cancel(nameof(PartsOverdue));
            return;
        }
        foreach (int missing in Enumerable.Range(0, _writers.Length).Where(Checkpoints.Lacks))
            _writers[missing].Actor.Tell(new WritePart(target));
    }

    /// <summary>A part is written, or cannot be.</summary>
    public void On(PartWritten part)
    {
        if (part.Target != Checkpoints.Target)
            return;
        if (part.File is null)
            Ended(part.Target, null, part.Failure ?? "");
        else if (Checkpoints.Take(part) is { } complete)
        {
            InFolder(complete, yields: true).PipeTo(
                run.Shell.Self,
                success: report => new CheckpointEnded(part.Target, report, null),
                failure: cause => new CheckpointEnded(part.Target, null, cause));
        }
    }

    /// <summary>It is whole on the disk, or cannot be.</summary>
    public void On(CheckpointEnded ended)
    {
        if (ended.Target == Checkpoints.Target)
            Ended(ended.Target, ended.Report, ended.Failure?.Cause().Message ?? "");
    }

    /// <summary>A generation begins: who copied a part and is gone cannot write it any more.</summary>
    public void GiveUp()
    {
        if (Checkpoints.Target is { } target && Enumerable.Range(0, _writers.Length)
            .Any(part => Checkpoints.Lacks(part) && IsGone(part)))
            Ended(target, null, "the server of one of its parameter shards was lost while it was written");

        bool IsGone(int part) => !run.Generation.Copies.Any(copy => copy.Place.Actor.Equals(_writers[part].Actor));
    }

    /// <summary>
    /// The newest one that is whole, and why newer ones are not; to be run off the actor. A folder that is away for a
    /// moment has its checkpoints all the same; one that stays away has those that are found there.
    /// </summary>
    /// <param name="regular">Only those of the steps at which one is due whatever happens.</param>
    public (string? Folder, CheckpointManifest? Manifest, IReadOnlyList<RefusedCheckpoint> Refused) NewestOnDisk(
        bool regular)
    {
        try
        {
            run.RequireFolder();
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Disk)
        {
            run.Log.FolderAway(failure.Message);
        }
        return Checkpoints.Newest(regular);
    }

    private void Ended(CheckpointTarget target, CheckpointReport? report, string failure)
    {
        Checkpoints.End();
        if (report is null)
        {
            run.Log.CheckpointFailed(target, failure);
        }
        else
        {
            Newest = (target.Step, target.Folder);
            run.Log.CheckpointWritten(target, report);
        }
        run.Phase.OnCheckpointEnded();
    }

    // Blocks on the disk, off the actor and off the thread pool, while the run folder is there and this run's.
    private Task<T> InFolder<T>(Func<T> work, bool yields) => run.Setup.Background.Run(
        () =>
        {
            run.RequireFolder();
            return work();
        },
        yields);
}
