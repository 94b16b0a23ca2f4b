using Akka.Actor;
using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cluster.Run;

// How a generation begins, and what is heard in every state.
internal sealed partial class RunActor
{
    /// <summary>Each coordinator begins with another thousand: a generation that only nodes know that are gone is not begun again.</summary>
    private const int GenerationsOfACoordinator = 1000;

    private readonly Dictionary<int, long> _openSteps = [];
    private readonly HashSet<int> _assigned = [];
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_quarantine = TimeSpan.FromSeconds(1);
    private bool _isLinked;
    private int _generation;
    private long _applied;
    private readonly HashSet<string> _banned = [];
    private readonly Dictionary<string, TimeSpan> _lost = [];

    /// <summary>A run that is being stopped does not wait for workers: it ends with the step that all parameter shards have.</summary>
    private bool EndsWithoutWorkers => _requests.Stops && _isStarted && _members.HasParameterShards;

    /// <summary>What was asked for before the nodes have told what the coordinator before was asked for.</summary>
    private readonly List<Func<RunRequests, RunRequests>> _asked = [];

    /// <summary>What the nodes keep of it; null before anything was asked for.</summary>
    private KeepRequests? _kept;

    private sealed record Linked(int Generation, Exception? Failure);

    private sealed record StillWaiting;

    private sealed record JoinsSettled;

    private sealed record ShardsOverdue;

    /// <summary>The scheduler's clock, which a test may drive: it only goes on, also where somebody sets the machine's.</summary>
    private static TimeSpan Now => Context.System.Scheduler.HighResMonotonicClock;

    private void Gathering() => Always();

    /// <summary>Someone came or went: a new generation, as soon as enough are there.</summary>
    private void OnMembers()
    {
        StopFlow();
        Timers.Cancel(nameof(JoinsSettled));
        if (_members.AreEnough || EndsWithoutWorkers)
        {
            Timers.Cancel(nameof(StillWaiting));
            BeginGeneration();
            return;
        }
        Become(Gathering);
        _gatheringSince = Now;
        Timers.StartPeriodicTimer(nameof(StillWaiting), new StillWaiting(), s_patience);
    }

    private void BeginGeneration()
    {
        StopFlow();
        _generation = Math.Max(_generation, _members.Nodes.Max(node => node.Generation)) + 1;
        (_copies, _parameterShards, _workers) = (_members.Copies, [], _members.Workers);
        _restoreFailure = null;
        GiveCheckpointUp();
        _openSteps.Clear();
        _assigned.Clear();
        _slow.Clear();
        _saidWaiting = default;
        _figures.ForgetWorkers();
        _isLinked = false;
        if (!_isStarted)
            Start();
        Become(Joining);
        Await("joining", () => CopiesBut(_openSteps.ContainsKey));
        for (int number = 0; number < _copies.Length; number++)
            _copies[number].Place.Actor.Tell(new JoinParameterServer(_generation, number));
    }

    private void Start()
    {
        _isStarted = true;
        _log.Event(LogLevel.InfoLevel, "run-started workers={Workers} parameterShards={ParameterShards} dataShards={DataShards} parameters={Parameters} samples={Samples} stepsPerEpoch={StepsPerEpoch} totalSteps={TotalSteps}",
            _workers.Length, _setup.Ranges.Count, _setup.Job.Training.DataShards, _setup.Layout.Length,
            _setup.Data.Train.Count, _setup.StepsPerEpoch, _setup.TotalSteps);
        SignalReport.Log(_setup, _log);
        _observer.OnStarted(_setup.StepsPerEpoch, _setup.TotalSteps);
    }

    private void Joining()
    {
        Always();
        Receive<ParameterServerJoined>(joined =>
        {
            Adopt(joined.State);
            if (_openSteps.TryAdd(joined.Number, joined.OpenStep))
                OnJoined();
        });
        Receive<RestoreFailed>(failed => failed.Generation == _generation, OnRestoreFailed);
        Receive<GenerationRefused>(refused => refused.Generation == _generation, BeginNewer);
    }

    private void OnJoined()
    {
        if (_openSteps.Count < _copies.Length)
            return;
        _roles = new ParameterShardRoles(_copies, _openSteps, _setup.Ranges.Count, _options.Replicas);

        // All may be hosted anew: then they know nothing of the steps that are decided, or of a run that is taken over.
        bool isLost = !_roles.AreWhole || _roles.LastOpen <= _step || (!_hasLed && _version == 0);
        long? from = !_hasLed && _version == 0 ? null : Math.Max(_step, _openSteps.Values.Max() - 1);
        TakeLead(isLost);
        if (!_roles.AreWhole && _restoreFailure is { } failure)
            OnFailed(failure);
        else if (_refusals.GoesBack || isLost)
            GoBack(from);
        else if (!RestoresReplicas())
            Assign();
    }

