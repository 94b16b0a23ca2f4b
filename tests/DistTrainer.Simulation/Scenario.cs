using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Simulation;

/// <summary>
/// What a seed runs: the job, the nodes, how slow and how rough the network is, and what happens when.
/// </summary>
internal sealed record Scenario
{
    private static readonly TrainingDescription s_training = new() { Epochs = 2, BatchSize = 12, DataShards = 4 };

    private static readonly ConsistencyDescription s_rounds = new()
    {
        Mode = ConsistencyMode.Local,
        Groups = 2,
        Steps = 5,
    };

    private static readonly CompressionDescription s_rounded = new() { Kind = CompressionKind.Bfloat16 };

    private static readonly ModelDescription s_model = new()
    {
        Layers = [new LayerDescription { Units = 3, Activation = "tanh", Dropout = 0.2f }, new LayerDescription()],
    };

    private const int JobsOfAMode = 4;

    /// <summary>
    /// The jobs, as many of each <see cref="JobMode"/>: every kind of step and of decision that the protocol knows.
    /// </summary>
    public static IReadOnlyList<JobDescription> Jobs { get; } =
    [
        new() { Model = s_model, Training = s_training },
        new() { Model = s_model, Training = s_training, Clipping = new ClippingDescription { Norm = 0.05f } },
        new()
        {
            Model = s_model,
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 3f },
            Training = s_training with { Epochs = 4, EarlyStopping = new EarlyStoppingDescription { Patience = 2 } },
            Schedule = new ScheduleDescription
            {
                Kind = "reduce-on-plateau",
                Settings = PartSettings.Of(("patience", 1)),
            },
        },
        new()
        {
            Model = s_model,
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 3f },
            Training = s_training with
            {
                Epochs = 8, BatchSize = 45, EarlyStopping = new EarlyStoppingDescription { Patience = 4 },
            },
            Schedule = new ScheduleDescription
            {
                Kind = "reduce-on-plateau",
                Settings = PartSettings.Of(("patience", 0), ("gamma", 0.5f)),
            },
        },
        new() { Model = s_model, Training = s_training with { Consistency = s_rounds } },
        new()
        {
            Model = s_model,
            Training = s_training with
            {
                Consistency = s_rounds with { Groups = 4, Steps = 3, WarmUpSteps = 7, Outer = OuterKind.Nesterov },
            },
            Clipping = new ClippingDescription { Norm = 0.05f },
        },
        new()
        {
            Model = s_model,
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 3f },
            Training = s_training with
            {
                Epochs = 4, MaxSteps = 83, EarlyStopping = new EarlyStoppingDescription { Patience = 2 },
                Consistency = s_rounds with { Groups = 4, Steps = 1 },
            },
            Schedule = new ScheduleDescription
            {
                Kind = "reduce-on-plateau",
                Settings = PartSettings.Of(("patience", 1)),
            },
        },
        new()
        {
            Model = s_model,
            Training = s_training with
            {
                Epochs = 3,
                MaxSteps = 50,
                Consistency = s_rounds with { Steps = 9, InnerState = InnerState.Reset },
            },
        },
        new() { Model = s_model, Training = s_training with { Compression = s_rounded } },
        new()
        {
            Model = s_model,
            Training = s_training with { Compression = s_rounded with { Groups = 4 } },
            Clipping = new ClippingDescription { Norm = 0.05f },
        },
        new()
        {
            Model = s_model,
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 3f },
            Training = s_training with
            {
                Epochs = 4, Compression = s_rounded, EarlyStopping = new EarlyStoppingDescription { Patience = 2 },
            },
            Schedule = new ScheduleDescription
            {
                Kind = "reduce-on-plateau",
                Settings = PartSettings.Of(("patience", 1)),
            },
        },
        new() { Model = s_model, Training = s_training with { Compression = s_rounded with { Groups = 1 } } },
    ];

    /// <summary>The samples of every job.</summary>
    public static DataParts Data { get; } = MakeData();

    /// <summary>Which of <see cref="Jobs"/>.</summary>
    public int Job { get; init; }

    /// <summary>
    /// A job of which gradients are not finite from the second step on; the run goes back and on with a rate that is
    /// sane.
    /// </summary>
    public static JobDescription Diverging { get; } = new()
    {
        Model = s_model,
        Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 3e38f },
        Training = s_training with
        {
            Epochs = 1,
            Divergence = new DivergenceDescription { Policy = DivergencePolicy.GoBack, RateFactor = 1e-38f },
        },
    };

    /// <summary>The job, where it is none of those; null: it is.</summary>
    public JobDescription? OwnJob { get; init; }

    /// <summary>How the job is run.</summary>
    public required RunOptions Options { get; init; }

    /// <summary>Workers of each server node at the start; the first one leads the run.</summary>
    public required int[] Servers { get; init; }

    /// <summary>Workers of each other node at the start.</summary>
    public required int[] WorkerNodes { get; init; }

    /// <summary>
    /// Whether there is a run folder that all nodes see; else all go back to the start where parameters are lost.
    /// </summary>
    public bool WritesCheckpoints { get; init; }

    /// <summary>Seconds that reading or writing something on the disk takes, at most.</summary>
    public double DiskSeconds { get; init; }

    /// <summary>Most delays on the network, in microseconds.</summary>
    public int Latency { get; init; } = 500;

    /// <summary>
    /// Probability that a push or a broadcast comes twice, or late, behind others: rougher than a connection is.
    /// </summary>
    public double Repeats { get; init; }

    /// <summary>What happens, by the number of messages that have arrived.</summary>
    public IReadOnlyList<(int After, Fault Fault)> Faults { get; init; } = [];

    /// <summary>
    /// What happens some seconds after an epoch has ended, while the run decides or waits for the disk.
    /// </summary>
    public IReadOnlyList<(int Epoch, double Seconds, Fault Fault)> EpochFaults { get; init; } = [];

    /// <summary>
    /// Nothing goes wrong, with a replica on another server, so that what the run decides is told over the network.
    /// </summary>
    public static Scenario Calm(int job) => new()
    {
        Job = job,
        Options = OptionsFor(1, 1, 1),
        Servers = [0, 0],
        WorkerNodes = [1],
    };

    /// <summary>Draws a scenario.</summary>
    /// <param name="random">The seed's.</param>
    /// <param name="mode">Of which mode its job is.</param>
    public static Scenario Draw(Random random, JobMode mode = JobMode.Bulk)
    {
        int[] servers = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(3) == 0 ? 1 : 0)];
        int[] workers = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 3))];
        int[] latencies = [50, 500, 5000];
        int messages = random.Next(50, 700);
        double[] disks = [0, 0.5, 5];
        return new Scenario
        {
            Job = Math.Min(random.Next(JobsOfAMode + 2), JobsOfAMode - 1) + (JobsOfAMode * (int)mode),
            Options = OptionsFor(random.Next(1, 5), random.Next(1, 3), Math.Min(1, random.Next(3))) with
            {
                Checkpoint = new CheckpointSettings { EverySteps = random.Next(4) },
                ReportEvery = random.Next(2) == 0 ? 1 : random.Next(2, 6),
                BackupWorkers = random.Next(3) == 0,
            },
            WritesCheckpoints = random.Next(2) == 0,
            Servers = servers,
            WorkerNodes = workers,
            Latency = latencies[random.Next(latencies.Length)],
            Repeats = random.Next(3) == 0 ? 0.2 * random.NextDouble() : 0,
            DiskSeconds = disks[random.Next(disks.Length)],
            EpochFaults =
                [.. Enumerable.Range(0, random.Next(0, 6)).Select(_ => DrawEpochFault(random))
                .OrderBy(fault => fault.Epoch)],
            Faults = [.. Enumerable.Range(0, random.Next(0, 8)).Select(_ => (random.Next(messages), DrawFault(random)))
                .OrderBy(fault => fault.Item1)],
        };
    }

    /// <summary>How a job is run: each step is reported, and a run outlives its nodes.</summary>
    public static RunOptions OptionsFor(int parameterShards, int minWorkers, int replicas) =>
        new()
        {
            ParameterShards = parameterShards,
            MinWorkers = minWorkers,
            Replicas = replicas,
            ReportEvery = 1,
            ToleratesLoss = true,
        };

    private static Fault DrawFault(Random random)
    {
        int kind = random.Next(100);
        return kind < 25 ? Fault.Kill : kind < 35 ? Fault.PowerOff : kind < 50 ? Fault.Reset : kind < 60 ? Fault.Cut
            : kind < 70 ? Fault.CutOneWay
            : kind < 75 ? Fault.CutLong : kind < 81 ? Fault.Drain : kind < 85 ? Fault.Join : kind < 87 ? Fault.Pause
                : kind < 90 ? Fault.Lose : kind < 92 ? Fault.Slow : kind < 96
                ? Fault.KillCoordinator : Fault.KillServer;
    }

    private static (int Epoch, double Seconds, Fault Fault) DrawEpochFault(Random random)
    {
        double[] latest = [0.002, 0.5, 5];
        Fault[] faults =
            [Fault.Join, Fault.Join, Fault.KillServer, Fault.KillServer, Fault.Kill, Fault.Drain, Fault.Reset,
            Fault.KillCoordinator, Fault.Pause];
        return (random.Next(1, 8), latest[random.Next(latest.Length)] * random.NextDouble(),
            faults[random.Next(faults.Length)]);
    }

    private static DataParts MakeData()
    {
        var random = new Random(7);
        DataSet Part(int count)
        {
            float[] x = new float[count * 5], y = new float[count];
            for (int i = 0; i < count; i++)
            {
                y[i] = random.Next(2);
                for (int f = 0; f < 5; f++)
                    x[(i * 5) + f] = (float)random.NextDouble() + (f == 0 ? 0.3f * y[i] : 0);
            }
            return new DataSet(x, y, 5, 1);
        }

        return new DataParts(Part(30), Part(270), Part(9), new DataSchema
        {
            Task = TaskKind.Classification,
            FeatureNames = ["a", "b", "c", "d", "e"],
            TargetNames = ["class"],
            ClassNames = ["no", "yes"],
            Normalization = new Normalization(NormalizationKind.None, new double[5], [1f, 1f, 1f, 1f, 1f], [0f], [1f]),
        }, "simulated");
    }
}

