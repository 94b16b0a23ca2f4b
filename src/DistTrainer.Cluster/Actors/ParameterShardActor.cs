using Akka.Actor;
using Akka.Event;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

/// <summary>
/// A thin shell round <see cref="ParameterShard"/>: takes pushes, applies a step when all data shards are in, tells the
/// workers. With clipping by norm it waits between for the other parameter shards' part of the norm.
/// Supervisor: the coordinator, which ends the run when a parameter shard fails; a restart would lose its slice.
/// </summary>
internal sealed class ParameterShardActor : ReceiveActor
{
    private readonly TrainingSetup _setup;
    private readonly ParameterShard _shard;
    private readonly LearningRateSchedule _schedule;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly LossSums[] _dataShardLosses;
    private readonly Dictionary<long, double[]?[]> _norms = [];
    private IReadOnlyList<IActorRef> _workers = [];
    private IReadOnlyList<IActorRef> _peers = [];
    private PrepareRun _run = new(0, 0, 1, false);
    private IActorRef _coordinator = ActorRefs.Nobody;
    private LossSums _losses;
    private int _generation;
    private int _samples;
    private bool _refused;

    public ParameterShardActor(TrainingSetup setup, ParameterShardRange range)
    {
        _setup = setup;
        _shard = new ParameterShard(range, setup.Blocks, setup.Job, generation: 0, setup.Parameters);
        _schedule = new LearningRateSchedule(setup.Job.Optimizer.LearningRate, setup.Job.Schedule);
        _dataShardLosses = new LossSums[setup.Job.Training.DataShards];
        Receive<JoinParameterServer>(Join);
        Receive<PushGradient>(IsCurrent, Take);
        Receive<ShareNorm>(IsCurrent, TakeNorm);
        Receive<PrepareRun>(IsCurrent, Prepare);
        Receive<KeepBest>(IsCurrent, Keep);
        Receive<IProtocolMessage>(old => _log.Event(LogLevel.DebugLevel, "message-dropped generation={Generation} expected={Expected} type={Type}", old.Generation, _generation, old.GetType().Name));
    }

    private int Index => _shard.Range.Index;

    private bool ClipsByNorm => _setup.Job.Clipping.Norm > 0;

    protected override void PostStop() => _shard.Dispose();

    private bool IsCurrent(IProtocolMessage message) => message.Generation == _generation;

    private void Join(JoinParameterServer join)
    {
        if (join.Generation <= _generation)
            return;
        (_generation, _workers, _peers, _coordinator) = (join.Generation, join.Workers, join.ParameterShards, Sender);
        _shard.BeginGeneration(_generation);
        _norms.Clear();
        _log.Event(LogLevel.InfoLevel, "parameters-owned epoch={Epoch} step={Step} start={Start} count={Count} of={Of} optimizer={Optimizer}",
            _setup.EpochOf(_shard.OpenStep), _shard.OpenStep, _shard.Range.Start, _shard.Range.Length,
            _setup.Network.Layout.Length, _setup.Job.Optimizer.Kind);
    }

    private void Prepare(PrepareRun run)
    {
        _run = run;
        Sender.Tell(new RunPrepared(_generation, Index, run.Step));
        if (_shard.OpenStep > run.Step)
            Sender.Tell(new RunReached(_generation, Index, run.Step, []));
    }

    private void Take(PushGradient push)
    {
        PushOutcome outcome = _shard.Accept(new GradientPush(push.Generation, push.Step, push.Node, push.Gradient, _shard.Range.Start)
        {
            IsKnownFinite = push.IsKnownFinite,
        });
        if (outcome is PushOutcome.Accepted or PushOutcome.Completed)
        {
            _samples = push.Samples;
            push.Losses.CopyTo(_dataShardLosses, push.Node.Start);
        }
        if (outcome == PushOutcome.Completed)
        {
            Complete();
        }
        else if (outcome == PushOutcome.Poisoned)
        {
            if (!_refused)
                _coordinator.Tell(new RefuseContribution(_generation, Index, push.Step, push.Worker, push.Node));
            _refused = true;
        }
        else if (outcome != PushOutcome.Accepted)
        {
            _log.Event(LogLevel.WarningLevel, "push-dropped epoch={Epoch} step={Step} worker={Worker} outcome={Outcome} openStep={OpenStep}",
                _setup.EpochOf(push.Step), push.Step, push.Worker, outcome, _shard.OpenStep);
        }
    }

    private void Complete()
    {
        if (!ClipsByNorm)
        {
            Apply(null);
            return;
        }
        var message = new ShareNorm(_generation, Index, _shard.OpenStep, _shard.PartialNorms(_samples).ToArray());
        foreach (IActorRef peer in _peers)
            peer.Tell(message);
    }

    private void TakeNorm(ShareNorm share)
    {
        if (share.Step < _shard.OpenStep)
            return;
        if (!_norms.TryGetValue(share.Step, out double[]?[]? parts))
            _norms[share.Step] = parts = new double[]?[_peers.Count];
        parts[share.ParameterShard] = share.BlockSums;
        if (share.Step != _shard.OpenStep || !_shard.IsComplete || parts.Contains(null))
            return;
        _norms.Remove(share.Step);
        Apply(GlobalNorm.Norm([.. parts.SelectMany(part => part!)]));
    }

    private void Apply(double? norm)
    {
        long step = _shard.OpenStep;
        bool isLast = step == _run.Step;
        bool reports = isLast || step % _setup.Options.ReportEvery == 0;
        bool withStatistics = isLast && _run.WithStatistics;
        double rate = _schedule.Rate(step, _setup.StepsPerEpoch, _setup.TotalSteps, _run.PlateauFactor);
        _shard.Apply(new StepContext(step, rate, _samples) { GradientNorm = norm, WantNorm = reports, WantStatistics = withStatistics });
        var broadcast = new ParametersBroadcast(_generation, Index, step);
        foreach (IActorRef worker in _workers)
            worker.Tell(broadcast);
        if (Index == 0)
        {
            foreach (LossSums losses in _dataShardLosses)
                _losses += losses;
        }
        if (reports)
        {
            _coordinator.Tell(new ReportSteps(_generation, Index, step, rate, _losses, _shard.GradientSums.ToArray()));
            _losses = default;
        }
        if (isLast)
            _coordinator.Tell(new RunReached(_generation, Index, step, withStatistics ? _shard.Statistics.ToArray() : []));
    }

    private void Keep(KeepBest keep)
    {
        if (keep.Restore)
            _shard.RestoreBest();
        else
            _shard.KeepBest();
        Sender.Tell(new BestKept(_generation, Index, keep.Restore));
    }
}
