using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// A thin shell round <see cref="ParameterShard"/>: takes pushes, applies a step when all data shards are in, tells the
/// workers. Where the job needs the gradient's norm it waits between for the other parameter shards' part of the norm.
/// Supervisor: the run or the node, which tell the run that a parameter shard failed; a restart would lose its slice.
/// </summary>
internal sealed class ParameterShardActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan s_waitCheck = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);
    private static readonly PrepareRun s_unprepared = new(0, 0, new RateChange(1, null), false, RunState.Start, 0, 0);
    private readonly TrainingSetup _setup;
    private readonly ParameterShard _shard;
    private LearningRateSchedule _schedule;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LossSums[] _dataShardLosses;
    private readonly Dictionary<long, double[]?[]> _norms = [];
    private readonly ParameterShardClock _clock = new(Context.System.Scheduler);
    private IReadOnlyList<IParameterLink> _workers = [];
    private IReadOnlyList<IActorRef> _peers = [];
    private PrepareRun _prepared = s_unprepared;
    private RunState? _state;
    private readonly ParameterShardCheckpoints _checkpoints;
    private readonly List<ReportSteps> _reported = [];
    // Of the open step and of the one before.
    private readonly ShareNorm?[] _shares = new ShareNorm?[BulkSynchronous.Versions];
    private IActorRef _run = ActorRefs.Nobody;
    // Of steps since the last report; without the last one, where its slice is the only one that has it.
    private StepSums _sums;
    private StepSums _sumsBefore;
    private ulong _sampleHash;
    private int _generation;
    private int _number;
    private int _samples;
    private RunReached? _reached;
    private int _checksSinceReached;
    private bool _refused;
    private bool _isLost;

    /// <summary>Takes over a slice, as the run began with it.</summary>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="range">The slice.</param>
    /// <param name="isLost">Whether another node had it before: it has nothing until the run says what to restore.</param>
    public ParameterShardActor(TrainingSetup setup, ParameterShardRange range, bool isLost = false)
    {
        _setup = setup;
        _number = range.Index;
        _shard = new ParameterShard(range, setup.Blocks, setup.Job, generation: 0, setup.Parameters);
        _checkpoints = new ParameterShardCheckpoints(setup, _shard);
        _isLost = isLost;
        if (setup.Options.ResumeFrom is not null)
            _checkpoints.Restore(null);
        _schedule = new LearningRateSchedule(setup.Job.Optimizer.LearningRate, setup.Job.Schedule);
        _dataShardLosses = new LossSums[setup.Job.Training.DataShards];
        Receive<JoinParameterServer>(Join);
        Receive<BroadcastParameters>(IsCurrent, Broadcast);
        Receive<CollectParameters>(IsCurrent, collect => Send(_setup.Links.To(Audience.Run, [collect.Collector]), collect.Step));
        Receive<PushGradient>(IsCurrent, Take);
        Receive<ShareNorm>(IsCurrent, TakeNorm);
        Receive<PrepareRun>(IsCurrent, Prepare);
        Receive<KeepBest>(IsCurrent, Keep);
        Receive<CheckWait>(_ => ReportWait());
        Receive<RestoreParameters>(IsCurrent, Restore);
        Receive<CopyForCheckpoint>(IsCurrent, copy => Sender.Tell(new CheckpointCopied(_generation, Index, copy.Step, _checkpoints.Copy())));
        Receive<WritePart>(write => _checkpoints.Write(write.Target, Sender, Self));
        Receive<IProtocolMessage>(old => _log.Event(LogLevel.DebugLevel, "message-dropped generation={Generation} expected={Expected} type={Type}", old.Generation, _generation, old.GetType().Name));
    }

    private sealed record CheckWait;

    public ITimerScheduler Timers { get; set; } = null!;

    private int Index => _shard.Range.Index;

    private bool IsReplica => _number >= _setup.Ranges.Count;

    protected override void PreStart()
    {
        ComputeDispatchers.GiveWay(Context);
        Timers.StartPeriodicTimer(nameof(CheckWait), new CheckWait(), s_waitCheck);
    }

    protected override void PostStop() => _shard.Dispose();

    private bool IsCurrent(IProtocolMessage message) => message.Generation == _generation;

    private void Join(JoinParameterServer join)
    {
        if (join.Generation < _generation || (join.Generation == _generation && !Sender.Equals(_run)))
        {
            // Another coordinator leads, or has led before this one.
            Sender.Tell(new GenerationRefused(join.Generation, _generation));
            return;
        }
        if (join.Generation > _generation)
        {
            (_generation, _peers, _workers, _run) = (join.Generation, [], [], Sender);
            _shard.BeginGeneration(_generation);
            (_refused, _reached) = (false, null);
            _sampleHash = 0;
            _norms.Clear();
            _clock.Pause();
            _setup.Links.Serve(_generation, Index, Self);
            _log.Event(LogLevel.InfoLevel, "parameters-owned epoch={Epoch} step={Step} start={Start} count={Count} of={Of} optimizer={Optimizer} generation={Generation}",
                _setup.EpochOf(_shard.OpenStep), _shard.OpenStep, _shard.Range.Start, _shard.Range.Length,
                _setup.Layout.Length, _setup.Job.Optimizer.Kind, _generation);
        }
        _number = join.Number;
        Sender.Tell(Joined());
    }

    private ParameterServerJoined Joined() => new(_generation, _number, _isLost ? 0 : _shard.OpenStep, _state);

    private void Restore(RestoreParameters restore)
    {
        // Not before: as long as any parameter shard is in an older generation, a worker of this node may compute for it.
        try
        {
            _checkpoints.Restore(restore.Checkpoint);
        }
        catch (DistTrainerException failure)
        {
            Sender.Tell(new RestoreFailed(_generation, _number, failure.Kind, failure.Message));
            return;
        }
        _isLost = false;
        _schedule = new LearningRateSchedule(_setup.Job.Optimizer.LearningRate, _setup.Job.Schedule);
        (_sums, _sumsBefore, _sampleHash, _prepared, _state) = (default, default, 0, s_unprepared, restore.State);
        Array.Clear(_shares);
        _reported.Clear();
        _log.Event(LogLevel.InfoLevel, "parameters-restored epoch={Epoch} step={Step} checkpoint=\"{Checkpoint}\"", _setup.EpochOf(_shard.OpenStep), _shard.OpenStep - 1, restore.Checkpoint ?? "");
        Sender.Tell(Joined());
    }

    /// <summary>A parameter shard that is a step ahead hands out both steps, and its part of the norm again for those that are behind.</summary>
    private void Broadcast(BroadcastParameters broadcast)
    {
        (_number, _peers) = (broadcast.Number, broadcast.ParameterShards);
        _shard.KeepApart(IsReplica);
        _workers = _setup.Links.To(Audience.Workers, broadcast.Workers);
        for (long step = broadcast.Step; step < _shard.OpenStep; step++)
            Send(_workers, step);
        long last = _shard.OpenStep - 1;
        if (last > broadcast.Step && _shares[BulkSynchronous.PlaceOf(last)] is { } share && share.Step == last)
            TellPeers(share);
    }

    private void Send(IReadOnlyList<IParameterLink> links, long step)
    {
        var broadcast = new ParametersBroadcast(_generation, _number, step);
        foreach (IParameterLink link in links)
            link.Broadcast(broadcast, _setup.Parameters[step], _shard.Range.Start, IsReplica ? 0 : _shard.Range.Length);
    }

    private void Prepare(PrepareRun run)
    {
        if (run.Rate.Base is { } rate && run.Rate.Base != _prepared.Rate.Base)
            _schedule = new LearningRateSchedule((float)rate, _setup.Job.Schedule);
        _reported.RemoveAll(report => report.Step <= run.State.Step);
        if (_sums.LastStep <= run.State.Step)
            _sums = default;
        (_prepared, _reached, _state) = (run, null, run.State);
        _clock.Open();
        Sender.Tell(new RunPrepared(_generation, _number, run.Step));
        if (!IsReplica)
        {
            foreach (ReportSteps report in _reported.Where(report => report.Step > run.KnownStep))
                Sender.Tell(report);
        }
        if (_shard.OpenStep > run.Step)
        {
            Reach(new RunReached(_generation, _number, run.Step, SumsUpTo(run.Step), []));
        }
    }

    private void Take(PushGradient push)
    {
        PushOutcome outcome = _shard.Accept(new GradientPush(push.Generation, push.Step, push.Node, push.Gradient, _shard.Range.Start - push.Offset)
        {
            IsKnownFinite = push.IsKnownFinite || push.Step == _prepared.AdmittedStep,
        });
        if (outcome is PushOutcome.Accepted or PushOutcome.Completed)
        {
            _clock.Arrived();
            _samples = push.Samples;
            push.Losses.CopyTo(_dataShardLosses, push.Node.Start);
            _sampleHash += push.SampleHash;
        }
        if (outcome == PushOutcome.Completed)
        {
            Complete();
        }
        else if (outcome == PushOutcome.Poisoned)
        {
            if (!_refused)
                _run.Tell(new RefuseContribution(_generation, Index, push.Step, push.Worker, push.Node));
            _refused = true;
        }
        else if (outcome != PushOutcome.Accepted)
        {
            // After a generation began, the parameter shards that were a step ahead get that step once more; a slow worker comes after its helper.
            long earliest = _shard.OpenStep - BulkSynchronous.StepsApart;
            bool isOrdinary = (outcome == PushOutcome.Stale && push.Step >= earliest)
                || (_setup.Options.BackupWorkers && outcome is PushOutcome.Stale or PushOutcome.Duplicate);
            LogLevel level = isOrdinary ? LogLevel.DebugLevel : LogLevel.WarningLevel;
            _log.Event(level, "push-dropped epoch={Epoch} step={Step} worker={Worker} outcome={Outcome} openStep={OpenStep}",
                _setup.EpochOf(push.Step), push.Step, push.Worker, outcome, _shard.OpenStep);
        }
    }

    private void Complete()
    {
        _clock.Complete();
        if (!_shard.NeedsNorm)
        {
            Apply(null);
            return;
        }
        var share = new ShareNorm(_generation, Index, _shard.OpenStep, _shard.PartialNorms(_samples, _setup.WantsHistograms(_shard.OpenStep)).ToArray());
        _shares[BulkSynchronous.PlaceOf(_shard.OpenStep)] = share;
        TellPeers(share);
        ApplyIfNormIsKnown();
    }

    private void TellPeers(ShareNorm share)
    {
        if (IsReplica)
            return;
        foreach (IActorRef peer in _peers)
            peer.Tell(share with { Generation = _generation });
    }

    private void TakeNorm(ShareNorm share)
    {
        if (share.Step < _shard.OpenStep)
            return;
        if (!_norms.TryGetValue(share.Step, out double[]?[]? parts))
            _norms[share.Step] = parts = new double[]?[_setup.Ranges.Count];
        parts[share.ParameterShard] = share.BlockSums;
        ApplyIfNormIsKnown();
    }

    private void ApplyIfNormIsKnown()
    {
        if (!_shard.IsComplete || !_norms.TryGetValue(_shard.OpenStep, out double[]?[]? parts) || parts.Contains(null))
            return;
        _norms.Remove(_shard.OpenStep);
        Apply(GlobalNorm.Norm([.. parts.SelectMany(part => part!)]));
    }

    private void Apply(double? norm)
    {
        long step = _shard.OpenStep;
        bool isLast = step == _prepared.Step;
        bool reports = isLast || step % _setup.Options.ReportEvery == 0;
        bool withStatistics = isLast && _prepared.WithStatistics;
        bool withHistograms = _setup.WantsHistograms(step);
        double rate = _schedule.Rate(step, _setup.StepsPerEpoch, _setup.TotalSteps, _prepared.Rate.PlateauFactor);
        bool counts = _shard.Apply(new StepContext(step, rate, _samples) { GradientNorm = norm, WantNorm = reports, WantStatistics = withStatistics, WantHistograms = withHistograms });
        Send(_workers, step);
        _clock.Applied();
        if (StepTrace.Wants(_setup, step))
            Trace(step);
        if (Index == 0)
        {
            LossSums losses = default;
            foreach (LossSums dataShard in _dataShardLosses)
                losses += dataShard;
            if (!counts && !IsReplica)
                _log.Event(LogLevel.WarningLevel, "step-skipped epoch={Epoch} step={Step} loss={Loss:G6} reason=\"the gradient is not finite\"", _setup.EpochOf(step), step, losses.LossSum / losses.Count);
            (_sumsBefore, _sums) = (_sums, _sums.With(step, counts ? losses : default, losses.Count, _sampleHash));
        }
        _sampleHash = 0;
        if (reports)
            Report(step, rate);
        if (withHistograms && !IsReplica)
        {
            foreach (TensorHistogram histogram in _shard.Histograms)
                _run.Tell(new ReportHistogram(_generation, Index, step, histogram));
        }
        if (isLast)
        {
            _clock.Pause();
            Reach(new RunReached(_generation, _number, step, SumsUpTo(step), withStatistics && !IsReplica ? _shard.Statistics.ToArray() : []));
        }
    }

    private StepSums[] SumsUpTo(long step) =>
        [.. _reported.Select(report => report.Sums).Append(_sums).Append(_sumsBefore).Where(sums => sums.FirstStep > _prepared.KnownStep && sums.LastStep <= step).OrderBy(sums => sums.FirstStep).ThenByDescending(sums => sums.LastStep)];

    // Said again until the run goes on: it may be lost with a connection.
    private void Reach(RunReached reached)
    {
        (_reached, _checksSinceReached) = (reached, 0);
        _run.Tell(reached);
    }

    private void Trace(long step)
    {
        (TimeSpan gather, TimeSpan apply) = _clock.LastTimes;
        StepTrace.Span(_setup, step, "gather", ("parameter_shard", Index), gather, ago: apply);
        StepTrace.Span(_setup, step, "apply", ("parameter_shard", Index), apply);
    }

    private void Report(long step, double rate)
    {
        ParameterShardTimes times = _clock.TakeTimes();
        TrainingMeter.ParameterShard(Index, times);
        var report = new ReportSteps(_generation, Index, step, rate, _sums, _shard.GradientSums.ToArray(), times);
        _sums = default;
        _reported.Add(report);
        if (!IsReplica)
            _run.Tell(report);
    }

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
        Sender.Tell(new BestKept(_generation, _number, keep.Restore));
    }

    private void ReportWait()
    {
        if (_reached is { } reached && ++_checksSinceReached % 4 == 0)
            _run.Tell(reached);
        IReadOnlyList<(int Start, int Count)> missing = _shard.Missing();
        if (_clock.OpenFor is { } open && open > s_patience && (missing.Count > 0 || _shard.IsComplete))
            _run.Tell(new WaitingFor(_generation, _number, _shard.OpenStep, [.. missing.Select(range => new DataShardRange(range.Start, range.Count))], open.TotalSeconds));
    }
}
