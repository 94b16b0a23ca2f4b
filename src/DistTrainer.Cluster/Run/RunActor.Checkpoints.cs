using System.Globalization;
using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Run;

// Writing checkpoints while steps go on, and going back to one.
internal sealed partial class RunActor
{
    /// <summary>Reports between two decisions at most: so many does a parameter shard keep for a coordinator that takes over.</summary>
    private const int ReportsBetweenDecisions = 256;

    private readonly RunCheckpoints _checkpoints;
    private readonly string _runName;
    private readonly RunState _start;
    private bool _hasLed;
    private (long Step, double? Loss) _validation;
    private long _version;
    private Action? _afterCheckpoint;
    private ActorPlace[] _partWriters = [];

    private sealed record FolderMade(CheckpointTarget Target, CheckpointWriter? Writer, Exception? Failure);

    private sealed record CheckpointEnded(CheckpointTarget Target, CheckpointReport? Report, Exception? Failure);

    private sealed record PartsOverdue;

    private sealed record CheckpointFound(int Generation, string? Folder, CheckpointManifest? Manifest, IReadOnlyList<RefusedCheckpoint> Refused, Exception? Failure);

    /// <summary>Where the run stands, between two steps.</summary>
    private RunState State => new(
        _step, _figures.EpochSums, _rates.All, _plan.Plateau, _plan.Stopping, _validation.Step == _step ? _validation.Loss : null, _figures.LastEpochLoss,
        _refusals.State, _requests, _version);

    /// <summary>Where the run stands, to be told to the parameter shards.</summary>
    private RunState NewState()
    {
        _version++;
        return State;
    }

    /// <summary>Runs work that blocks on the disk off the actor and off the thread pool.</summary>
    private Task<T> OnDisk<T>(Func<T> work, bool yields = false) => _setup.Background.Run(work, yields);

    /// <summary>The same, while the run folder is there and this run's.</summary>
    private Task<T> InFolder<T>(Func<T> work, bool yields = false) => OnDisk(
        () =>
        {
            (_observer as IRunOutput)?.RequireFolder();
            return work();
        },
        yields);

    private void Restore(RunState state)
    {
        _step = state.Step;
        _plan.Restore(state);
        _figures.Restore(state);
        _rates.Restore(state.Rates);
        _refusals.Restore(state.Divergence);
        _validation = (state.Step, state.ValidationLoss);
        _checkpoints.GoBack(state.Step);
    }

    private long NextDecision() => Math.Min(
        Math.Min(_plan.NextDecision(_step), _rates.LastBeforeChange(_step)), Math.Min(_checkpoints.NextStep(_step), _step + (ReportsBetweenDecisions * (long)_options.ReportEvery)));

    private void Count(LedgerEntry? entry)
    {
        if (entry is { } counted)
            _observer.OnLedger(counted);
    }

    private void CopyForCheckpoint()
    {
        Become(Copying);
        if (_checkpoints.HasBegun(_step))
        {
            GoOn();
            return;
        }
        if (_checkpoints.Target is not null)
        {
            // The one before is still being written.
            _afterCheckpoint = CopyForCheckpoint;
            return;
        }
        Await("checkpoint", () => ShardsBut(shard => IsReplica(shard) || _answered.Contains(shard)));
        TellAll(Owners, new CopyForCheckpoint(_generation, _step));
    }

    private void Copying()
    {
        Always();
        Receive<CheckpointCopied>(copied =>
        {
            if (copied.Step != _step || !_answered.Add(copied.ParameterShard))
                return;
            _checkpoints.PauseMilliseconds = Math.Max(_checkpoints.PauseMilliseconds, copied.Milliseconds);
            if (_answered.Count < _setup.Ranges.Count)
                return;
            (RunState state, int generation) = (State, _generation);
            Func<CheckpointWriter> begin = _checkpoints.Begin(_step, generation, _setup.Ranges.Count, () => RunManifest.Of(state, _setup, _runName, generation), Now);
            CheckpointTarget target = _checkpoints.Target!;
            _partWriters = [.. Owners];
            // Steps first: they stand still.
            GoOn();
            InFolder(begin).PipeTo(Self, success: writer => new FolderMade(target, writer, null), failure: cause => new FolderMade(target, null, cause));
        });
    }

    /// <summary>What is heard of a checkpoint in every state.</summary>
    private void WritesCheckpoints()
    {
        Receive<FolderMade>(made =>
        {
            if (made.Target != _checkpoints.Target)
                made.Writer?.Dispose();
            else if (made.Writer is null)
                EndCheckpoint(made.Target, null, made.Failure!.Cause().Message);
            else
            {
                _checkpoints.Begun(made.Writer);
                Timers.StartPeriodicTimer(nameof(PartsOverdue), new PartsOverdue(), TimeSpan.Zero, s_lost);
            }
        });
        Receive<PartsOverdue>(_ => _checkpoints.Target is not null, _ =>
        {
            // A second copy is answered again.
            foreach (int missing in Enumerable.Range(0, _partWriters.Length).Where(_checkpoints.Lacks))
                _partWriters[missing].Actor.Tell(new WritePart(_checkpoints.Target!));
        });
        Receive<PartsOverdue>(_ => Timers.Cancel(nameof(PartsOverdue)));
        Receive<PartWritten>(part => part.Target == _checkpoints.Target, part =>
        {
            if (part.File is null)
                EndCheckpoint(part.Target, null, part.Failure ?? "");
            else if (_checkpoints.Take(part) is { } complete)
            {
                InFolder(complete, yields: true).PipeTo(
                    Self, success: report => new CheckpointEnded(part.Target, report, null), failure: cause => new CheckpointEnded(part.Target, null, cause));
            }
        });
        Receive<PartWritten>(_ => { });
        Receive<CheckpointEnded>(ended => ended.Target == _checkpoints.Target, ended => EndCheckpoint(ended.Target, ended.Report, ended.Failure?.Cause().Message ?? ""));
        Receive<CheckpointEnded>(_ => { });
    }

