using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Whole runs in local mode: groups of data shards that train apart for rounds of steps.</summary>
public sealed class LocalRoundRunTests : IDisposable
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private readonly string _folder = Directory.CreateTempSubdirectory("rounds-").FullName;

    public static TheoryData<string> Variants => [.. TestJobs.Variants.Keys];

    public static TheoryData<string> Kinds => [.. All.Keys];

    /// <summary>Rounds of each kind.</summary>
    internal static Dictionary<string, ConsistencyDescription> All { get; } = new()
    {
        ["average"] = new() { Mode = ConsistencyMode.Local, Groups = 4, Steps = 3 },
        ["reset"] = new() { Mode = ConsistencyMode.Local, Groups = 8, Steps = 2, InnerState = InnerState.Reset },
        ["nesterov"] = new() { Mode = ConsistencyMode.Local, Groups = 2, Steps = 4, Outer = OuterKind.Nesterov },
        ["warm-up"] = new() { Mode = ConsistencyMode.Local, Groups = 4, Steps = 3, WarmUpSteps = 7 },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task One_group_with_the_mean_taken_as_it_is_is_bulk_mode_bit_for_bit(string variant)
    {
        JobDescription job = TestJobs.Variants[variant];
        string bulk = await Hash(job, 2, 2);
        foreach (int steps in (int[])[1, 3, 100])
            Assert.Equal(bulk, await Hash(With(job, new() { Groups = 1, Steps = steps }), 2, 3));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Workers_parameter_shards_and_threads_do_not_change_a_bit(string kind)
    {
        foreach (string variant in (string[])["sgd-nesterov-clip-norm", "adamw-clip-both-max-norm"])
        {
            JobDescription job = With(TestJobs.Variants[variant], All[kind]);
            string expected = await Hash(job, 1, 1);
            foreach ((int workers, int parameterShards, int threads) in
                new[] { (2, 3, 1), (3, 1, 2), (5, 2, 1), (8, 2, 1), (11, 3, 1) })
                Assert.Equal(expected, await Hash(job, workers, parameterShards, threads));
        }
    }

    [Fact]
    public async Task A_round_is_the_mean_of_runs_that_have_seen_only_a_groups_samples()
    {
        // Without dropout a sample's place in the batch does not matter.
        JobDescription job = TestJobs.Variants["sgd-nesterov-clip-norm"];
        job = job with
        {
            Model = job.Model with { Layers = [new LayerDescription { Units = 9, Activation = "tanh" }, new()] },
            Training = job.Training with { BatchSize = 40, Shuffle = false, MaxSteps = 5 },
        };
        TrainingResult together = await TestJobs.Run(
            With(job, new() { Groups = 2, Steps = 5 }), s_data, new RunOptions { Workers = 2 });
        float[][] apart = await Task.WhenAll(((int[])[0, 1]).Select(async group =>
        {
            int[] rows = [.. Enumerable.Range(0, 200).Where(row => row / 20 % 2 == group)];
            DataParts own = s_data with { Train = Rows((DataSet)s_data.Train, rows) };
            JobDescription half = job with { Training = job.Training with { BatchSize = 20, DataShards = 4 } };
            return (await TestJobs.Run(half, own, new RunOptions { Workers = 1 })).Parameters;
        }));
        Assert.Equal(apart[0].Zip(apart[1], (a, b) => (0.5f * a) + (0.5f * b)), together.Parameters);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_run_that_goes_on_from_any_checkpoint_ends_with_the_same_bits_and_each_sample_once(string kind)
    {
        JobDescription job = With(TestJobs.Variants["adam"], All[kind]);
        RunOptions options = new()
        {
            Workers = 2,
            ParameterShards = 2,
            ReportEvery = 1,
            Checkpoint = new CheckpointSettings { EverySteps = 2, Keep = 100 },
        };
        var ledger = new Ledger(s_data, job);
        TrainingResult whole = await TestJobs.Run(job, s_data, options with { Output = _folder }, ledger);
        ledger.RequireWhole(15);
        IReadOnlyList<string> folders = new CheckpointStore(Path.Combine(_folder, "checkpoints")).List();
        Assert.InRange(folders.Count, 3, 14);
        foreach (string folder in folders)
        {
            TrainingResult resumed = await TestJobs.Run(
                job, s_data, options with { Workers = 3, ParameterShards = 1, ResumeFrom = folder });
            Assert.Equal((whole.ParameterHash, whole.Steps), (resumed.ParameterHash, resumed.Steps));
        }
    }

    [Fact]
    public async Task A_stop_in_mid_round_drops_the_round_and_going_on_makes_it_again()
    {
        JobDescription job = With(TestJobs.Variants["adam"], new() { Groups = 2, Steps = 5 });
        job = job with { Training = job.Training with { Epochs = 400 } };
        using var stop = new CancellationTokenSource();
        var recorder = new Recorder { AfterStep = _ => stop.Cancel() };
        RunOptions options = new() { Workers = 2, ReportEvery = 1, Checkpoint = new CheckpointSettings() };
        TrainingResult stopped = await TestJobs.Run(
            job, s_data, options with { Output = _folder }, recorder, stop.Token);
        Assert.Equal((EndReason.Stopped, 0L), (stopped.Reason, stopped.Steps % 5));
        JobDescription shorter = job with { Training = job.Training with { MaxSteps = (int)stopped.Steps } };
        Assert.Equal(stopped.ParameterHash, await Hash(shorter, 1, 1));

        JobDescription longer = job with { Training = job.Training with { MaxSteps = (int)stopped.Steps + 20 } };
        string folder = Assert.Single(new CheckpointStore(Path.Combine(_folder, "checkpoints")).List());
        TrainingResult resumed = await TestJobs.Run(longer, s_data, options with { ResumeFrom = folder });
        Assert.Equal(await Hash(longer, 3, 2), resumed.ParameterHash);
    }

    [Fact]
    public async Task A_gradient_that_is_not_finite_is_refused_at_the_rounds_end_with_its_worker()
    {
        DataParts data = TestJobs.Classification(samples: 80, features: 11, classes: 4);
        data.Train.Features[(70 * 11) + 3] = float.NaN;
        JobDescription job = With(TestJobs.Variants["adam"], new() { Groups = 4, Steps = 2 });
        job = job with { Training = job.Training with { Shuffle = false, BatchSize = 40 } };
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => TestJobs.Run(job, data, new RunOptions { Workers = 4 }));
        Assert.Equal(FailureKind.Diverged, failure.Kind);
        Assert.Contains("step 2", failure.Message, StringComparison.Ordinal);
        Assert.Contains("worker 3", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>A job in local mode.</summary>
    internal static JobDescription With(JobDescription job, ConsistencyDescription consistency) => job with
    {
        Training = job.Training with { Consistency = consistency with { Mode = ConsistencyMode.Local } },
    };

    private static DataSet Rows(DataSet data, int[] rows)
    {
        float[] x = [.. rows.SelectMany(row => data.Features[(row * 11)..((row + 1) * 11)])];
        return new DataSet(x, [.. rows.Select(row => data.Targets[row])], 11, 1);
    }

    private static async Task<string> Hash(JobDescription job, int workers, int parameterShards, int threads = 1) =>
        (await TestJobs.Run(job, s_data,
            new RunOptions { Workers = workers, ParameterShards = parameterShards, ComputeThreads = threads }))
            .ParameterHash;

    /// <summary>Hears of every step's samples.</summary>
    private sealed class Ledger(DataParts data, JobDescription job) : ITrainingObserver
    {
        private readonly LedgerCheck _check = new(data.Train.Count, job.Training);
        private int _epochs;

        public void OnStarted(int stepsPerEpoch, long totalSteps)
        {
        }

        public void OnStep(StepReport report)
        {
        }

        public void OnEpoch(EpochReport report)
        {
        }

        public void OnLedger(LedgerEntry entry)
        {
            if (_check.Add(entry) is { IsWhole: true })
                _epochs++;
        }

        public void RequireWhole(long steps) => Assert.Equal((steps, 3), (_check.LastStep, _epochs));
    }
}