    private void BeginNewer(GenerationRefused refused)
    {
        _generation = Math.Max(_generation, refused.Newest);
        BeginGeneration();
    }

    /// <summary>Goes on from where a coordinator before this one stood.</summary>
    private void Adopt(RunState? state)
    {
        if (state is null || _hasLed || state.Version <= _version)
            return;
        Restore(state);
        _rates.Replace(state.Rates);
        _version = state.Version;
        if (state.Version > (_kept?.Version ?? 0))
            _requests = state.Requests;
        _phase = !_plan.IsStoppedEarly ? Phase.Running : _plan.KeepsBest ? Phase.RestoringBest : Phase.Finishing;
    }

    // The parameter shards tell again what they reported since the last decision.
    private void TakeLead(bool goesBack)
    {
        if (_hasLed)
            return;
        _hasLed = true;
        _version = Math.Max(_version, _kept?.Version ?? 0);
        if (_asked.Count > 0)
            Keep(_asked.Aggregate(_requests, (requests, change) => change(requests)));
        _asked.Clear();
        _log.Event(LogLevel.InfoLevel, "run-taken-over epoch={Epoch} step={Step}", _setup.EpochOf(_step + 1), _step);
        if (!goesBack)
            _observer.OnWentBack(_step);
    }

    /// <summary>The last step that can be finished everywhere: one that some have applied, if there are workers for it.</summary>
    private long LastWhole => _workers.Length > 0 ? _applied : _roles.FirstOpen - 1;

    /// <summary>The data shards that a worker owns in this generation.</summary>
    private (int First, int Count) DataShardsOf(int worker) => GradientTree.Share(_setup.Job.Training.DataShards, _workers.Length, worker);

    private void Assign()
    {
        Become(Assigning);
        Await("links", () => WorkersBut(_assigned.Contains));
        long step = _roles.FirstOpen - 1;
        (_parameterShards, _applied) = (_roles.Places, _roles.LastOpen - 1);
        for (int worker = 0; worker < _workers.Length; worker++)
        {
            (int first, int count) = DataShardsOf(worker);
            _workers[worker].Actor.Tell(new AssignDataShards(_generation, worker, _parameterShards, _roles.Replicas, first, count, BackupOf(worker), step));
        }

        // Connecting may take its time, and the actor must hear of who is lost meanwhile.
        (int generation, IActorRef self) = (_generation, Self);
        ParameterShardCopyPlace[] shards = [.. Owners.Select((place, index) => new ParameterShardCopyPlace(index, place))];
        _setup.Links.JoinAsync(generation, shards, self).PipeTo(
            Self, success: () => new Linked(generation, null), failure: cause => new Linked(generation, cause));
    }

    private void Assigning()
    {
        Always();
        Receive<DataShardsAssigned>(assigned =>
        {
            _assigned.Add(assigned.Worker);
            OnAssigned();
        });
        Receive<GenerationRefused>(refused => refused.Generation == _generation, BeginNewer);
        Receive<Linked>(linked => linked.Generation == _generation, linked =>
        {
            if (linked.Failure is not null)
                _log.Event(LogLevel.WarningLevel, "link-failed generation={Generation} message=\"{Message}\"", _generation, linked.Failure.Message);
            _isLinked = linked.Failure is null;
            if (IsRefused(linked))
                return;
            if (!_isLinked && !Timers.IsTimerActive(nameof(JoinsSettled)))
                Timers.StartSingleTimer(nameof(JoinsSettled), new JoinsSettled(), s_quarantine);
            OnAssigned();
        });
    }

