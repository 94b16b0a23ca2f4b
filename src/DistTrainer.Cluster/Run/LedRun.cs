using Akka.Actor;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Checkpoints;
using DistTrainer.Cluster.Run.Members;
using DistTrainer.Cluster.Run.Phases;
using DistTrainer.Cluster.Run.Reports;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

// Over 300 lines: the list of a run's parts, with a line for each; what it does itself is a third of it.
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cluster.Run;

/// <summary>
/// A run as its leader sees it: where it stands, who takes part, what it is at. What comes in goes to the part that it
/// is for, or to the <see cref="RunPhase"/>; what is to be decided is decided by <see cref="RunCourse"/>, and done
/// here.
/// </summary>
internal sealed class LedRun
{
    /// <summary>
    /// Each coordinator begins with another thousand: a generation that only nodes know that are gone is not begun
    /// again.
    /// </summary>
    private const int GenerationsOfACoordinator = 1000;

    private static readonly TimeSpan s_overdue = TimeSpan.FromMilliseconds(500);
    private readonly TaskCompletionSource<TrainingResult> _completion;
    private readonly ITrainingObserver _observer;

    /// <summary>Begins to gather.</summary>
    /// <param name="shell">The actor.</param>
    /// <param name="log">Where events are told.</param>
    /// <param name="setup">What the node's actors share.</param>
    /// <param name="node">This node.</param>
    /// <param name="observer">Hears how it goes.</param>
    /// <param name="completion">Gets the result.</param>
    /// <param name="folder">The run folder, for checkpoints; null writes none.</param>
    /// <param name="start">Where the run began.</param>
    /// <param name="before">How many coordinators led it before.</param>
    public LedRun(
        RunShell shell, RunLog log, TrainingSetup setup, NodeAddress node, ITrainingObserver observer,
        TaskCompletionSource<TrainingResult> completion, string? folder, RunState start, int before)
    {
        (Shell, Log, Setup, Node, _observer, _completion, Start) =
            (shell, log, setup, node, observer, completion, start);
        Plan = new RunPlan(setup.Job, setup.StepsPerEpoch, setup.TotalSteps, setup.Data.Validation.Count > 0);
        Members = new Membership(setup.Ranges.Count, Options.MinWorkers, Options.MaxWorkers, Options.Replicas);
        Figures = new RunFigures(setup);
        Refusals = new RefusedGradients(setup.Job.Training.Divergence);
        Asked = new RunAsked(hasLed: before == 0);
        Nodes = new NodeChanges(this);
        Checkpoints = new RunCheckpoints(Options.Checkpoint, folder, Name, Ends);
        Writing = new CheckpointWriting(this);
        Replicas = new ReplicaSync(this);
        Generation = new Generation(
            GenerationsOfACoordinator * before, [], [], setup.Ranges.Count, []);
        TrainingDescription training = setup.Job.Training;
        int rounded = Math.Max(1, training.Compression.DataShardsOfGroup(training.DataShards));
        Deal = training.Consistency.Mode == ConsistencyMode.Local
            ? new DataShardDeal(
                training.DataShards, training.Consistency.DataShardsOfGroup(training.DataShards), always: true)
            : new DataShardDeal(training.DataShards, rounded, always: false);
        Restore(start);
        Phase = new GatheringPhase(this, RunAim.Steps);
        if (before > 0)
            shell.After(s_overdue, new ShardsOverdue());
    }

    /// <summary>It is time to ask for parameter shards of which copies are lost.</summary>
    internal sealed record ShardsOverdue;

    /// <summary>The actor.</summary>
    public RunShell Shell { get; }

    /// <summary>Where events are told.</summary>
    public RunLog Log { get; }

    /// <summary>What the node's actors share.</summary>
    public TrainingSetup Setup { get; }

    /// <summary>After which steps parameters are handed out.</summary>
    public IConsistency Ends => Setup.Exchange.Ends;

    /// <summary>How the run is run.</summary>
    public RunOptions Options => Setup.Options;

    /// <summary>This node.</summary>
    public NodeAddress Node { get; }

    /// <summary>Where the run began.</summary>
    public RunState Start { get; }

    /// <summary>Its name.</summary>
    public string Name => Shell.Self.Path.Name;

    /// <summary>Epochs, early stopping, reduce-on-plateau.</summary>
    public RunPlan Plan { get; }

