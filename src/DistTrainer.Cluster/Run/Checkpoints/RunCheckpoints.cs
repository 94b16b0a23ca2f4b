using System.Diagnostics;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer.Checkpoints;

using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Run.Checkpoints;

/// <summary>
/// A run's checkpoints, without the actor: when the next one is due, and what is written at the moment. One at a time:
/// the next one waits until the one before is on the disk.
/// </summary>
/// <param name="settings">When, and which stay.</param>
/// <param name="folder">The run folder; null: none are written.</param>
/// <param name="run">Name of the run.</param>
/// <param name="ends">After which steps one can be written.</param>
internal sealed class RunCheckpoints(
    CheckpointSettings settings, string? folder, string run, IConsistency ends)
{
    private readonly Dictionary<int, CheckpointFile> _files = [];
    private CheckpointWriter? _writer;
    private Func<CheckpointManifest>? _manifest;
    private CheckpointTarget? _target;
    private long _begun;
    private long _lastStep = -1;
    private TimeSpan? _lastTime;

    /// <summary>Whether any are written.</summary>
    public bool IsOn { get; } = folder is not null && settings.IsOn;

    /// <summary>Whether one is being written.</summary>
    public bool IsWriting => _target is not null;

    /// <summary>What is being written; null while nothing is.</summary>
    public CheckpointTarget? Target => _target;

    /// <summary>The longest time that a parameter shard stood still for the one that is being written.</summary>
    public double PauseMilliseconds { get; set; }

    /// <summary>The folder of the checkpoints.</summary>
    public string Folder => Path.Combine(folder!, "checkpoints");

    private CheckpointStore Store => new(Folder);

    /// <summary>The next step after one at which a decision is due for a checkpoint's sake.</summary>
    public long NextStep(long step) => IsOn
        && settings.EverySteps > 0 ? ((step / settings.EverySteps) + 1) * (long)settings.EverySteps : long.MaxValue;

    /// <summary>Whether time for one has come, so that steps should stop flowing.</summary>
    /// <param name="now">The time of a clock that nobody sets.</param>
    public bool IsTime(TimeSpan now)
    {
        _lastTime ??= now;
        return IsOn && settings.EveryTime > TimeSpan.Zero && _target is null && now - _lastTime >= settings.EveryTime;
    }

    /// <summary>Whether one is due between two steps.</summary>
    /// <param name="step">The last step that is in.</param>
    /// <param name="now">As for <see cref="IsTime"/>.</param>
    public bool IsDue(long step, TimeSpan now) =>
        IsOn && step > _lastStep && step > 0
            && ((settings.EverySteps > 0 && ends.Passes(step, settings.EverySteps)) || IsTime(now));

    /// <summary>Whether the newest one that was begun is of this step.</summary>
    public bool HasBegun(long step) => step > 0 && _lastStep == step;

    /// <summary>Whether the run's end after a step would lose something.</summary>
    public bool WantsLast(long step) => IsOn && step > _lastStep && step > 0;

    /// <summary>One is begun: parameter shards have copied.</summary>
    /// <param name="step">The last step that is in.</param>
    /// <param name="generation">Membership version.</param>
    /// <param name="parts">Parameter shards.</param>
    /// <param name="manifest">Where the run stands after that step; called later, off the actor.</param>
    /// <param name="now">As for <see cref="IsTime"/>.</param>
    /// <returns>Makes its folder; to be run off the actor.</returns>
    public Func<CheckpointWriter> Begin(
        long step, int generation, int parts, Func<CheckpointManifest> manifest, TimeSpan now)
    {
        (_manifest, _begun, _lastStep, _lastTime) = (manifest, Stopwatch.GetTimestamp(), step, now);
        _files.Clear();
        CheckpointTarget target = _target = new CheckpointTarget(Folder, run, step, generation, parts);
        return () => CheckpointWriter.Begin(target);
    }

    /// <summary>Its folder is made.</summary>
    public void Begun(CheckpointWriter writer) => _writer = writer;

    /// <summary>Whether a parameter shard's part of the one that is being written is not in.</summary>
    public bool Lacks(int parameterShard) => _target is not null && !_files.ContainsKey(parameterShard);

    /// <summary>A part is written.</summary>
    /// <returns>Completes the checkpoint and deletes superfluous ones, once all parts are in; to be run off the actor.
    /// Else null.</returns>
    public Func<CheckpointReport>? Take(PartWritten part)
    {
        if (_writer is not { } writer || part.Target != _target || part.File is null)
            return null;
        _files[part.ParameterShard] = part.File;
        if (_files.Count < _target.Parts)
            return null;
        (Func<CheckpointManifest> manifest, CheckpointTarget target, CheckpointFile[] files) =
            (_manifest!, _target, [.. _files.Values]);
        (double pause, long begun) = (PauseMilliseconds, _begun);
        return () =>
        {
            using (writer)
                writer.Complete(manifest(), files);
            Store.Retain(settings.Keep, settings.KeepBest, target.Folder, IsRegular);
            return new CheckpointReport(
                target.Step, target.Folder, files.Sum(file => file.Bytes), TimeSpan.FromMilliseconds(pause),
                Stopwatch.GetElapsedTime(begun).TotalSeconds);
        };
    }

    /// <summary>The one that was being written is complete, or given up; nothing half-written stays.</summary>
    public void End()
    {
        (_writer, CheckpointWriter? writer) = (null, _writer);
        (_target, _manifest, PauseMilliseconds) = (null, null, 0);
        writer?.Dispose();
    }

    // Of a step at which one is due whatever happens.
    private bool IsRegular(long step) => step > 0 && ends.Passes(step, Math.Max(1, settings.EverySteps));

    /// <summary>
    /// The newest checkpoint that is whole, its manifest, and why newer ones are not; to be run off the actor.
    /// </summary>
    /// <param name="regular">Only those of the steps at which one is due whatever happens: where nobody has died, no
    /// other may decide what follows.</param>
    /// <exception cref="DistTrainerException">The folder cannot be read.</exception>
    public (string? Folder, CheckpointManifest? Manifest, IReadOnlyList<RefusedCheckpoint> Refused) Newest(bool regular)
    {
        if (folder is null)
            return (null, null, []);
        NewestCheckpoint newest = Store.OpenNewest(regular ? IsRegular : null);
        using CheckpointReader? reader = newest.Reader;
        return (reader?.Folder, reader?.Manifest, newest.Refused);
    }

    /// <summary>The run has gone back: later checkpoints are written again.</summary>
    public void GoBack(long step)
    {
        _lastStep = step;
        End();
    }
}
