using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Losses;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

public sealed class LocalTrainerTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private static readonly JobDescription s_job = TestJobs.Variants["adam"];

    [Fact]
    public async Task It_learns_and_reports_every_step_and_epoch_once()
    {
        var observer = new Recorder();
        TrainingResult result = await TestJobs.Run(
            s_job with { Training = s_job.Training with { Epochs = 30 } }, s_data,
            new RunOptions { ReportEvery = 2 }, observer);

        Assert.Equal(EndReason.Completed, result.Reason);
        Assert.Equal((30, 150L), (result.Epochs, result.Steps));
        Assert.Equal(Enumerable.Range(1, 30), observer.Epochs.Select(report => report.Epoch));
        Assert.Equal(
            observer.Steps.Select(report => report.Step).Order()
            .Distinct(), observer.Steps.Select(report => report.Step));
        Assert.Contains(observer.Steps, report => report.Step == 5); // the end of an epoch, too
        Assert.True(observer.Epochs[^1].TrainLoss < 0.5 * observer.Epochs[0].TrainLoss);
        Assert.True(result.Test.Correct > 0.9 * result.Test.Count);
        Assert.Equal(s_data.Test.Count, result.Test.Count);
        Assert.Equal(ParameterHash.Compute(result.Parameters), result.ParameterHash);
        Assert.Equal(observer.Epochs[^1].ParameterHash, result.ParameterHash);
    }

    [Fact]
    public async Task The_training_loss_of_an_epoch_is_the_mean_over_every_sample_once()
    {
        var observer = new Recorder();
        JobDescription still = s_job with
        {
            Model = s_job.Model with { Layers = [new LayerDescription()], Loss = new LossDescription() },
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 1e-30f },
        };
        TrainingResult result = await TestJobs.Run(still, s_data, new RunOptions { Workers = 3 }, observer);
        using var evaluator = new Evaluator(Network.Create(still.Model, 11, 4), 1);
        LossSums all = evaluator.Evaluate(s_data.Train, result.Parameters);
        Assert.All(observer.Epochs, report => Assert.Equal(all.LossSum / all.Count, report.TrainLoss, 1e-6));
    }

    [Fact]
    public async Task A_stop_request_finishes_the_open_step_and_the_result_is_that_of_a_shorter_run()
    {
        using var stop = new CancellationTokenSource();
        var observer = new Recorder { AfterStep = report => { if (report.Step >= 7) stop.Cancel(); } };
        JobDescription endless = s_job with { Training = s_job.Training with { Epochs = 1_000_000 } };
        TrainingResult stopped = await TestJobs.Run(
            endless, s_data, new RunOptions { Workers = 3, ReportEvery = 1 }, observer, stop.Token);
        Assert.Equal(EndReason.Stopped, stopped.Reason);
        Assert.InRange(stopped.Steps, 7, long.MaxValue);

        JobDescription shorter = endless with { Training = endless.Training with { MaxSteps = (int)stopped.Steps } };
        TrainingResult whole = await TestJobs.Run(shorter, s_data, new RunOptions { Workers = 1 });
        Assert.Equal(whole.ParameterHash, stopped.ParameterHash);
    }

    [Fact]
    public async Task A_stop_request_before_the_first_step_ends_with_the_initial_parameters_or_few_steps()
    {
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        TrainingResult result = await TestJobs.Run(
            s_job with { Training = s_job.Training with { Epochs = 1_000_000 } }, s_data,
            new RunOptions(), null, stop.Token);
        Assert.Equal(EndReason.Stopped, result.Reason);
        Assert.Equal(ParameterHash.Compute(result.Parameters), result.ParameterHash);
    }

    [Fact]
    public async Task Early_stopping_takes_the_best_epoch_back()
    {
        var observer = new Recorder();
        JobDescription wild = s_job with
        {
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 3f },
            Training = s_job.Training with
            {
                Epochs = 200,
                EarlyStopping = new EarlyStoppingDescription { Patience = 2 },
            },
        };
        TrainingResult result = await TestJobs.Run(wild, s_data, new RunOptions { ParameterShards = 3 }, observer);
        Assert.Equal(EndReason.EarlyStopping, result.Reason);
        EpochReport best = observer.Epochs.MinBy(report => report.ValidationLoss)!;
        Assert.Equal(best.Epoch + 2, observer.Epochs.Count);
        Assert.Equal(best.ParameterHash, result.ParameterHash);
    }

    [Fact]
    public async Task Reduce_on_plateau_lowers_the_rate_of_later_epochs()
    {
        var observer = new Recorder();
        JobDescription plateau = s_job with
        {
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 1e-9f },
            Schedule = new ScheduleDescription
            {
                Kind = "reduce-on-plateau",
                Settings = PartSettings.Of(("patience", 1), ("gamma", 0.5f)),
            },
            Training = s_job.Training with { Epochs = 6 },
        };
        await TestJobs.Run(plateau, s_data, new RunOptions(), observer);
        Assert.Equal([1e-9, 1e-9, 1e-9, 0.5e-9, 0.5e-9, 0.25e-9], observer.Epochs.Select(report => report.LearningRate)
            .Select(rate => Math.Round(rate, 13)));
    }

    [Fact]
    public async Task A_gradient_that_is_not_finite_is_refused_and_its_worker_and_data_shards_are_named()
    {
        DataParts data = TestJobs.Classification(samples: 80, features: 11, classes: 4);
        data.Train.Features[(70 * 11) + 3] = float.NaN;
        JobDescription job = s_job with { Training = s_job.Training with { Shuffle = false, BatchSize = 80 } };
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => TestJobs.Run(job, data, new RunOptions { Workers = 4 }));
        Assert.Equal(FailureKind.Diverged, failure.Kind);
        Assert.Contains("step 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("worker 3", failure.Message, StringComparison.Ordinal);
        Assert.Contains("data shards 6 to 7", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DivergencePolicy.GoBack, 1e-6f, true)]
    [InlineData(DivergencePolicy.GoBack, 0.99f, false)]
    [InlineData(DivergencePolicy.Stop, 1e-6f, false)]
    public async Task A_run_that_blows_up_goes_back_and_on_with_a_lower_rate_where_the_job_says_so(
        DivergencePolicy policy, float rateFactor, bool isSaved)
    {
        DataParts data = TestJobs.Classification(samples: 80, features: 11, classes: 4);
        JobDescription job = s_job with
        {
            Optimizer = new OptimizerDescription { Kind = "sgd", LearningRate = 3e38f },
            Training = s_job.Training with
            {
                Divergence = new DivergenceDescription { Policy = policy, RateFactor = rateFactor, Attempts = 8 },
            },
        };
        Task<TrainingResult> run = TestJobs.Run(job, data, new RunOptions { Workers = 2, ParameterShards = 2 });
        if (isSaved)
        {
            Assert.Equal(EndReason.Completed, (await run).Reason);
            return;
        }
        Assert.Equal(FailureKind.Diverged, (await Assert.ThrowsAsync<DistTrainerException>(() => run)).Kind);
    }

    [Theory]
    [InlineData(1, 1, 0f)]
    [InlineData(4, 3, 0f)]
    [InlineData(4, 3, 0.5f)]
    public async Task With_policy_skip_step_a_step_whose_gradient_is_not_finite_is_left_out_whoever_computes_it(
        int workers, int parameterShards, float clipping)
    {
        DataParts data = TestJobs.Classification(samples: 80, features: 11, classes: 4);
        data.Train.Features[(50 * 11) + 3] = float.NaN;
        JobDescription job = s_job with
        {
            Clipping = new ClippingDescription { Norm = clipping },
            Training = s_job.Training with
            {
                Shuffle = false,
                BatchSize = 20,
                Epochs = 2,
                Divergence = new DivergenceDescription { Policy = DivergencePolicy.SkipStep, Attempts = 1 },
            },
        };
        TrainingResult result = await TestJobs.Run(job, data, new RunOptions
        {
            Workers = workers,
            ParameterShards = parameterShards,
            ReportEvery = 1,
        });
        Assert.True(result.Parameters.All(float.IsFinite));
        Assert.True(double.IsFinite(result.TrainLoss));
        Assert.Equal((await TestJobs.Run(job, data, new RunOptions { Workers = 2, ParameterShards = 1 }))
            .ParameterHash, result.ParameterHash);

        // The step counts: what comes before and after it is as with a sample that changes nothing.
        JobDescription without = job with { Training = job.Training with { MaxSteps = 2, Epochs = 1 } };
        JobDescription with = job with { Training = job.Training with { MaxSteps = 3, Epochs = 1 } };
        Assert.Equal(
            (await TestJobs.Run(without, data, new RunOptions { Workers = workers })).ParameterHash,
            (await TestJobs.Run(with, data, new RunOptions { Workers = workers })).ParameterHash);
    }

    [Fact]
    public async Task With_policy_skip_step_a_run_of_which_too_many_steps_in_a_row_are_not_finite_ends_with_that_error()
    {
        DataParts data = TestJobs.Classification(samples: 80, features: 11, classes: 4);
        foreach (int sample in new[] { 25, 45, 65 })
            data.Train.Features[(sample * 11) + 3] = float.NaN;
        JobDescription job = s_job with
        {
            Training = s_job.Training with
            {
                Shuffle = false,
                BatchSize = 20,
                Divergence = new DivergenceDescription { Policy = DivergencePolicy.SkipStep, Attempts = 2 },
            },
        };
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => TestJobs.Run(job, data, new RunOptions { Workers = 2 }));
        Assert.Equal(FailureKind.Diverged, failure.Kind);
        Assert.Contains("2 steps before it", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_workers_do_not_change_a_bit()
    {
        DataParts data = TestJobs.Classification(samples: 80, features: 11, classes: 4);
        var options = new RunOptions { Workers = 3, ParameterShards = 2 };
        Assert.Equal(
            (await TestJobs.Run(s_job, data, options)).ParameterHash,
            (await TestJobs.Run(s_job, data, options with { BackupWorkers = true })).ParameterHash);
    }

    [Fact]
    public async Task A_class_number_outside_the_network_fails_the_run_with_the_data_error()
    {
        DataParts data = TestJobs.Classification(samples: 80, features: 11, classes: 4);
        data.Train.Targets[33] = 4;
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => TestJobs.Run(s_job, data, new RunOptions { Workers = 2 }));
        Assert.Equal(FailureKind.Data, failure.Kind);
    }

    [Fact]
    public async Task A_failure_of_a_worker_in_the_middle_of_a_run_ends_it_with_that_failure()
    {
        DataParts data = TestJobs.Classification(samples: 300, features: 11, classes: 4);
        data.Train.Targets[299] = 4; // not in the batch that is looked at before the run
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => TestJobs.Run(s_job, data, new RunOptions { Workers = 2 }));
        Assert.Equal(FailureKind.Data, failure.Kind);
    }

    [Fact]
    public async Task Initial_parameters_of_another_network_are_refused()
    {
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(() => LocalTrainer.RunAsync(
            s_job, s_data, new RunOptions(), new float[7], new Recorder(), CancellationToken.None));
        Assert.Equal(FailureKind.ModelFile, failure.Kind);
    }
}
