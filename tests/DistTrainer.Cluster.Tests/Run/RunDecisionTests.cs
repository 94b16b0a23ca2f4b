using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Run;

/// <summary>
/// What a run decides, and what people have asked of it, whatever interrupts it: a run's actor with one parameter
/// shard, its replica and workers that answer by themselves, but for a disk that answers only when it is told to.
/// </summary>
public sealed class RunDecisionTests : TestKit
{
    private static readonly NodeAddress s_server = new("server", null, []), s_other = new("other", null, []);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private readonly Recorder _recorder = new();
    private readonly TaskCompletionSource<TrainingResult> _completion = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("disttrainer-decisions-");
    private readonly TrainingSetup _setup;

    public RunDecisionTests()
        : base("akka.loglevel = OFF")
    {
        JobDescription job = TestJobs.Job(new OptimizerDescription()) with
        {
            Training = new TrainingDescription
            {
                Epochs = 20,
                BatchSize = 300,
                DataShards = 4,
                EarlyStopping = new EarlyStoppingDescription { Patience = 15 },
            },
            Schedule = new ScheduleDescription
            {
                Kind = "reduce-on-plateau",
                Settings = PartSettings.Of(("patience", 0), ("gamma", 0.5f)),
            },
        };
        var options = new RunOptions
        {
            ParameterShards = 1,
            Replicas = 1,
            ToleratesLoss = true,
            Checkpoint = new CheckpointSettings { EverySteps = 2 },
        };
        _setup = new TrainingSetup(job, TestJobs.Classification(203, 11, 4), options, null);
    }