    private void OnAssigned()
    {
        if (!_isLinked || _assigned.Count < _workers.Length)
            return;
        TakePart();
        IActorRef[] all = [.. _parameterShards.Select(place => place.Actor)];
        for (int number = 0; number < all.Length; number++)
            all[number].Tell(new BroadcastParameters(_generation, _roles.FirstOpen - 1, _workers, all, number));
        TrainingMeter.Generation(_generation, _workers.Length);
        _log.Event(LogLevel.InfoLevel, "generation-begun generation={Generation} epoch={Epoch} step={Step} workers={Workers} parameterShards={ParameterShards} replicas={Replicas}",
            _generation, _setup.EpochOf(_roles.FirstOpen), _roles.FirstOpen, _workers.Length, _setup.Ranges.Count, _roles.Replicas.Length);
        if (_options.Replicas > 0)
            Timers.StartPeriodicTimer(nameof(ShardsOverdue), new ShardsOverdue(), TimeSpan.Zero, s_wait); // a server that gets one may die before it has it, or come later
        if (!_members.AreEnough)
        {
            // It ends with the step that all parameter shards have.
            (_workers, _phase) = ([], _phase == Phase.Finishing ? Phase.Finishing : Phase.Running);
        }
        else if (MaySync)
        {
            _requests = _requests with { Checkpoints = true };
        }
        Enter(_phase);
    }

    private void Always()
    {
        Receive<ActorsHosted>(OnHosted);
        Receive<NodeGone>(gone =>
        {
            if (gone.Bans)
                _banned.Add(gone.Node);
            OnGone(gone.Node, gone.Reason);
        });
        Receive<JoinsSettled>(_ => OnMembers());
        Receive<CheckWait>(_ => LogAwaited());
        Receive<NodeBack>(back => _banned.Remove(back.Node));
        Receive<LinkLost>(OnLinkLost);
        Receive<StatusRequest>(request => Sender.Tell(Status(request)));
        Receive<ActorFailed>(OnFailed);
        Receive<DataShardsRefused>(refused => refused.Generation == _generation, OnNotLinked);
        Receive<Linked>(linked => linked.Generation != _generation, linked => IsRefused(linked));
        Receive<AbandonRun>(abandon => Fail(new DistTrainerException(abandon.Kind, abandon.Reason)));
        Receive<StopRun>(stop => Request(asked => asked.With(stop), "stop-requested"));
        Receive<PauseRun>(pause => Request(asked => asked.With(pause), pause.Pause ? "pause-requested" : "resume-requested"));
        Receive<SetLearningRate>(set => Request(asked => asked.With(set), "learning-rate-requested"));
        Receive<KeepRequests>(OnKept);
        Receive<ReportSteps>(report =>
        {
            // Of any generation: a report that is known changes nothing.
            foreach ((StepReport whole, LedgerEntry entry) in _figures.Add(report))
            {
                Count(entry);
                TrainingMeter.Step(whole, entry.LastStep - entry.FirstStep + 1, entry.Samples);
                ReportStep(whole);
            }
            if (_flows && _checkpoints.IsTime(Now) && !_requests.Checkpoints)
                Request(asked => asked with { Checkpoints = true }, "checkpoint-due");
        });
        Receive<ReportHistogram>(report =>
        {
            if (_histograms.Add(report) is { } whole)
                _observer.OnHistogram(whole);
        });
        WritesCheckpoints();
        Receive<RefuseContribution>(refused => refused.Generation == _generation, OnRefused);
        Receive<ReportWorker>(report => report.Generation == _generation, OnWorkerTimes);
        Receive<WaitingFor>(waiting => waiting.Generation == _generation, waiting =>
        {
            LogWait(waiting);
            if (_flows && waiting.Seconds > 2 * _asksAgain.TotalSeconds)
                AskAgain();
        });
        Receive<ShardsOverdue>(_ => TellLost());
        Receive<StillWaiting>(_ => SayWaiting());

        // What is left over from a generation before, or from a state before, e.g. a worker that held after the run had ended.
        Receive<IProtocolMessage>(message => message.Generation != _generation, _ => { });
    }

    private void OnHosted(ActorsHosted hosted)
    {
        if (hosted.DataHash != _setup.Common)
        {
            OnOtherData(hosted);
            return;
        }
        // A node says every few seconds that it is there.
        _heard[hosted.Node.Name] = Now;

        // One that was lost a moment ago may have said it before that.
        if (_banned.Contains(hosted.Node.Name) || (_lost.TryGetValue(hosted.Node.Name, out TimeSpan lost) && Now - lost < s_quarantine) || !_members.Add(hosted))
            return;
        if (_options.ToleratesLoss)
            _log.Event(LogLevel.InfoLevel, "node-joined node={Node} parameterShards={ParameterShards} workers={Workers}", hosted.Node.Name, hosted.ParameterShards.Length, hosted.Workers.Length);

        // Nodes that start together join in one generation. Who is lost is not waited for.
        if (!_options.ToleratesLoss)
            OnMembers();
        else if (!Timers.IsTimerActive(nameof(JoinsSettled)))
            Timers.StartSingleTimer(nameof(JoinsSettled), new JoinsSettled(), s_settle);
    }

