using Akka.Actor;
using Akka.Event;
using DistTrainer.Engine;

namespace DistTrainer.Cluster;

/// <summary>
/// A thin shell round <see cref="GradientWorker"/>, on a thread of its own: it computes inside its message handlers.
/// Waits for <see cref="AssignDataShards"/>, then goes on with whatever the parameters that are in allow.
/// Supervisor: the coordinator, which ends the run when a worker fails; a restart would lose the open step only.
/// </summary>
internal sealed class WorkerActor : ReceiveActor
{
    private readonly TrainingSetup _setup;
    private readonly int _index;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Action<int> _push;
    private GradientWorker? _worker;
    private IReadOnlyList<IActorRef> _parameterShards = [];
    private int _generation;
    private long _limit;
    private EvaluateChunks? _evaluation;
    private IActorRef _evaluationSender = ActorRefs.Nobody;

    public WorkerActor(TrainingSetup setup, int index)
    {
        (_setup, _index) = (setup, index);
        _push = Push;
        Receive<AssignDataShards>(Assign);
        Receive<ParametersBroadcast>(IsCurrent, broadcast =>
        {
            if (_worker!.Receive(broadcast.ParameterShard, broadcast.Step))
                Advance();
        });
        Receive<RunUntil>(IsCurrent, run =>
        {
            _limit = run.Step;
            Advance();
        });
        Receive<Hold>(IsCurrent, _ =>
        {
            _limit = _worker!.Step;
            Sender.Tell(new Holding(_generation, _index, _worker.Step));
        });
        Receive<EvaluateChunks>(IsCurrent, evaluation =>
        {
            (_evaluation, _evaluationSender) = (evaluation, Sender);
            Advance();
        });
        Receive<IProtocolMessage>(old => _log.Event(LogLevel.DebugLevel, "message-dropped generation={Generation} expected={Expected} type={Type}", old.Generation, _generation, old.GetType().Name));
    }

    protected override void PostStop() => _worker?.Dispose();

    private bool IsCurrent(IProtocolMessage message) => message.Generation == _generation && _worker is not null;

    private void Assign(AssignDataShards assignment)
    {
        if (assignment.Generation <= _generation)
            return;
        _worker?.Dispose();
        _worker = new GradientWorker(_setup, assignment.FirstDataShard, assignment.DataShardCount, assignment.Step);
        (_generation, _parameterShards, _limit) = (assignment.Generation, assignment.ParameterShards, assignment.Step);
        if (_worker.HasWork)
        {
            _log.Event(LogLevel.InfoLevel, "data-shards-assigned epoch={Epoch} step={Step} first={First} count={Count} of={Of} threads={Threads}",
                _setup.EpochOf(assignment.Step + 1), assignment.Step + 1, assignment.FirstDataShard, assignment.DataShardCount,
                _setup.Job.Training.DataShards, _setup.Options.ComputeThreads);
        }
        else
        {
            _log.Event(LogLevel.InfoLevel, "idle epoch={Epoch} step={Step} reason=\"more workers than data shards\" of={Of}", _setup.EpochOf(assignment.Step + 1), assignment.Step + 1, _setup.Job.Training.DataShards);
        }
    }

    /// <summary>Does whatever can be done now: evaluate, begin a step, go forward, go backward.</summary>
    private void Advance()
    {
        GradientWorker worker = _worker!;
        while (true)
        {
            if (!worker.IsOpen)
            {
                if (_evaluation is { } evaluation && worker.HasParametersOf(evaluation.Step))
                    Evaluate(evaluation);
                if (!worker.HasWork || worker.Step >= _limit)
                    return;
                worker.Begin();
            }
            if (!worker.AdvanceForward())
                return;
            worker.Backward(_push);
        }
    }

    private void Push(int parameterShard)
    {
        for (int n = 0; n < _worker!.Nodes.Count; n++)
        {
            GradientNode node = _worker.Nodes[n];
            _parameterShards[parameterShard].Tell(
                new PushGradient(_generation, _index, _worker.Step, _worker.BatchRows, node.Node, node.Gradient, _worker.IsKnownFinite, _worker.LossesOf(n)), Self);
        }
    }

    private void Evaluate(EvaluateChunks evaluation)
    {
        _evaluation = null;
        _evaluationSender.Tell(new Evaluated(
            _generation, evaluation.Step, evaluation.Part, evaluation.FirstChunk,
            _worker!.Evaluate(evaluation.Part, evaluation.FirstChunk, evaluation.ChunkCount)));
    }
}