    [Fact]
    public void An_epoch_is_decided_once_although_nodes_come_while_the_run_waits_at_its_end_for_a_checkpoint_that_is_being_written()
    {
        IActorRef run = Lead(RunState.Start, before: 0);
        Shard owner = new(this, run, 1) { SilentAt = 3 }, replica = new(this, run, 0);
        TestProbe worker = Worker(run, owner);
        run.Tell(Hosted(s_server, owner));
        run.Tell(new ActorsHosted(new NodeAddress("a", null, []), [], [worker.Ref], "test", 0));
        AwaitCondition(() => owner is { WaitsForDisk: true, OpenStep: 4 }, s_patience);

        // A server comes while the checkpoint of step 2 is written and epoch 3 is over, which the run has not heard
        // yet. Its copy is behind: it is to be brought up to date at that epoch's end, once the disk is free.
        run.Tell(Hosted(s_other, replica));
        AwaitCondition(() => replica.Generation == 2, s_patience);
        AwaitCondition(() => Status(run).State == "writing a checkpoint", s_patience);
        (int epochs, RunStatus before) = (_recorder.Epochs.Count, Status(run));
        Assert.Equal(3, epochs);
        foreach (string name in (string[])["b", "c"])
        {
            run.Tell(new ActorsHosted(new NodeAddress(name, null, []), [], [Worker(run, owner).Ref], "test", 0));
            AwaitCondition(() => Status(run) is var status && status.Workers.Length > before.Workers.Length
                && status.State == "writing a checkpoint", s_patience);
            before = Status(run);
        }
        Assert.Equal(epochs, _recorder.Epochs.Count);
        owner.AnswerDisk();
        AwaitCondition(() => _recorder.Epochs.Count > epochs + 2, s_patience);

        // Validation never gets better after the first epoch: each epoch halves the rate once.
        Assert.Equal(Enumerable.Range(1, epochs + 2), _recorder.Epochs.Take(epochs + 2).Select(epoch => epoch.Epoch));
        Assert.All(_recorder.Epochs.Skip(2).Take(epochs), epoch => Assert.Equal(
            0.5, epoch.LearningRate / _recorder.Epochs[epoch.Epoch - 2].LearningRate, 1e-9));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_run_that_was_paused_under_another_coordinator_stays_paused_until_it_is_resumed(bool asksEarly)
    {
        IActorRef run = Lead(RunState.Start, before: 1);
        Shard owner = new(this, run, 4)
        {
            State = RunState.Start with { Step = 3, Version = 17, Requests = RunRequests.None with { Pauses = true } },
        };
        if (asksEarly)
            run.Tell(new PauseCommand(false)); // before it has heard that the run is paused
        TestProbe worker = Worker(run, owner);
        run.Tell(Hosted(s_server, owner));
        run.Tell(new ActorsHosted(new NodeAddress("a", null, []), [], [worker.Ref], "test", 0));
        if (!asksEarly)
        {
            AwaitCondition(() => Status(run).State == "paused", s_patience);
            Assert.Equal((3, 0), (owner.OpenStep - 1, _recorder.Epochs.Count));
            run.Tell(new PauseCommand(false));
        }
        AwaitCondition(() => owner.OpenStep > 4, s_patience);
        Assert.Equal(RunRequests.None with { Checkpoints = owner.State!.Requests.Checkpoints }, owner.State!.Requests);
        Assert.True(owner.State.Version > 17);
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("stop")]
    [InlineData("rate")]
    public void What_is_asked_of_a_run_is_told_to_the_coordinator_at_once_for_every_node_to_keep(string what)
    {
        TestProbe coordinator = CreateTestProbe();
        IActorRef run = Lead(RunState.Start, before: 0, coordinator);
        Shard owner = new(this, run, 1);
        run.Tell(Hosted(s_server, owner));
        // its worker says nothing: no step flows
        run.Tell(new ActorsHosted(new NodeAddress("a", null, []), [], [CreateTestProbe().Ref], "test", 0));
        AwaitCondition(() => owner.Generation > 0, s_patience);
        (object request, RunRequests asked) = what switch
        {
            "pause" => ((object)new PauseCommand(true), RunRequests.None with { Pauses = true }),
            "stop" => (new StopCommand(), RunRequests.None with { Stops = true }),
            _ => (new LearningRateCommand(0.25), RunRequests.None with { AskedRate = 0.25 }),
        };
        run.Tell(request);
        Assert.Equal(asked, coordinator.FishForMessage<KeepRequests>(_ => true, s_patience).Requests);
    }

    [Fact]
    public void A_pause_outlives_the_coordinator_and_all_copies_of_the_parameters()
    {
        IActorRef run = Lead(RunState.Start, before: 1);
        Shard anew = new(this, run, 1);
        TestProbe worker = Worker(run, anew);
        run.Tell(Hosted(s_other, anew));
        run.Tell(new KeepRequests(17, RunRequests.None with { Pauses = true })); // a node has kept it
        run.Tell(new ActorsHosted(new NodeAddress("a", null, []), [], [worker.Ref], "test", 0));
        AwaitCondition(() => Status(run).State == "paused", s_patience);
        Assert.Equal(1, anew.OpenStep);
        Assert.True(anew.State!.Version > 17);
        run.Tell(new PauseCommand(false));
        AwaitCondition(() => anew.OpenStep > 1, s_patience);
    }

    [Fact]
    public void A_coordinator_that_takes_over_hands_on_what_was_done_about_divergence_and_the_last_epoch_s_loss()
    {
        IActorRef run = Lead(RunState.Start, before: 1);
        RunState state = RunState.Start with
        {
            Step = 3,
            Version = 8,
            TrainLoss = 0.75,
            Divergence = new DivergenceState(1, 0.5, 3, 2),
        };
        Shard owner = new(this, run, 4) { State = state };
        TestProbe worker = Worker(run, owner);
        run.Tell(Hosted(s_server, owner));
        run.Tell(new ActorsHosted(new NodeAddress("a", null, []), [], [worker.Ref], "test", 0));
        AwaitCondition(() => owner.First is not null, s_patience);
        Assert.Equal(
            (3, 0.75, state.Divergence),
            (owner.First!.AdmittedStep, owner.First.State.TrainLoss, owner.First.State.Divergence));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Where_all_copies_are_hosted_anew_the_run_goes_back_to_a_checkpoint_instead_of_beginning_again(
        int before)
    {
        IActorRef run = Lead(RunState.Start, before);
        Shard owner = new(this, run, 1) { SilentAt = 3 }, anew = new(this, run, 1);
        TestProbe worker = Worker(run, anew);
        if (before == 0)
        {
            run.Tell(Hosted(s_server, owner));
            run.Tell(new ActorsHosted(new NodeAddress("a", null, []), [], [Worker(run, owner).Ref], "test", 0));
            AwaitCondition(() => owner.OpenStep == 4, s_patience);
            run.Tell(new NodeGone("server", "it is dead", Bans: true));
        }
        run.Tell(Hosted(s_other, anew));
        run.Tell(new ActorsHosted(new NodeAddress("b", null, []), [], [worker.Ref], "test", 0));
        AwaitCondition(() => anew.IsRestored, s_patience);
        AwaitCondition(() => anew.OpenStep > 1, s_patience);
    }

    [Fact]
    public void Of_two_states_of_the_same_step_a_coordinator_that_takes_over_believes_the_newer_one_in_any_order()
    {
        foreach (bool newerFirst in (bool[])[true, false])
        {
            IActorRef run = Lead(RunState.Start, before: 1);
            RunState old = RunState.Start with { Step = 3, Version = 8 };
            RunState newer = old with { Version = 9, Rates = [new RateSet(4, 0.125)] };
            Shard owner = new(this, run, 4) { State = newerFirst ? newer : old }, replica = new(this, run, 4)
            {
                State = newerFirst ? old : newer,
            };
            TestProbe worker = Worker(run, owner);
            run.Tell(Hosted(s_server, owner));
            run.Tell(Hosted(s_other, replica));
            run.Tell(new ActorsHosted(new NodeAddress("a", null, []), [], [worker.Ref], "test", 0));
            AwaitCondition(() => owner.First is not null, s_patience);
            Assert.Equal(0.125, owner.First!.Rate.Base);
            Sys.Stop(run);
        }
    }

    [Fact]
    public async Task A_stop_that_comes_with_the_last_epoch_takes_the_best_parameters_back_as_without_it()
    {
        JobDescription job = TestJobs.Job(new OptimizerDescription { Kind = "sgd", LearningRate = 0.5f }) with
        {
            Training = new TrainingDescription
            {
                Epochs = 60,
                BatchSize = 50,
                DataShards = 4,
                EarlyStopping = new EarlyStoppingDescription { Patience = 1 },
            },
        };
        DataParts data = TestJobs.Classification(203, 11, 4);
        TrainingResult undisturbed = await TestJobs.Run(job, data, new RunOptions { ReportEvery = 1 });
        Assert.Equal(EndReason.EarlyStopping, undisturbed.Reason);
        using var stop = new CancellationTokenSource();
        var observer = new Recorder
        {
            AfterStep = report => stop.CancelAfter(report.Step == undisturbed.Steps ? 0 : Timeout.Infinite),
        };
        TrainingResult stopped = await TestJobs.Run(
            job, data, new RunOptions { ReportEvery = 1 }, observer, stop.Token);
        Assert.Equal(
            (undisturbed.Reason, undisturbed.Steps, undisturbed.ParameterHash, undisturbed.Validation),
                (stopped.Reason, stopped.Steps, stopped.ParameterHash, stopped.Validation));
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _setup.Dispose();
        _folder.Delete(recursive: true);
    }

    private IActorRef Lead(RunState start, int before, TestProbe? coordinator = null)
    {
        (TrainingSetup setup, Recorder recorder, TaskCompletionSource<TrainingResult> completion, string folder) =
            (_setup, _recorder, _completion, _folder.FullName);
        return (coordinator ?? CreateTestProbe()).ChildActorOf(
            Props.Create(() => new RunActor(setup, s_server, recorder, completion, folder, start, before)));
    }

    private static ActorsHosted Hosted(NodeAddress node, Shard shard) =>
        new(node, [new HostedParameterShard(0, shard.Probe.Ref)], [], "test", 0);

    private static RunStatus Status(IActorRef run) =>
        run.Ask<RunStatus>(new StatusCommand(), s_patience).GetAwaiter().GetResult();

    /// <summary>A worker that computes nothing, but answers at once.</summary>
    private TestProbe Worker(IActorRef run, Shard owner)
    {
        TestProbe probe = CreateTestProbe();
        int number = 0;
        probe.SetAutoPilot(new DelegateAutoPilot((_, message) =>
        {
            object? answer = message switch
            {
                AssignDataShards assign => new DataShardsAssigned(assign.Generation, number = assign.Worker),
                Hold hold => new Holding(hold.Generation, number, owner.OpenStep - 1, hold.Number),
                EvaluateChunks ask => new Evaluated(
                    ask.Generation, ask.Step, ask.Part, ask.FirstChunk,
                        [.. Enumerable.Repeat(new LossSums(10, 10 + ask.Step, 1, 0), ask.ChunkCount)]),
                _ => null,
            };
            if (answer is not null)
                run.Tell(answer, probe.Ref);
            return AutoPilot.KeepRunning;
        }));
        return probe;
    }

    /// <summary>
    /// A copy of the parameter shard that applies steps as soon as they are asked for, and whose disk answers when it
    /// is told to.
    /// </summary>
    private sealed class Shard
    {
        private readonly IActorRef _run;
        private readonly List<WritePart> _unanswered = [];
        private bool _answersDisk;
        private int _number;

        public Shard(RunDecisionTests tests, IActorRef run, long openStep)
        {
            (_run, OpenStep, Probe) = (run, openStep, tests.CreateTestProbe());
            Probe.SetAutoPilot(new DelegateAutoPilot((_, message) =>
            {
                lock (_unanswered)
                    Answer(message);
                return AutoPilot.KeepRunning;
            }));
        }

        public TestProbe Probe { get; }

        public long OpenStep { get; private set; }

        public RunState? State { get; set; }

        public PrepareRun? First { get; private set; }

        public int Generation { get; private set; }

        public bool IsRestored { get; private set; }

        /// <summary>A step of which the run does not hear in the generation at hand that it is applied.</summary>
        public long SilentAt { get; set; } = -1;

        public bool WaitsForDisk
        {
            get
            {
                lock (_unanswered)
                    return _unanswered.Count > 0;
            }
        }

        /// <summary>The disk was slow, and is full.</summary>
        public void AnswerDisk()
        {
            lock (_unanswered)
            {
                _answersDisk = true;
                _unanswered.ForEach(Fail);
            }
        }

        private void Fail(WritePart write) =>
            _run.Tell(new PartWritten(0, write.Target, null, "the disk is full"), Probe.Ref);

        private void Answer(object message)
        {
            switch (message)
            {
                case JoinParameterServer join:
                    (Generation, _number) = (join.Generation, join.Number);
                    Tell(new ParameterServerJoined(join.Generation, join.Number, OpenStep, State));
                    break;
                case RestoreParameters restore:
                    (IsRestored, State) = (true, restore.State);
                    Tell(new ParameterServerJoined(Generation, _number, OpenStep, State));
                    break;
                case PrepareRun prepare:
                    (First, State) = (First ?? prepare, prepare.State);
                    Tell(new RunPrepared(Generation, _number, prepare.Step));
                    StepSums[] sums = [.. StepsFrom(prepare.KnownStep + 1, prepare.Step)
                        .Select(step => new StepSums(step, step, new LossSums(203, 20, 5, 0), 203, (ulong)step))];
                    OpenStep = Math.Max(OpenStep, prepare.Step + 1);
                    if (prepare.Step != SilentAt)
                        Tell(new RunReached(Generation, _number, prepare.Step, sums, []));
                    SilentAt = prepare.Step == SilentAt ? -1 : SilentAt;
                    break;
                case CollectParameters collect:
                    Tell(new ParametersBroadcast(Generation, _number, collect.Step));
                    break;
                case KeepBest keep:
                    Tell(new BestKept(Generation, _number, keep.Restore));
                    break;
                case CopyForCheckpoint copy:
                    Tell(new CheckpointCopied(Generation, _number, copy.Step, 0));
                    break;
                case WritePart write when _answersDisk:
                    Fail(write);
                    break;
                case WritePart write:
                    _unanswered.Add(write);
                    break;
            }
        }

        private static IEnumerable<long> StepsFrom(long first, long last)
        {
            for (long step = first; step <= last; step++)
                yield return step;
        }

        private void Tell(object message) => _run.Tell(message, Probe.Ref);
    }
}
