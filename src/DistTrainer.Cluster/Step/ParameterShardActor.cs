using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// A thin shell round <see cref="ParameterShard"/>: takes pushes, applies a step when all data shards are in, tells the
/// workers. Where the job needs the gradient's norm it waits between for the other parameter shards' part of the norm.
/// Supervisor: the node's host, which tells the run that a parameter shard failed; a restart would lose its slice.
/// </summary>
internal sealed class ParameterShardActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan s_waitCheck = TimeSpan.FromMilliseconds(500);
    private readonly TrainingSetup _setup;
    private readonly ParameterShard _shard;
    private readonly ParameterShardCheckpoints _checkpoints;
    private readonly ParameterShardMail _mail;
    private readonly ParameterShardLog _log;
    private readonly ParameterShardSteps _steps;
    private RunState? _state;
    private bool _isLost;

    /// <summary>Takes over a slice, as the run began with it.</summary>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="range">The slice.</param>
    /// <param name="isLost">Whether another node had it before: it has nothing until the run says what to
    /// restore.</param>
    public ParameterShardActor(TrainingSetup setup, ParameterShardRange range, bool isLost = false)
    {
        _setup = setup;
        _shard = new ParameterShard(range, setup.Blocks, setup.Job, generation: 0, setup.Parameters);
        _checkpoints = new ParameterShardCheckpoints(setup, _shard);
        _mail = new ParameterShardMail(setup, range);
        _log = new ParameterShardLog(Context.GetLogger(), setup, _shard);
        _steps = new ParameterShardSteps(setup, _shard, _mail, new ParameterShardClock(Context.System.Scheduler), _log);
        _isLost = isLost;
        if (setup.Options.ResumeFrom is not null)
            _checkpoints.Restore(null);
        Receive<JoinParameterServer>(Join);
        Receive<BroadcastParameters>(IsCurrent, Broadcast);
        Receive<CollectParameters>(IsCurrent, _mail.Send);
        Receive<PushGradient>(IsCurrent, _steps.Take);
        Receive<ShareNorm>(IsCurrent, _steps.Take);
        Receive<PrepareRun>(IsCurrent, Prepare);
        Receive<KeepBest>(IsCurrent, Keep);
        Receive<CheckWait>(_ => _steps.Check());
        Receive<RestoreParameters>(IsCurrent, Restore);
        Receive<CopyForCheckpoint>(IsCurrent, Copy);
        Receive<WritePart>(write => _checkpoints.Write(write.Target, Sender, Self));
        Receive<IProtocolMessage>(old => _log.MessageDropped(old, _mail.Generation));
    }

    private sealed record CheckWait;

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() =>
        Timers.StartPeriodicTimer(nameof(CheckWait), new CheckWait(), s_waitCheck);

    protected override void PostStop() => _shard.Dispose();

    private bool IsCurrent(IProtocolMessage message) => message.Generation == _mail.Generation;

    private void Join(JoinParameterServer join)
    {
        int newest = _mail.Generation;
        if (join.Generation < newest || (join.Generation == newest && !Sender.Equals(_mail.Run)))
        {
            // Another coordinator leads, or has led before this one.
            Sender.Tell(new GenerationRefused(join.Generation, newest));
            return;
        }
        if (join.Generation > newest)
        {
            _mail.BeginGeneration(join.Generation, Sender);
            _steps.BeginGeneration();
            _setup.Links.Serve(join.Generation, _shard.Range.Index, Self);
            _log.Owned(join.Generation);
        }
        _mail.Number = join.Number;
        Sender.Tell(Joined());
    }

    private ParameterServerJoined Joined() =>
        new(_mail.Generation, _mail.Number, _isLost ? 0 : _shard.OpenStep, _state);

    private void Restore(RestoreParameters restore)
    {
        // Not before: as long as any parameter shard is in an older generation, a worker of this node may compute for
        // it.
        try
        {
            _checkpoints.Restore(restore.Checkpoint);
        }
        catch (DistTrainerException failure)
        {
            Sender.Tell(new RestoreFailed(_mail.Generation, _mail.Number, failure.Kind, failure.Message));
            return;
        }
        (_isLost, _state) = (false, restore.State);
        _steps.Clear();
        _log.Restored(restore.Checkpoint);
        Sender.Tell(Joined());
    }

    /// <summary>
    /// A parameter shard that is a step ahead hands out both steps, and its part of the norm again for those that are
    /// behind.
    /// </summary>
    private void Broadcast(BroadcastParameters broadcast)
    {
        _mail.Address(broadcast);
        _shard.KeepApart(_mail.IsReplica);
        _steps.Repeat(broadcast.Step);
    }

    private void Prepare(PrepareRun run)
    {
        _state = run.State;
        _steps.Prepare(run);
    }

    private void Copy(CopyForCheckpoint copy) =>
        Sender.Tell(new CheckpointCopied(_mail.Generation, _shard.Range.Index, copy.Step, _checkpoints.Copy()));

    private void Keep(KeepBest keep)
    {
        // With other parameters the epoch is not to be evaluated again.
        if (keep.Restore)
        {
            _state = keep.State;
            _shard.RestoreBest();
        }
        else
        {
            _shard.KeepBest();
        }
        Sender.Tell(new BestKept(_mail.Generation, _mail.Number, keep.Restore));
    }
}
