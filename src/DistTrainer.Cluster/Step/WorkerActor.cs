using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Links;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Training;

namespace DistTrainer.Cluster.Step;

/// <summary>
/// A thin shell round <see cref="GradientWorker"/>, on a thread of its own: it computes inside its message handlers.
/// Waits for <see cref="AssignDataShards"/>, then goes on with whatever the parameters that are in allow.
/// Supervisor: the node's host, which tells the run that a worker failed; a restart would lose the open step only.
/// </summary>
internal sealed class WorkerActor : ReceiveActor
{
    /// <summary>Chunks in one answer, so that it fits a message whatever the size of the data.</summary>
    private const int ChunksAnAnswer = 256;

    private readonly TrainingSetup _setup;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<(EvaluateChunks Chunks, IActorRef Asker)> _evaluations = new();
    private GradientRoute _route;
    private IActorRef _run = ActorRefs.Nobody;
    private readonly StepTimesWatch _times = new();
    private GradientWorker? _worker;
    private GradientWorker? _backup;
    private bool _isBackingUp;
    private bool _isGoingOn;
    private bool _isReportDue;
    private int _index;
    private int _generation;
    private long _limit;

    public WorkerActor(TrainingSetup setup)
    {
        _setup = setup;
        _route = new GradientRoute(setup, 0, 0, [], []);
        Receive<AssignDataShards>(Assign);
        Receive<ParametersBroadcast>(IsCurrent, broadcast =>
        {
            _backup?.In.Receive(broadcast.ParameterShard, broadcast.Step);
            if (_worker!.In.Receive(broadcast.ParameterShard, broadcast.Step))
                Advance();
        });
        Receive<BackUp>(IsCurrent, _ => RunBackup());
        Receive<GoOn>(IsCurrent, _ =>
        {
            _isGoingOn = false;
            Advance();
        });
        Receive<RunUntil>(IsCurrent, run =>
        {
            _limit = run.Step;
            _worker!.TakeRate(run.Rate);
            _backup?.TakeRate(run.Rate);
            Advance();
        });
        Receive<Hold>(IsCurrent, hold =>
        {
            _limit = Math.Max(_worker!.HandedIn, _backup?.HandedIn ?? 0);
            Sender.Tell(new Holding(_generation, _index, _limit, hold.Number));
        });
        Receive<EvaluateChunks>(IsCurrent, evaluation =>
        {
            _evaluations.Enqueue((evaluation, Sender));
            Advance();
        });
        Receive<IProtocolMessage>(
            old => _log.Event(
                LogLevel.DebugLevel, "message-dropped generation={Generation} expected={Expected} type={Type}",
                old.Generation, _generation, old.GetType().Name));
    }

    /// <summary>Behind all messages that wait: whether parameters are still missing then.</summary>
    private sealed record BackUp(int Generation) : IProtocolMessage;

    /// <summary>Behind all messages that wait: there is more to compute.</summary>
    private sealed record GoOn(int Generation) : IProtocolMessage;

