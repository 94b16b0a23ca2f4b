using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Checkpoints;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>Checkpoints of whole runs in one process.</summary>
public sealed class CheckpointRunTests : IDisposable
{
    private static readonly DataParts s_data = TestJobs.Classification(220, 11, 4);
    private readonly string _folder = Directory.CreateTempSubdirectory("checkpoints-").FullName;

    public static TheoryData<string> Variants => [.. TestJobs.Variants.Keys];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Variants))]
    public async Task A_run_that_goes_on_from_any_checkpoint_with_other_workers_and_parameter_shards_ends_with_the_same_bits(string variant)
    {
        JobDescription job = TestJobs.Variants[variant];
        TrainingResult whole = await TestJobs.Run(job, s_data, Options(2, 2) with { Output = _folder });
        IReadOnlyList<string> folders = new CheckpointStore(Path.Combine(_folder, "checkpoints")).List();
        Assert.Equal([12L, 9, 6, 3], folders.Select(StepOf));
        foreach (string folder in folders)
        {
            TrainingResult resumed = await TestJobs.Run(job, s_data, Options(3, 1) with { ResumeFrom = folder });
            Assert.Equal((whole.ParameterHash, whole.Steps), (resumed.ParameterHash, resumed.Steps));
        }
    }

    [Fact]
    public async Task Early_stopping_and_the_best_parameters_survive_a_checkpoint()
    {
        JobDescription job = TestJobs.Variants["adam"] with
        {
            Training = TestJobs.Variants["adam"].Training with
            {
                Epochs = 30,
                EarlyStopping = new EarlyStoppingDescription { Patience = 2, MinimumDelta = 0.05 },
            },
        };
        TrainingResult whole = await TestJobs.Run(job, s_data, Options(1, 2) with { Output = _folder });
        Assert.Equal(EndReason.EarlyStopping, whole.Reason);
        foreach (string folder in new CheckpointStore(Path.Combine(_folder, "checkpoints")).List())
        {
            TrainingResult resumed = await TestJobs.Run(job, s_data, Options(2, 3) with { ResumeFrom = folder });
            Assert.Equal(
                (whole.ParameterHash, whole.Steps, whole.Reason),
                (resumed.ParameterHash, resumed.Steps, resumed.Reason));
        }
    }

    [Fact]
    public async Task A_stopped_run_leaves_a_checkpoint_of_its_last_step()
    {
        JobDescription job = TestJobs.Variants["sgd"];
        TrainingResult whole = await TestJobs.Run(job, s_data, Options(2, 1));
        using var stop = new CancellationTokenSource();
        var recorder = new Recorder { AfterStep = _ => stop.Cancel() };
        RunOptions options = Options(2, 1) with
        {
            Output = _folder,
            ReportEvery = 1,
            Checkpoint = new CheckpointSettings(),
        };
        TrainingResult stopped = await TestJobs.Run(job, s_data, options, recorder, stop.Token);
        string folder = Assert.Single(new CheckpointStore(Path.Combine(_folder, "checkpoints")).List());
        Assert.Equal(stopped.Steps, StepOf(folder));
        Assert.True(stopped.Steps < whole.Steps);
        Assert.Equal(
            whole.ParameterHash, (await TestJobs.Run(job, s_data, Options(1, 1) with { ResumeFrom = folder }))
            .ParameterHash);
    }

    [Fact]
    public async Task The_ledger_has_each_step_once_and_each_sample_once_an_epoch_also_over_a_resume()
    {
        JobDescription job = TestJobs.Variants["sgd"];
        var first = new Ledger();
        await TestJobs.Run(job, s_data, Options(3, 2) with { Output = _folder }, first);
        string folder = new CheckpointStore(Path.Combine(_folder, "checkpoints")).List()
            .Single(found => StepOf(found) == 6);
        var second = new Ledger();
        await TestJobs.Run(job, s_data, Options(1, 1) with { ResumeFrom = folder }, second);
        foreach (List<LedgerEntry> entries in (List<LedgerEntry>[])[first.Entries,
            [.. first.Entries.Where(entry => entry.LastStep <= 6), .. second.Entries]])
        {
            long next = 1;
            foreach (LedgerEntry entry in entries)
            {
                Assert.Equal(next, entry.FirstStep);
                next = entry.LastStep + 1;
            }
            Assert.Equal(16, next);
            int count = (int)s_data.Train.Count;
            ulong hash = SampleLedger.Hash([.. Enumerable.Range(0, count)]);
            foreach (IGrouping<int, LedgerEntry> epoch in entries.GroupBy(entry => entry.Epoch))
            {
                Assert.Equal(count, epoch.Sum(entry => entry.Samples));
                Assert.Equal(hash, epoch.Aggregate(0UL, (sum, entry) => sum + entry.Hash));
            }
        }
    }

    [Fact]
    public async Task Other_data_are_refused_at_a_resume()
    {
        JobDescription job = TestJobs.Variants["sgd"];
        await TestJobs.Run(job, s_data, Options(1, 1) with { Output = _folder });
        string folder = new CheckpointStore(Path.Combine(_folder, "checkpoints")).List()[0];
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => TestJobs.Run(job, s_data with { Hash = "other" }, Options(1, 1) with { ResumeFrom = folder }));
        Assert.Equal(FailureKind.Data, failure.Kind);
        Assert.Contains("other", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_fails_the_checkpoints_and_not_the_run()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "checkpoints"), "a file");
        TrainingResult result = await TestJobs.Run(TestJobs.Variants["sgd"], s_data, Options(2, 2) with
        {
            Output = _folder,
        });
        Assert.Equal(15, result.Steps);
    }

    [Fact]
    public async Task Checkpoints_by_time_are_written_also_while_the_machines_clock_goes_backwards()
    {
        JobDescription job = TestJobs.Variants["sgd"] with
        {
            Training = TestJobs.Variants["sgd"].Training with { Epochs = 200 },
        };
        RunOptions options = Options(1, 1) with
        {
            Output = _folder,
            Checkpoint = new CheckpointSettings { EveryTime = TimeSpan.FromMilliseconds(1), Keep = 1000 },
            ActorConfiguration = ClockThatIsSetBack.Settings + "akka.loglevel = OFF\n",
        };
        await LocalTrainer.RunAsync(job, s_data, options, null, new Ledger(), CancellationToken.None)
            .WaitAsync(TimeSpan.FromMinutes(2));
        Assert.NotEmpty(new CheckpointStore(Path.Combine(_folder, "checkpoints")).List());
    }

    private static long StepOf(string folder) =>
        long.Parse(Path.GetFileName(folder)["step-".Length..], System.Globalization.CultureInfo.InvariantCulture);

    private static RunOptions Options(int workers, int parameterShards) => new()
    {
        Workers = workers,
        ParameterShards = parameterShards,
        ReportEvery = 2,
        Checkpoint = new CheckpointSettings { EverySteps = 3, EveryTime = TimeSpan.Zero, Keep = 100 },
    };

    private sealed class Ledger : ITrainingObserver
    {
        public List<LedgerEntry> Entries { get; } = [];

        public void OnStarted(int stepsPerEpoch, long totalSteps)
        {
        }

        public void OnStep(StepReport report)
        {
        }

        public void OnEpoch(EpochReport report)
        {
        }

        public void OnLedger(LedgerEntry entry) => Entries.Add(entry);
    }
}
