using Akka.Actor;
using Akka.Event;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster;

/// <summary>
/// A thin shell round <see cref="GradientWorker"/>, on a thread of its own: it computes inside its message handlers.
/// Waits for <see cref="AssignDataShards"/>, then goes on with whatever the parameters that are in allow.
/// Supervisor: the run or the node, which tell the run that a worker failed; a restart would lose the open step only.
/// </summary>
internal sealed class WorkerActor : ReceiveActor
{
    /// <summary>Chunks in one answer, so that it fits a message whatever the size of the data.</summary>
    private const int ChunksAnAnswer = 256;

    private readonly TrainingSetup _setup;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Action<NetworkLayer> _ready;
    private readonly Action<int> _push;
    private readonly Queue<(EvaluateChunks Chunks, IActorRef Asker)> _evaluations = new();
    private IReadOnlyList<IParameterShardLink> _parameterShards = [];
    private IActorRef _run = ActorRefs.Nobody;
    private GradientWorker? _worker;
    private int _index;
    private int _generation;
    private long _limit;

    public WorkerActor(TrainingSetup setup)
    {
        _setup = setup;
        _ready = Prepare;
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
            _evaluations.Enqueue((evaluation, Sender));
            Advance();
        });
        Receive<IProtocolMessage>(old => _log.Event(LogLevel.DebugLevel, "message-dropped generation={Generation} expected={Expected} type={Type}", old.Generation, _generation, old.GetType().Name));
    }

    protected override void PostStop() => _worker?.Dispose();

    private bool IsCurrent(IProtocolMessage message) => message.Generation == _generation && _worker is not null;

    private void Assign(AssignDataShards assignment)
    {
        if (assignment.Generation < _generation || (assignment.Generation == _generation && !Sender.Equals(_run)))
        {
            // Another coordinator leads, or has led before this one.
            Sender.Tell(new GenerationRefused(assignment.Generation, _generation));
            return;
        }
        if (assignment.Generation > _generation)
        {
            _worker?.Dispose();
            _evaluations.Clear();
            _worker = new GradientWorker(_setup, assignment.FirstDataShard, assignment.DataShardCount, assignment.Step);
            (_generation, _index, _limit, _run) = (assignment.Generation, assignment.Worker, assignment.Step, Sender);
            Log(assignment);
        }
        try
        {
            _parameterShards = _setup.Links.Join(_generation, assignment.ParameterShards, Self);
            Sender.Tell(new DataShardsAssigned(_generation, _index));
        }
        catch (IOException failure)
        {
            Sender.Tell(new DataShardsRefused(_generation, _index, failure.Message));
        }
    }

    private void Log(AssignDataShards assignment)
    {
        int epoch = _setup.EpochOf(assignment.Step + 1), of = _setup.Job.Training.DataShards;
        if (_worker!.HasWork)
        {
            _log.Event(LogLevel.InfoLevel, "data-shards-assigned epoch={Epoch} step={Step} first={First} count={Count} of={Of} threads={Threads} generation={Generation} worker={Worker}",
                epoch, assignment.Step + 1, assignment.FirstDataShard, assignment.DataShardCount, of, _setup.Options.ComputeThreads, _generation, _index);
        }
        else
        {
            _log.Event(LogLevel.InfoLevel, "idle epoch={Epoch} step={Step} reason=\"more workers than data shards\" of={Of}", epoch, assignment.Step + 1, of);
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
                while (_evaluations.TryPeek(out var next) && worker.HasParametersOf(next.Chunks.Step))
                    Evaluate(_evaluations.Dequeue());
                if (!worker.HasWork || worker.Step >= _limit)
                    return;
                worker.Begin();
            }
            if (!worker.AdvanceForward())
                return;
            worker.Backward(_ready, _push);
            if (worker.Step % _setup.Options.ReportEvery == 0)
                _run.Tell(new ReportWorker(_generation, _index, worker.Step, worker.TakeTimes()));
        }
    }

    private void Prepare(NetworkLayer layer)
    {
        foreach (ParameterShardRange range in _setup.Ranges)
        {
            int start = Math.Max(range.Start, layer.Offset), end = Math.Min(range.End, layer.End);
            for (int n = 0; start < end && n < _worker!.Nodes.Count; n++)
                _parameterShards[range.Index].Prepare(_index, _worker.Step, _worker.Nodes[n], start, end - start);
        }
    }

    private void Push(int parameterShard)
    {
        for (int n = 0; n < _worker!.Nodes.Count; n++)
        {
            GradientNode node = _worker.Nodes[n];
            _parameterShards[parameterShard].Push(new PushGradient(
                _generation, _index, _worker.Step, _worker.BatchRows, node.Node, node.Gradient, 0, _worker.IsKnownFinite, _worker.LossesOf(n), _worker.SampleHashOf(n)));
        }
    }

    private void Evaluate((EvaluateChunks Chunks, IActorRef Asker) evaluation)
    {
        (EvaluateChunks asked, IActorRef asker) = evaluation;
        for (int done = 0; done < asked.ChunkCount; done += ChunksAnAnswer)
        {
            int first = asked.FirstChunk + done, count = Math.Min(ChunksAnAnswer, asked.ChunkCount - done);
            asker.Tell(new Evaluated(_generation, asked.Step, asked.Part, first, _worker!.Evaluate(asked.Step, asked.Part, first, count)));
        }
    }
}
