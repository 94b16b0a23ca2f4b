using Akka.Actor;
using Akka.Event;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

/// <summary>
/// Leads a run: makes parameter shards and workers, lets them run to the next decision, evaluates, decides
/// (<see cref="RunPlan"/>), and ends with a <see cref="TrainingResult"/>. It is not on the path of a step.
/// <para>States: preparing (parameter shards get ready) → running (steps flow) → evaluating → keeping the best → preparing
/// … → finishing (final evaluation). A restart would lose the run, so any child's failure ends it with that failure.</para>
/// </summary>
internal sealed class CoordinatorActor : ReceiveActor
{
    private const int Generation = 1;
    private readonly TrainingSetup _setup;
    private readonly ITrainingObserver _observer;
    private readonly TaskCompletionSource<TrainingResult> _completion;
    private readonly RunPlan _plan;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly RunFigures _figures;
    private readonly HashSet<int> _answered = [];
    private readonly HashSet<int> _reached = [];
    private readonly Dictionary<DataPart, LossSums[]> _sums = [];
    private readonly List<TensorStatistics> _statistics = [];
    private IActorRef[] _parameterShards = [];
    private IActorRef[] _workers = [];
    private int _chunksMissing;
    private long _step;
    private long _target;
    private long _held;
    private bool _stopRequested;
    private bool _isRunning;
    private bool _isFinishing;

    public CoordinatorActor(TrainingSetup setup, ITrainingObserver observer, TaskCompletionSource<TrainingResult> completion)
    {
        (_setup, _observer, _completion) = (setup, observer, completion);
        _plan = new RunPlan(setup.Job, setup.StepsPerEpoch, setup.TotalSteps, setup.Data.Validation.Count > 0);
        _figures = new RunFigures(setup);
        Become(Preparing);
    }

    /// <summary>Asks for a stop at the end of the open step.</summary>
    internal sealed record StopRequest;

    private sealed record ChildFailed(Exception Cause, string Child);

    protected override void PreStart()
    {
        try
        {
            Start();
        }
        catch (Exception cause)
        {
            Fail(Known(cause, "coordinator"));
        }
    }

    protected override void PreRestart(Exception reason, object message) => Fail(Known(reason, "coordinator"));

    protected override void PostStop() => _completion.TrySetException(
        new DistTrainerException(FailureKind.Internal, "The coordinator stopped before the run had ended."));

    private void Start()
    {
        _parameterShards = [.. _setup.Ranges.Select(range => Context.ActorOf(
            Props.Create(() => new ParameterShardActor(_setup, range)).WithDispatcher("disttrainer.parameter-shard-dispatcher"),
            $"parameter-shard-{range.Index}"))];
        _workers = [.. Enumerable.Range(0, _setup.Options.Workers).Select(index => Context.ActorOf(
            Props.Create(() => new WorkerActor(_setup, index)).WithDispatcher("disttrainer.worker-dispatcher"), $"worker-{index}"))];
        _log.Event(LogLevel.InfoLevel, "run-started workers={Workers} parameterShards={ParameterShards} dataShards={DataShards} parameters={Parameters} samples={Samples} stepsPerEpoch={StepsPerEpoch} totalSteps={TotalSteps}",
            _workers.Length, _parameterShards.Length, _setup.Job.Training.DataShards, _setup.Network.Layout.Length,
            _setup.Data.Train.Count, _setup.StepsPerEpoch, _setup.TotalSteps);
        SignalReport.Log(_setup, _log);
        _observer.OnStarted(_setup.StepsPerEpoch, _setup.TotalSteps);
        TellAll(_parameterShards, new JoinParameterServer(Generation, _workers, _parameterShards));
        for (int w = 0; w < _workers.Length; w++)
        {
            (int first, int count) = GradientTree.Share(_setup.Job.Training.DataShards, _workers.Length, w);
            _workers[w].Tell(new AssignDataShards(Generation, _parameterShards, first, count, _step));
        }
        PrepareNext();
    }

    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(0, 0, cause =>
    {
        Self.Tell(new ChildFailed(cause, Sender.Path.Name));
        return Directive.Stop;
    });

