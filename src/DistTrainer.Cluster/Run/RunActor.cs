using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// Leads one run: brings parameter shards and workers into a generation, lets them run to the next decision, evaluates,
/// decides (<see cref="RunPlan"/>), and ends with a <see cref="TrainingResult"/>. It is not on the path of a step.
/// <para>States: gathering (who takes part?) → joining → assigning (a generation begins) → preparing → running (steps
/// flow) → evaluating → keeping the best → preparing … → final evaluation. Whoever comes, goes or dies, a new generation
/// begins and the phase that was interrupted is entered again. A restart would lose the run, so its own failure ends it.</para>
/// </summary>
internal sealed partial class RunActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_overdue = TimeSpan.FromMilliseconds(500);
    private readonly TrainingSetup _setup;
    private readonly RunOptions _options;
    private readonly NodeAddress _node;
    private readonly ITrainingObserver _observer;
    private readonly TaskCompletionSource<TrainingResult> _completion;
    private readonly RunPlan _plan;
    private readonly RunMembers _members;
    private readonly RunFigures _figures;
    private readonly OpenHistograms _histograms;
    private readonly RunRates _rates = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<int> _answered = [];
    private readonly HashSet<int> _reached = [];
    private readonly List<TensorStatistics> _statistics = [];
    private RunRequests _requests = RunRequests.None;
    private ActorPlace[] _parameterShards = [];
    private ActorPlace[] _workers = [];
    private EvaluationRound? _round;
    private Phase _phase = Phase.Running;
    private long _step;
    private long _target;
    private long _held;
    private int _holds;
    private StepSums[] _sums = [];
    private bool _isStarted;
    private bool _flows;
    private bool _isPaused;

    /// <summary>Begins to gather.</summary>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="node">This node.</param>
    /// <param name="observer">Hears how it goes.</param>
    /// <param name="completion">Gets the result.</param>
    /// <param name="folder">The run folder, for checkpoints; null writes none.</param>
    /// <param name="start">Where the run began.</param>
    /// <param name="before">How many coordinators led it before: parameter shards know how far it is, and some may be lost with the last one's node.</param>
    public RunActor(TrainingSetup setup, NodeAddress node, ITrainingObserver observer, TaskCompletionSource<TrainingResult> completion, string? folder, RunState start, int before = 0)
    {
        (_setup, _options, _node, _observer, _completion) = (setup, setup.Options, node, observer, completion);
        _plan = new RunPlan(setup.Job, setup.StepsPerEpoch, setup.TotalSteps, setup.Data.Validation.Count > 0);
        _members = new RunMembers(setup.Ranges.Count, _options.MinWorkers, _options.MaxWorkers, _options.Replicas);
        _figures = new RunFigures(setup);
        _histograms = new OpenHistograms(setup.Layout);
        _refusals = new RefusedGradients(setup.Job.Training.Divergence);
        (_runName, _start) = (Self.Path.Name, start);
        _checkpoints = new RunCheckpoints(setup.Options.Checkpoint, folder, _runName);
        Restore(start);
        Become(Gathering);
        (_hasLed, _generation) = (before == 0, GenerationsOfACoordinator * before);
        if (before > 0)
            Timers.StartSingleTimer(nameof(ShardsOverdue), new ShardsOverdue(), s_overdue);
    }

    /// <summary>What the run is at; it is entered again after a generation has begun.</summary>
    private enum Phase
    {
        /// <summary>Steps up to the next decision.</summary>
        Running,

        /// <summary>The validation part, at the end of an epoch.</summary>
        Validating,

        /// <summary>What comes next is decided, once an epoch's end is, or has to wait for a checkpoint that is being written.</summary>
        Deciding,

        /// <summary>Parameter shards copy themselves for a checkpoint.</summary>
        Checkpointing,

        /// <summary>Parameter shards keep the best parameters.</summary>
        KeepingBest,

        /// <summary>Parameter shards take the best parameters back.</summary>
        RestoringBest,

        /// <summary>Validation and test part, with the final parameters.</summary>
        Finishing,
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreRestart(Exception reason, object message) => Fail(Known(reason));

    protected override void PostStop() => _completion.TrySetException(
        new DistTrainerException(FailureKind.Internal, "The run's actor stopped before the run had ended."));

    private static void TellAll(IEnumerable<ActorPlace> places, object message)
    {
        foreach (ActorPlace place in places)
            place.Actor.Tell(message);
    }

    /// <summary>Goes on with the phase at hand, in the generation that has just begun or in the same one.</summary>
    private void Enter(Phase phase)
    {
        _phase = phase;
        _isPaused = false;
        _answered.Clear();
        switch (phase)
        {
            case Phase.Running:
                Prepare();
                break;
            case Phase.Validating:
                Evaluate(DataPart.Validation);
                break;
            case Phase.Finishing:
                Evaluate(DataPart.Validation, DataPart.Test);
                break;
            case Phase.Deciding:
                GoOn();
                break;
            case Phase.Checkpointing:
                CopyForCheckpoint();
                break;
            default:
                Become(KeepingBest);
                Await("best", () => ShardsBut(_answered.Contains));
                TellAll(_parameterShards, new KeepBest(_generation, phase == Phase.RestoringBest, NewState()));
                break;
        }
    }

    private void Prepare()
    {
        // Steps that some parameter shard has applied are finished everywhere before anything else.
        _target = _requests.WantsHold || _workers.Length == 0 ? Math.Max(_step, LastWhole) : NextDecision();
        _reached.Clear();
        _statistics.Clear();
        _sums = [];
        _holds++;
        Become(Preparing);
        Await("preparing", () => ShardsBut(_answered.Contains));
        TellPrepare(_log.IsDebugEnabled);
    }

    private void TellPrepare(bool withStatistics) => TellAll(
        _parameterShards, new PrepareRun(_generation, _target, new RateChange(_plan.PlateauFactor, _rates.At(_step + 1)), withStatistics, NewState(), _figures.LastStep, _refusals.State.AdmittedStep));

    private void TellHold()
    {
        _held = 0;
        _answered.Clear();
        TellAll(_workers, new Hold(_generation, ++_holds));
    }

    private void Preparing()
    {
        Always();
        Receive<RunPrepared>(prepared =>
        {
            if (prepared.Step != _target || !_answered.Add(prepared.ParameterShard) || _answered.Count < _parameterShards.Length)
                return;
            _answered.Clear();
            Become(Running);
            _flows = true;
            _figures.Resume();
            TellAll(_workers, new RunUntil(_generation, _target));
            if (_requests.WantsHold)
                TellHold();
            if (_reached.Count == _parameterShards.Length)
                EndRun();
        });
        Receive<RunReached>(Reached);
    }

    private void Running()
    {
        Always();
        Receive<Holding>(holding => holding.Number == _holds, holding =>
        {
            _held = Math.Max(_held, holding.Step);
            if (!_answered.Add(holding.Worker) || _answered.Count < _workers.Length)
                return;
            _answered.Clear();
            if (_target != _held)
            {
                _reached.Clear();
                _sums = [];
            }
            _target = _held;
            TellPrepare(withStatistics: false);
            TellAll(_workers, new RunUntil(_generation, _target));
        });
        Receive<Holding>(_ => { });
        Receive<RunPrepared>(_ => { });
        Receive<RunReached>(Reached);
    }

    private void Reached(RunReached reached)
    {
        if (reached.Step != _target || !_reached.Add(reached.ParameterShard))
            return;
        if (reached.Sums.Length > 0)
            _sums = reached.Sums;
        _statistics.AddRange(reached.Statistics);
        if (_reached.Count == _parameterShards.Length && _flows)
            EndRun();
    }

    private void Evaluating()
    {
        Always();
        Receive<Evaluated>(evaluated =>
        {
            _round!.Take(evaluated);
            OnEvaluated();
        });
        Receive<Evaluated[]>(all =>
        {
            Array.ForEach(all, _round!.Take);
            OnEvaluated();
        });
        Receive<ParametersBroadcast>(broadcast =>
        {
            _round!.Take(broadcast);
            OnEvaluated();
        });
    }

    private void KeepingBest()
    {
        Always();
        Receive<BestKept>(kept =>
        {
            if (kept.Restore != (_phase == Phase.RestoringBest) || !_answered.Add(kept.ParameterShard) || _answered.Count < _parameterShards.Length)
                return;
            if (!kept.Restore)
            {
                GoOn();
                return;
            }

            // The parameters have changed without a step: a new generation hands them out.
            _phase = Phase.Finishing;
            BeginGeneration();
        });
    }

    private void Pausing()
    {
        Always();
        (_phase, _isPaused) = (Phase.Running, true);
        _log.Event(LogLevel.InfoLevel, "run-paused epoch={Epoch} step={Step}", _setup.EpochOf(_step + 1), _step);
    }

    private void EndRun()
    {
        StopFlow();
        foreach (StepSums sums in _sums)
            Count(_figures.Add(sums));
        if (_figures.LastStep < _target)
        {
            // Sums were lost with a connection; in a new generation all since the last decision are sent again.
            _log.Event(LogLevel.InfoLevel, "sums-missing epoch={Epoch} step={Step} known={Known}", _setup.EpochOf(_target), _target, _figures.LastStep);
            _figures.Restore(State);
            _observer.OnWentBack(_step);
            OnMembers();
            return;
        }
        _figures.Decide();
        (_step, _asksAgain) = (_target, s_lost);
        if (_log.IsDebugEnabled && _statistics.Count > 0)
            LayerNorms.Log(_setup, _statistics, _step, _log);
        if (_step % _setup.StepsPerEpoch == 0 && _figures.HasSamples)
            Enter(Phase.Validating);
        else
            GoOn();
    }

    private void StopFlow()
    {
        _figures.Pause();
        (_flows, _isPaused, _afterCheckpoint) = (false, false, null);
        _answered.Clear();
    }

    private void Evaluate(params DataPart[] parts)
    {
        EvaluationRound round = _round = new EvaluationRound(_setup, _generation, _step, parts, Evaluators);
        Become(Evaluating);
        Await("evaluation", () => [.. WorkersBut(round.HasAll), .. ShardsBut(shard => IsReplica(shard) || round.HasCollected(shard))]);
        TellAll(Owners, new CollectParameters(_generation, _step, new ActorPlace(Self, _node)));
        foreach ((int worker, EvaluateChunks chunks) in _round.Requests())
            _workers[worker].Actor.Tell(chunks);
    }

    private void OnEvaluated()
    {
        _awaited.Since = Now; // as long as answers come, nothing was lost
        if (_workers.Length == 0 && _round!.IsCollected && !_round.IsDone)
        {
            // Everybody else has left while the run was being stopped.
            _round.EvaluateAllAsync().PipeTo(Self);
            return;
        }
        if (!_round!.IsDone)
            return;
        EvaluationRound round = _round;
        _round = null;
        Become(() => Always());
        if (_phase == Phase.Finishing)
            Complete(round);
        else
            EndEpoch(round.Total(DataPart.Validation));
    }

    private void EndEpoch(LossSums validation)
    {
        int epoch = _setup.EpochOf(_step);
        EpochReport report = _figures.EndEpoch(epoch, _step, RateOf(_step), validation.Count > 0 ? validation : null);
        _validation = (_step, report.ValidationLoss);
        TrainingMeter.Epoch(report);
        _observer.OnEpoch(report);
        LogEpoch(report);
        bool isBest = validation.Count > 0 && _plan.OnEpoch(epoch, validation.LossSum / validation.Count);
        if (isBest && _plan.KeepsBest)
            Enter(Phase.KeepingBest);
        else
            GoOn();
    }

    /// <summary>The learning rate of a step that is in, as its parameter shards had it; the plateau's factor is of the last decision.</summary>
    private double RateOf(long step) =>
        new LearningRateSchedule((float)(_rates.At(step) ?? _setup.Job.Optimizer.LearningRate), _setup.Job.Schedule)
            .Rate(step, _setup.StepsPerEpoch, _setup.TotalSteps, _plan.PlateauFactor);

    private void GoOn()
    {
        AwaitNobody();
        _phase = Phase.Deciding;
        bool ends = _requests.Stops || _plan.IsFinished(_step);
        if (!ends && SyncsReplicas())
            return;
        if (!_plan.IsFinished(_step) && (_requests.Stops ? _checkpoints.WantsLast(_step) && _applied <= _step : _checkpoints.IsDue(_step, Now)))
        {
            Enter(Phase.Checkpointing);
            return;
        }
        _requests = _requests with { Checkpoints = false };
        if (!ends)
        {
            ChangeRate();
            if (_requests.Pauses)
                Become(Pausing);
            else
                Enter(Phase.Running);
        }
        else if (_plan.KeepsBest && _plan.BestEpoch > 0 && _plan.IsFinished(_step)) // also where a stop comes with the end
        {
            _log.Event(LogLevel.InfoLevel, "best-restored epoch={Epoch} step={Step} bestEpoch={BestEpoch}", _setup.EpochOf(_step), _step, _plan.BestEpoch);
            Enter(Phase.RestoringBest);
        }
        else
        {
            Enter(Phase.Finishing);
        }
    }

    private void Complete(EvaluationRound round)
    {
        if (_checkpoints.Target is not null)
        {
            // Nothing half-written stays behind.
            _afterCheckpoint = () => Complete(round);
            return;
        }
        float[] parameters = _setup.Parameters[_step].Span.ToArray();
        var result = new TrainingResult
        {
            Reason = _requests.Stops && !_plan.IsFinished(_step) ? EndReason.Stopped
                : _plan.IsStoppedEarly ? EndReason.EarlyStopping : EndReason.Completed,
            Parameters = parameters,
            ParameterHash = ParameterHash.Compute(parameters),
            Epochs = (int)(_step / _setup.StepsPerEpoch),
            Steps = _step,
            TrainLoss = _figures.TrainLoss,
            Validation = round.Total(DataPart.Validation),
            Test = round.Total(DataPart.Test),
            SamplesPerSecond = _figures.SamplesPerSecond,
        };
        _log.Event(LogLevel.InfoLevel, "run-ended epoch={Epoch} step={Step} reason={Reason} samplesPerSecond={SamplesPerSecond:F0} parameterHash={ParameterHash}",
            _setup.EpochOf(Math.Max(1, _step)), _step, result.Reason, result.SamplesPerSecond, result.ParameterHash);
        _completion.TrySetResult(result);
    }

    /// <summary>A failure that names its kind, as it is; any other as an internal one of that actor.</summary>
    private DistTrainerException Known(Exception cause) => cause as DistTrainerException ?? new DistTrainerException(
        FailureKind.Internal, $"The run failed in epoch {_setup.EpochOf(_step + 1)}: {cause.Message}", cause);

    private void Fail(DistTrainerException failure)
    {
        _log.Event(LogLevel.ErrorLevel, "run-failed epoch={Epoch} step={Step} kind={Kind} message=\"{Message}\"", _setup.EpochOf(_step + 1), _step, failure.Kind, failure.Message);
        Context.Parent.Tell(new RunFails(_lastReport?.Step ?? _step));
        _completion.TrySetException(failure);
        Context.Stop(Self);
    }
}