/// <summary>What the jobs of a scenario are like.</summary>
internal enum JobMode
{
    /// <summary>All parameters after every step.</summary>
    Bulk,

    /// <summary>Groups that train apart for rounds of steps.</summary>
    Rounds,

    /// <summary>In bulk, rounded to bfloat16.</summary>
    Rounded,
}

/// <summary>What can happen to a node or to the network.</summary>
internal enum Fault
{
    /// <summary>A worker node's process is killed; its connections are closed by its system.</summary>
    Kill,

    /// <summary>A worker node is gone without a word; only the failure detector notices.</summary>
    PowerOff,

    /// <summary>A data connection is reset.</summary>
    Reset,

    /// <summary>A worker node is cut off from all others for a moment, as a stopped process is.</summary>
    Cut,

    /// <summary>Nothing comes from a worker node, or nothing gets there, for a moment.</summary>
    CutOneWay,

    /// <summary>A worker node is cut off until the failure detector notices, or even until it is removed.</summary>
    CutLong,

    /// <summary>A worker node leaves in good order.</summary>
    Drain,

    /// <summary>A worker node comes.</summary>
    Join,

    /// <summary>The run is paused, then resumed.</summary>
    Pause,

    /// <summary>A worker reports that it takes long; another may have to stand in for it.</summary>
    Slow,

    /// <summary>Between two nodes every other control message is lost, for a while.</summary>
    Lose,

    /// <summary>
    /// The server node that leads the run is killed, or gone without a word: another server takes the run over.
    /// </summary>
    KillCoordinator,

    /// <summary>A server node is killed, or gone without a word: its parameter shards go to others.</summary>
    KillServer,

    /// <summary>A person stops the run; in transcripts only.</summary>
    Stop,

    /// <summary>A person pauses the run, sets another learning rate and resumes it; in transcripts only.</summary>
    NewRate,
}