    private static void TellAll(IActorRef[] actors, object message)
    {
        foreach (IActorRef actor in actors)
            actor.Tell(message);
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
            _isRunning = true;
            _figures.Resume();
            TellAll(_workers, new RunUntil(Generation, _target));
            if (_stopRequested)
                TellAll(_workers, new Hold(Generation));
        });
    }

    private void Running()
    {
        Always();
        Receive<ReportSteps>(report =>
        {
            if (_figures.Add(report) is { } whole)
                ReportStep(whole);
        });
        Receive<Holding>(holding =>
        {
            _held = Math.Max(_held, holding.Step);
            if (!_answered.Add(holding.Worker) || _answered.Count < _workers.Length)
                return;
            _answered.Clear();
            if (_target != _held)
                _reached.Clear();
            _target = _held;
            TellAll(_parameterShards, new PrepareRun(Generation, _target, _plan.PlateauFactor, false));
            TellAll(_workers, new RunUntil(Generation, _target));
        });
        Receive<RunPrepared>(_ => { });
        Receive<RunReached>(reached =>
        {
            if (reached.Step != _target || !_reached.Add(reached.ParameterShard))
                return;
            _statistics.AddRange(reached.Statistics);
            if (_reached.Count == _parameterShards.Length)
                EndRun();
        });
    }

    private void Evaluating()
    {
        Always();
        Receive<Evaluated>(evaluated =>
        {
            evaluated.Sums.CopyTo(_sums[evaluated.Part], evaluated.FirstChunk);
            _chunksMissing -= evaluated.Sums.Length;
            if (_chunksMissing == 0)
                OnEvaluated();
        });
    }

    private void KeepingBest()
    {
        Always();
        Receive<BestKept>(kept =>
        {
            if (!_answered.Add(kept.ParameterShard) || _answered.Count < _parameterShards.Length)
                return;
            _answered.Clear();
            if (kept.Restore)
                Finish();
            else
                GoOn();
        });
    }

    private void Always()
    {
        Receive<StopRequest>(_ =>
        {
            if (_stopRequested)
                return;
            _stopRequested = true;
            _log.Event(LogLevel.InfoLevel, "stop-requested epoch={Epoch} step={Step}", _setup.EpochOf(Math.Max(1, _step)), _step);
            if (_isRunning)
                TellAll(_workers, new Hold(Generation));
        });
        Receive<ChildFailed>(failed => Fail(Known(failed.Cause, failed.Child)));
        Receive<RefuseContribution>(refused => Fail(new DistTrainerException(
            FailureKind.Diverged,
            $"step {refused.Step} (epoch {_setup.EpochOf(refused.Step)}): the gradient of worker {refused.Worker}, data shards {refused.Node.Start} to {refused.Node.End - 1}, is not finite; it was refused before the sum. Lower optimizer.learning-rate, clip the gradient (clipping.norm), or normalize the data.")));
        // What is left over from a state before, e.g. a worker that held after the run had ended.
        Receive<IProtocolMessage>(IsLeftOver, _ => { });
    }

    private static bool IsLeftOver(IProtocolMessage message) => message.Generation != Generation;

    private void PrepareNext()
    {
        _target = _plan.NextDecision(_step);
        _answered.Clear();
        _reached.Clear();
        _statistics.Clear();
        _held = 0;
        Become(Preparing);
        TellAll(_parameterShards, new PrepareRun(Generation, _target, _plan.PlateauFactor, _log.IsDebugEnabled));
    }

    private void EndRun()
    {
        _figures.Pause();
        _isRunning = false;
        _answered.Clear();
        _step = _target;
        bool endsEpoch = _step % _setup.StepsPerEpoch == 0;
        if (_log.IsDebugEnabled && _statistics.Count > 0)
            LayerNorms.Log(_setup, _statistics, _step, _log);
        if (endsEpoch && !_stopRequested && _setup.Data.Validation.Count > 0)
            Evaluate(DataPart.Validation);
        else
            AfterEpoch(endsEpoch, null);
    }

    private void Evaluate(params DataPart[] parts)
    {
        _sums.Clear();
        _chunksMissing = 0;
        Become(Evaluating);
        foreach (DataPart part in parts)
        {
            int chunks = Evaluator.ChunkCount(_setup.PartOf(part));
            _sums[part] = new LossSums[chunks];
            _chunksMissing += chunks;
        }
        foreach (DataPart part in parts)
        {
            for (int w = 0; w < _workers.Length; w++)
            {
                (int first, int count) = GradientTree.Share(_sums[part].Length, _workers.Length, w);
                if (count > 0)
                    _workers[w].Tell(new EvaluateChunks(Generation, _step, part, first, count));
            }
        }
        if (_chunksMissing == 0)
            OnEvaluated();
    }

    private void OnEvaluated()
    {
        if (_isFinishing)
            Complete();
        else
            AfterEpoch(true, Total(DataPart.Validation));
    }

    private LossSums Total(DataPart part) => _sums.TryGetValue(part, out LossSums[]? sums)
        ? sums.Aggregate(default(LossSums), (left, right) => left + right)
        : default;

    private void AfterEpoch(bool endsEpoch, LossSums? validation)
    {
        bool isBest = false;
        if (endsEpoch)
        {
            int epoch = _setup.EpochOf(_step);
            EpochReport report = _figures.EndEpoch(epoch, _step, validation);
            _observer.OnEpoch(report);
            _log.Event(LogLevel.InfoLevel, "epoch-ended epoch={Epoch} step={Step} trainLoss={TrainLoss:G6} trainAccuracy={TrainAccuracy:G6} validationLoss={ValidationLoss:G6} validationAccuracy={ValidationAccuracy:G6} learningRate={LearningRate:G6} samplesPerSecond={SamplesPerSecond:F0} parameterHash={ParameterHash}",
                epoch, _step, report.TrainLoss, report.TrainAccuracy, report.ValidationLoss, report.ValidationAccuracy,
                report.LearningRate, report.SamplesPerSecond, report.ParameterHash);
            if (validation is { } sums)
                isBest = _plan.OnEpoch(epoch, sums.LossSum / sums.Count);
        }
        if (isBest && _plan.KeepsBest)
            AskToKeep(restore: false);
        else
            GoOn();
    }

    private void AskToKeep(bool restore)
    {
        _answered.Clear();
        Become(KeepingBest);
        TellAll(_parameterShards, new KeepBest(Generation, restore));
    }

    private void GoOn()
    {
        if (!_stopRequested && !_plan.IsFinished(_step))
        {
            PrepareNext();
        }
        else if (_plan.KeepsBest && _plan.BestEpoch > 0 && !_stopRequested)
        {
            _log.Event(LogLevel.InfoLevel, "best-restored epoch={Epoch} step={Step} bestEpoch={BestEpoch}", _setup.EpochOf(_step), _step, _plan.BestEpoch);
            AskToKeep(restore: true);
        }
        else
        {
            Finish();
        }
    }

    private void Finish()
    {
        _isFinishing = true;
        Evaluate(DataPart.Validation, DataPart.Test);
    }

    private void Complete()
    {
        float[] parameters = _setup.Parameters.Span.ToArray();
        var result = new TrainingResult
        {
            Reason = _stopRequested && !_plan.IsFinished(_step) ? EndReason.Stopped
                : _plan.IsStoppedEarly ? EndReason.EarlyStopping : EndReason.Completed,
            Parameters = parameters,
            ParameterHash = ParameterHash.Compute(parameters),
            Epochs = (int)(_step / _setup.StepsPerEpoch),
            Steps = _step,
            TrainLoss = _figures.TrainLoss,
            Validation = Total(DataPart.Validation),
            Test = Total(DataPart.Test),
            SamplesPerSecond = _figures.SamplesPerSecond,
        };
        _log.Event(LogLevel.InfoLevel, "run-ended epoch={Epoch} step={Step} reason={Reason} samplesPerSecond={SamplesPerSecond:F0} parameterHash={ParameterHash}",
            _setup.EpochOf(Math.Max(1, _step)), _step, result.Reason, result.SamplesPerSecond, result.ParameterHash);
        _completion.TrySetResult(result);
    }

    /// <summary>A failure that names its kind, as it is; any other as an internal one of that actor.</summary>
    private DistTrainerException Known(Exception cause, string actor) => cause as DistTrainerException ?? new DistTrainerException(
        FailureKind.Internal, $"{actor} failed in epoch {_setup.EpochOf(_step + 1)}: {cause.Message}", cause);

    private void ReportStep(StepReport report)
    {
        _observer.OnStep(report);
        _log.Event(LogLevel.InfoLevel, "steps epoch={Epoch} step={Step} loss={Loss:G6} accuracy={Accuracy:G6} learningRate={LearningRate:G6} gradientNorm={GradientNorm:G6} samplesPerSecond={SamplesPerSecond:F0}",
            report.Epoch, report.Step, report.Loss, report.Accuracy, report.LearningRate, report.GradientNorm, report.SamplesPerSecond);
    }

    private void Fail(DistTrainerException failure)
    {
        _log.Event(LogLevel.ErrorLevel, "run-failed epoch={Epoch} step={Step} kind={Kind} message=\"{Message}\"", _setup.EpochOf(_step + 1), _step, failure.Kind, failure.Message);
        _completion.TrySetException(failure);
        Context.Stop(Self);
    }
}