    /// <summary>Who copied a part and is gone cannot write it any more.</summary>
    private void GiveCheckpointUp()
    {
        if (_checkpoints.Target is { } target && Enumerable.Range(0, _partWriters.Length).Any(part => _checkpoints.Lacks(part) && !_copies.Any(copy => copy.Place.Actor.Equals(_partWriters[part].Actor))))
            EndCheckpoint(target, null, "the server of one of its parameter shards was lost while it was written");
    }

    private void EndCheckpoint(CheckpointTarget target, CheckpointReport? report, string failure)
    {
        _checkpoints.End();
        if (report is not null)
        {
            _newestCheckpoint = (target.Step, target.Folder);
            _log.Event(LogLevel.InfoLevel, "checkpoint-written epoch={Epoch} step={Step} folder=\"{Folder}\" bytes={Bytes} pauseMilliseconds={Pause:F1} seconds={Seconds:F2}",
                _setup.EpochOf(Math.Max(1, target.Step)), target.Step, report.Folder, report.Bytes, report.Pause.TotalMilliseconds, report.Seconds);
            TrainingMeter.Checkpoint(report);
            _observer.OnCheckpoint(report);
        }
        else
        {
            _log.Event(LogLevel.ErrorLevel, "checkpoint-failed epoch={Epoch} step={Step} folder=\"{Folder}\" message=\"{Message}\"",
                _setup.EpochOf(Math.Max(1, target.Step)), target.Step, target.Folder, failure);
        }
        (_afterCheckpoint, Action? next) = (null, _afterCheckpoint);
        next?.Invoke();
    }

    /// <summary>
    /// All go back to the newest checkpoint, or to where the run started: a parameter shard was lost; or the run diverged,
    /// and then one that is being written is waited for, and those that were written for a replica's sake do not count.
    /// </summary>
    /// <param name="from">The last step that was made, as far as is known; null: nobody is left who knows.</param>
    private void GoBack(long? from)
    {
        if (_refusals.GoesBack && _checkpoints.Target is not null)
        {
            Become(() => Always());
            _afterCheckpoint = () => GoBack(from);
            return;
        }
        Become(() => GoingBack(from));
        _syncFrom = null;
        _checkpoints.End();
        (int generation, bool regular) = (_generation, _refusals.GoesBack);
        OnDisk(() => NewestCheckpoint(regular)).PipeTo(
            Self, success: found => new CheckpointFound(generation, found.Folder, found.Manifest, found.Refused, null),
            failure: cause => new CheckpointFound(generation, null, null, [], cause));
    }

    /// <summary>A folder that is away for a moment has its checkpoints all the same; one that stays away has those that are found there.</summary>
    private (string? Folder, CheckpointManifest? Manifest, IReadOnlyList<RefusedCheckpoint> Refused) NewestCheckpoint(bool regular)
    {
        try
        {
            (_observer as IRunOutput)?.RequireFolder();
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Disk)
        {
            _log.Event(LogLevel.WarningLevel, "run-folder-away message=\"{Message}\"", failure.Message);
        }
        return _checkpoints.Newest(regular);
    }

    private void GoingBack(long? from)
    {
        Always();
        Receive<CheckpointFound>(found => found.Generation == _generation, found =>
        {
            foreach (RefusedCheckpoint refused in found.Refused)
                _log.Event(LogLevel.WarningLevel, "checkpoint-refused folder=\"{Folder}\" reason=\"{Reason}\"", refused.Folder, refused.Reason);
            if (found.Failure is not null)
            {
                Fail(Known(found.Failure.Cause()));
                return;
            }
            RunState state = found.Manifest is { } manifest ? RunState.Of(manifest) : _start;
            _log.Event(LogLevel.WarningLevel, "run-went-back epoch={Epoch} step={Step} from={From} checkpoint=\"{Checkpoint}\"",
                _setup.EpochOf(state.Step + 1), state.Step, from?.ToString(CultureInfo.InvariantCulture) ?? "unknown", found.Folder ?? "");
            TrainingMeter.WentBack(Math.Max(0, (from ?? state.Step) - state.Step));
            Restore(state);
            LowerRate();
            _phase = Phase.Running;
            _observer.OnWentBack(state.Step);
            Become(Joining);
            RestoreCopies(Enumerable.Range(0, _copies.Length), found.Folder);
        });
        Receive<CheckpointFound>(_ => { });
    }
}