    /// <summary>Learning rates that were set while it ran.</summary>
    public RunRates Rates { get; } = new();

    /// <summary>Who takes part.</summary>
    public Membership Members { get; }

    /// <summary>What follows when nodes come, go and fail.</summary>
    public NodeChanges Nodes { get; }

    /// <summary>Losses, norms and speed.</summary>
    public RunFigures Figures { get; }

    /// <summary>What was done about gradients that are not finite.</summary>
    public RefusedGradients Refusals { get; }

    /// <summary>What people have asked for.</summary>
    public RunAsked Asked { get; }

    /// <summary>When a checkpoint is due, and which is being written.</summary>
    public RunCheckpoints Checkpoints { get; }

    /// <summary>Writes them.</summary>
    public CheckpointWriting Writing { get; }

    /// <summary>Replicas that are behind.</summary>
    public ReplicaSync Replicas { get; }

    /// <summary>Who stands in for a slow worker.</summary>
    public BackupWorkers Backups { get; } = new();

    /// <summary>Who gets which data shards.</summary>
    public DataShardDeal Deal { get; }

    /// <summary>Whose answers are awaited.</summary>
    public WaitWatch Waits { get; } = new();

    /// <summary>The membership's version, and how far it has come together.</summary>
    public Generation Generation { get; private set; }

    /// <summary>What the run is at.</summary>
    public RunPhase Phase { get; private set; }

    /// <summary>Steps that are done, up to the last decision.</summary>
    public long Step { get; set; }

    /// <summary>
    /// The step after which the validation part was evaluated last, and its mean loss; null: there is none.
    /// </summary>
    public (long Step, double? Loss) Validation { get; set; }

    /// <summary>
    /// A run that is being stopped does not wait for workers: it ends with the step that all parameter shards have.
    /// </summary>
    public bool EndsWithoutWorkers => Asked.Open.Stops && IsStarted && Members.HasParameterShards;

    /// <summary>Whether the first generation has begun to gather.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Where the run stands, between two steps.</summary>
    public RunState State => new(
        Step, Figures.EpochSums, Rates.All, Plan.Plateau, Plan.Stopping, Validation.Step == Step
            ? Validation.Loss : null,
        Figures.LastEpochLoss, Refusals.State, Asked.Open, Asked.Version);

    /// <summary>Where the run stands, to be told to the parameter shards.</summary>
    public RunState NewState()
    {
        Asked.NextVersion();
        return State;
    }

    /// <summary>Goes on from where a run stood.</summary>
    public void Restore(RunState state)
    {
        Step = state.Step;
        Plan.Restore(state);
        Figures.Restore(state);
        Rates.Restore(state.Rates);
        Refusals.Restore(state.Divergence);
        Validation = (state.Step, state.ValidationLoss);
        Checkpoints.GoBack(state.Step);
    }

    /// <summary>Answers are awaited from now on.</summary>
    public void Await(string what, Func<IEnumerable<string>> who)
    {
        Waits.Await(what, who, Shell.Now);
        Shell.Every(WaitWatch.First, new RunReports.CheckWait());
    }

    /// <summary>
    /// Requires that the run folder is there and this run's; it may wait for it, so it is called off the actor.
    /// </summary>
    public void RequireFolder() => (_observer as IRunOutput)?.RequireFolder();

    /// <summary>Someone came or went: a new generation, as soon as enough are there.</summary>
    public void Renew()
    {
        RunAim aim = Phase.Aim;
        Figures.Pause();
        Shell.Timers.Cancel(nameof(NodeChanges.JoinsSettled));
        if (Members.AreEnough || EndsWithoutWorkers)
        {
            Shell.Timers.Cancel(nameof(GatheringPhase.StillWaiting));
            BeginGeneration(aim);
            return;
        }
        Become(new GatheringPhase(this, aim));
    }