    private void OnGone(string node, string reason)
    {
        if (_members.Remove(node) is not { } gone)
        {
            // It may have been about to host some.
            if (!_isStarted)
                TellLost();
            return;
        }
        _lost[node] = Now;
        TrainingMeter.NodeLost();
        _log.Event(LogLevel.WarningLevel, "node-gone node={Node} workers={Workers} parameterShards={ParameterShards} epoch={Epoch} step={Step} reason=\"{Reason}\"",
            node, gone.Workers.Length, gone.ParameterShards.Length, _setup.EpochOf(_step + 1), _step, reason);
        TellLost();
        OnMembers();
    }

    /// <summary>Asks for other hosts of parameter shards of which copies are lost.</summary>
    private void TellLost()
    {
        if (_members.Scarce is { Count: > 0 } scarce)
            Context.Parent.Tell(new ParameterShardsLost(scarce, [.. _lost.Keys.Except(_members.Nodes.Select(node => node.Node.Name))]));
    }

    /// <summary>
    /// A worker's node that lost a link is most likely dead: the others go on without it at once, and it is taken in again
    /// if it says that it is there. Where parameter shards are at the other end, all try once more.
    /// </summary>
    private void OnLinkLost(LinkLost lost)
    {
        ActorsHosted? peer = _members.Nodes.FirstOrDefault(node => node.Node.Name == lost.Peer);
        if (peer is null || _members.Nodes.All(node => node.Node.Name != lost.Node))
            return;
        if (peer.ParameterShards.Length == 0 || lost.PeerIsDead)
        {
            OnGone(lost.Peer, $"{lost.Node} lost its connection: {lost.Reason}");
        }
        else if (lost.Generation == _generation)
        {
            _log.Event(LogLevel.WarningLevel, "link-lost node={Node} peer={Peer} epoch={Epoch} step={Step} reason=\"{Reason}\"", lost.Node, lost.Peer, _setup.EpochOf(_step + 1), _step, lost.Reason);
            OnMembers();
        }
    }

    private void OnFailed(ActorFailed failed)
    {
        string message = failed.Kind == FailureKind.Internal
            ? $"{failed.Actor} failed in epoch {_setup.EpochOf(_step + 1)}: {failed.Message}" : failed.Message;
        if (IsNewcomer(failed))
            Refuse(failed.Node, failed.Kind, message);
        else if (_options.ToleratesLoss && failed.Actor.StartsWith("worker", StringComparison.Ordinal))
            OnGone(failed.Node, message);
        else
            Fail(new DistTrainerException(failed.Kind, message));
    }

    private void Request(Func<RunRequests, RunRequests> change, string name)
    {
        // What the coordinator before was asked for came earlier.
        if (!_hasLed)
            _asked.Add(change);
        RunRequests requests = change(_requests);
        if (requests == _requests)
            return;
        bool held = _requests.WantsHold;
        if (_hasLed)
            Keep(requests);
        else
            _requests = requests;
        _log.Event(LogLevel.InfoLevel, name + " epoch={Epoch} step={Step}", _setup.EpochOf(_step + 1), _step);
        if (_flows && requests.WantsHold && !held)
            TellHold();
        else if (_isPaused)
            GoOn();
        else if (!_members.AreEnough && EndsWithoutWorkers)
            OnMembers();
    }

    /// <summary>Every node keeps them, for a coordinator that takes over.</summary>
    private void Keep(RunRequests requests)
    {
        (_requests, _kept) = (requests, new KeepRequests(++_version, requests));
        Context.Parent.Tell(_kept);
    }

    /// <summary>A node has kept what the coordinator before was asked for.</summary>
    private void OnKept(KeepRequests kept)
    {
        if (_hasLed ? _version > 0 : kept.Version <= Math.Max(_version, _kept?.Version ?? 0))
            return;
        (_kept, _requests) = (kept, kept.Requests);
        if (_hasLed)
            _version = kept.Version; // the run has not begun
    }

    private void ChangeRate()
    {
        if (_requests.AskedRate is not { } rate)
            return;
        _requests = _requests with { AskedRate = null };
        _rates.Set(_step + 1, rate);
        _log.Event(LogLevel.InfoLevel, "learning-rate-set epoch={Epoch} step={Step} learningRate={LearningRate:G6}", _setup.EpochOf(_step + 1), _step + 1, rate);
    }
}