    protected override void PostStop()
    {
        _worker?.Dispose();
        _backup?.Dispose();
    }

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
            _backup?.Dispose();
            _evaluations.Clear();
            _times.Clear();
            _worker = new GradientWorker(
                _setup, assignment.FirstDataShard, assignment.DataShardCount, assignment.Step,
                assignment.Replicas.Length);
            DataShardRange backup = assignment.Backup;
            _backup = backup.Count > 0
                ? new GradientWorker(_setup, backup.First, backup.Count, assignment.Step, assignment.Replicas.Length)
                : null;
            (_isBackingUp, _isGoingOn) = (false, false);
            (_generation, _index, _limit, _run) = (assignment.Generation, assignment.Worker, assignment.Step, Sender);
            Log(assignment);
        }
        try
        {
            _route = GradientRoute.Join(_setup, assignment, Self);
            Sender.Tell(new DataShardsAssigned(_generation, _index));
        }
        catch (IOException failure)
        {
            Sender.Tell(new DataShardsRefused(_generation, _index, failure.Message, (failure as PeerFailure)?.Node));
        }
    }

    private void Log(AssignDataShards assignment)
    {
        int epoch = _setup.EpochOf(assignment.Step + 1), of = _setup.Job.Training.DataShards;
        if (_worker!.HasWork)
        {
            _log.Event(
                LogLevel.InfoLevel,
                "data-shards-assigned epoch={Epoch} step={Step} first={First} count={Count} of={Of} threads={Threads} "
                + "generation={Generation} worker={Worker}",
                epoch, assignment.Step + 1, assignment.FirstDataShard, assignment.DataShardCount, of,
                    _setup.Options.ComputeThreads, _generation, _index);
        }
        else
        {
            bool inGroups = _setup.Job.Training.Consistency.Mode == ConsistencyMode.Local;
            _log.Event(
                LogLevel.InfoLevel,
                "idle epoch={Epoch} step={Step} reason=\"{Reason}\" of={Of} worker={Worker}",
                epoch, assignment.Step + 1, inGroups
                    ? "more workers than groups; raise training.consistency.groups, or start fewer workers"
                    : "more workers than data shards; raise training.data-shards, or start fewer workers",
                inGroups ? _setup.Job.Training.Consistency.Groups : of, _index);
        }
    }

    /// <summary>Does whatever can be done now: evaluate, begin a step, go forward, go backward.</summary>
    private void Advance()
    {
        GradientWorker worker = _worker!;
        while (true)
        {
            if (worker.IsFree)
            {
                worker.SkipToNewest();
                EvaluateAll(worker);
                if (!worker.HasWork || worker.Step >= _limit)
                    break;
                worker.Begin();
            }
            if (worker.HandedIn < worker.Step)
            {
                // In a round's midst: what else there is comes first, and steps may have to stop.
                EvaluateAll(worker);
                if (worker.Step > _limit)
                    break;
            }
            WorkerProgress progress = worker.Advance();
            if (progress == WorkerProgress.Works)
                GoOnLater();
            if (progress != WorkerProgress.IsReady)
                break;
            worker.Finish(_route);
            if (StepTrace.Wants(_setup, worker.Step))
                StepTrace.Span(
                    _setup, worker.Step, "compute", ("worker", _index),
                    TimeSpan.FromMilliseconds(worker.Clock.StepMilliseconds));
            _isReportDue |= _setup.IsReported(worker.Step) || worker.Clock.IsReportOverdue;

            // Others' times are to be compared with these: only with those of steps of the same size.
            if (worker.IsFullStep && (_times.Next(worker.Clock.StepMilliseconds) || _isReportDue))
                Report(worker);
        }
        if (!_isGoingOn)
            BackUpLater();
    }

    /// <summary>Nothing else is to be done: the slow worker's data shards of the open step.</summary>
    private void RunBackup()
    {
        _isBackingUp = false;
        GradientWorker backup = _backup!;
        if (backup.IsFree)
        {
            backup.SkipToNewest();
            if (backup.Step >= _limit || backup.Step > backup.In.Newest)
                return;
            backup.Begin();
        }
        if (backup.HandedIn < backup.Step && backup.Step > _limit)
            return;
        WorkerProgress progress = backup.Advance();
        if (progress == WorkerProgress.IsReady)
            backup.Finish(_route);
        else if (progress == WorkerProgress.Works)
            BackUpLater();
    }

    private void BackUpLater()
    {
        if (_backup is null || _isBackingUp)
            return;
        _isBackingUp = true;
        Self.Tell(new BackUp(_generation));
    }

    /// <summary>A round goes on when everything that has come meanwhile is done.</summary>
    private void GoOnLater()
    {
        if (_worker!.Clock.IsReportOverdue)
            Report(_worker);
        if (_isGoingOn)
            return;
        _isGoingOn = true;
        Self.Tell(new GoOn(_generation));
    }

    private void Report(GradientWorker worker)
    {
        _isReportDue = false;
        WorkerTimes times = _times.Take(worker.Clock.Take());
        TrainingMeter.Worker(_index, times);
        _run.Tell(new ReportWorker(_generation, _index, worker.Step, times));
    }

    private void EvaluateAll(GradientWorker worker)
    {
        while (_evaluations.TryPeek(out var next) && worker.In.HasAll(next.Chunks.Step))
            Evaluate(_evaluations.Dequeue());
    }

    private void Evaluate((EvaluateChunks Chunks, IActorRef Asker) evaluation)
    {
        (EvaluateChunks asked, IActorRef asker) = evaluation;
        for (int done = 0; done < asked.ChunkCount; done += ChunksAnAnswer)
        {
            int first = asked.FirstChunk + done, count = Math.Min(ChunksAnAnswer, asked.ChunkCount - done);
            asker.Tell(
                new Evaluated(
                    _generation, asked.Step, asked.Part, first, _worker!.Evaluate(
                        asked.Step, asked.Part, first, count)));
        }
    }
}