    /// <summary>All join again, under a higher number.</summary>
    /// <param name="aim">What is done once they have.</param>
    /// <param name="known">A number that somebody knows already.</param>
    public void BeginGeneration(RunAim aim, int known = 0)
    {
        Figures.Pause();
        int number = Math.Max(Math.Max(Generation.Number, known), Members.Nodes.Max(node => node.Generation)) + 1;
        ActorPlace[] workers = Members.Workers;
        Generation = new Generation(
            number, Members.Copies, workers, Setup.Ranges.Count, Deal.To(workers, Shell.Now));
        Phase = new JoiningPhase(this, aim);
        Writing.GiveUp();
        if (!IsStarted)
        {
            IsStarted = true;
            Log.Started(Generation.Workers.Length);
        }
        Await("joining", () => Generation.CopiesBut(Generation.HasJoined));
        for (int copy = 0; copy < Generation.Copies.Count; copy++)
            Generation.Copies[copy].Place.Actor.Tell(new JoinParameterServer(number, copy));
    }

    /// <summary>The run is at something else from now on.</summary>
    public void Become(RunPhase phase)
    {
        Phase = phase;
        phase.Begin();
    }

    /// <summary>Something is asked of the run, by people or by itself.</summary>
    /// <param name="change">What it adds to what is asked for.</param>
    /// <param name="name">How the log calls it.</param>
    public void Request(Func<RunRequests, RunRequests> change, string name)
    {
        bool held = Asked.Open.WantsHold;
        (bool isNews, KeepRequests? keep) = Asked.Ask(change);
        if (!isNews)
            return;
        if (keep is not null)
            Shell.Coordinator.Tell(keep, Shell.Self);
        Log.Requested(name, Step);
        Phase.OnRequest(held);
    }

    /// <summary>
    /// Goes on with what the run is about to do, in the generation that has just begun or in the same one.
    /// </summary>
    public void Enter(RunAim aim)
    {
        if (aim == RunAim.Decide)
            GoOn();
        else
            Become(RunPhase.Of(this, aim));
    }

    /// <summary>Decides what comes next, between two steps.</summary>
    public void GoOn()
    {
        Waits.AwaitNobody();
        Shell.Timers.Cancel(nameof(RunReports.CheckWait));
        RunNext next = RunCourse.Next(Position());
        if (next is not (RunNext.SyncReplicas or RunNext.AwaitDisk or RunNext.Checkpoint))
            Asked.Set(Asked.Open with { Checkpoints = false });
        switch (next)
        {
            case RunNext.SyncReplicas:
                Replicas.Begin();
                break;
            case RunNext.AwaitDisk:
                Become(new AwaitingDiskPhase(this, RunAim.Decide, GoOn));
                break;
            case RunNext.Checkpoint:
                Enter(RunAim.Checkpoint);
                break;
            case RunNext.Steps or RunNext.Pause:
                ChangeRate();
                Become(next == RunNext.Steps ? new PreparingPhase(this) : new PausedPhase(this));
                break;
            case RunNext.RestoreBest:
                Log.BestRestored(Step, Plan.BestEpoch);
                Enter(RunAim.RestoreBest);
                break;
            default:
                Enter(RunAim.Finish);
                break;
        }
    }

    /// <summary>The run is over.</summary>
    public void Succeed(TrainingResult result)
    {
        Log.Ended(Step, result);
        _completion.TrySetResult(result);
    }

    /// <summary>The run cannot go on.</summary>
    public void Fail(DistTrainerException failure)
    {
        Log.Failed(Step, failure);
        Shell.Coordinator.Tell(new RunFails(Figures.Last?.Step ?? Step), Shell.Self);
        _completion.TrySetException(failure);
        Shell.Stop();
    }

    /// <summary>A failure that names its kind, as it is; any other as an internal one of that actor.</summary>
    public DistTrainerException Known(Exception cause) => cause as DistTrainerException ?? new DistTrainerException(
        FailureKind.Internal, $"The run failed in epoch {Setup.EpochOf(Step + 1)}: {cause.Message}", cause);

    private RunPosition Position() => new(
        Step, Generation.Applied, Plan.IsFinished(Step), Asked.Open.Stops, Asked.Open.Pauses, Plan.KeepsBest
            && Plan.BestEpoch > 0,
        Replicas.MaySync, Writing.Newest.Step, Checkpoints.IsWriting, Checkpoints.HasBegun(Step),
        Checkpoints.IsDue(Step, Shell.Now), Checkpoints.WantsLast(Step));

    private void ChangeRate()
    {
        if (Asked.Open.AskedRate is not { } rate)
            return;
        Asked.Set(Asked.Open with { AskedRate = null });
        Rates.Set(Step + 1, rate);
        Log.RateSet(Step, rate);
    }
}
