using DistTrainer.Cluster.Library;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests.Library;

public sealed class TrainerTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);
    private static readonly JobDescription s_job = TestJobs.Variants["adam"];

    [Fact]
    public async Task FitAsync_gives_the_bits_of_LocalTrainer_and_reports_every_epoch_once_and_in_order()
    {
        var reports = new Reports();
        FitResult fit = await Trainer.FitAsync(s_job, s_data, reports);
        Assert.Equal(
            (await TestJobs.Run(s_job, s_data, new RunOptions { Workers = 3 })).ParameterHash, fit.Model.ParameterHash);
        Assert.Equal(
            [1, 2, 3], reports.All.Where(report => report.Epoch is not null).Select(report => report.Epoch!.Epoch));
        Assert.Equal(fit.Training.Steps, reports.All.Last(report => report.Step is not null).Step!.Step);
        Assert.All(reports.All, report => Assert.True(report.Step is null != report.Epoch is null));
    }

    [Fact]
    public async Task A_cancelled_run_gives_the_model_of_the_steps_that_were_made()
    {
        using var stop = new CancellationTokenSource();
        JobDescription endless = s_job with { Training = s_job.Training with { Epochs = 1_000_000 } };
        FitResult stopped = await Trainer.FitAsync(
            endless, s_data, new RunOptions { ReportEvery = 1 },
            new Reports { After = _ => stop.Cancel() }, stop.Token);
        Assert.Equal(EndReason.Stopped, stopped.Training.Reason);
        FitResult whole = await Trainer.FitAsync(
            endless with { Training = endless.Training with { MaxSteps = (int)stopped.Training.Steps } }, s_data);
        Assert.Equal(whole.Model.ParameterHash, stopped.Model.ParameterHash);
    }

    [Fact]
    public async Task The_model_predicts_in_the_data_s_own_units_and_so_does_its_file()
    {
        // z = 1000 + 200 x − 300 y, with features far from 0 as well.
        float[] features = [.. Enumerable.Range(0, 200).SelectMany(i => new[] { 50 + (i % 20), 7 + (i / 20) / 10f })];
        double[] targets = [.. features.Chunk(2).Select(row => 1000 + (200d * row[0]) - (300d * row[1]))];
        var job = new JobDescription
        {
            Data = new DataDescription { Normalization = NormalizationKind.Standardize, NormalizeTargets = true },
            Model = new ModelDescription
            {
                Layers = [new LayerDescription()],
                Loss = new LossDescription { Kind = "mean-squared-error" },
            },
            Optimizer = new OptimizerDescription { LearningRate = 0.05f },
            Training = new TrainingDescription { Epochs = 60 },
        };
        FitResult fit = await Trainer.FitAsync(
            job, DataLoader.From(
                new SampleTable("plane", ["x", "y"], features, ["z"], targets), job.Data, job.Model.Loss));
        float[] rows = [60f, 7.5f, 55f, 7.2f], predicted = fit.Model.Predict(rows);
        Assert.Equal(1000 + 12_000 - 2250, predicted[0], 40d);
        Assert.Equal(1000 + 11_000 - 2160, predicted[1], 40d);

        string path = Path.Combine(Directory.CreateTempSubdirectory("model-").FullName, "model.safetensors");
        fit.Model.Save(path);
        Assert.Equal(predicted, ModelFile.Load(path).Predict(rows));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

        Assert.Contains("no whole number of rows", Assert.Throws<ArgumentException>(() => fit.Model.Predict([1f]))
            .Message, StringComparison.Ordinal);
        Assert.Contains("Row 0", Assert.Throws<DistTrainerException>(() => fit.Model.Predict([float.NaN, 1f]))
            .Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => fit.Model.PredictClasses(rows));
    }

    [Fact]
    public async Task A_job_from_code_is_checked_like_a_file()
    {
        JobDescription job = s_job with { Schedule = new ScheduleDescription { Kind = "multi-step" } };
        DistTrainerException failure = await Assert.ThrowsAsync<DistTrainerException>(
            () => Trainer.FitAsync(job, s_data));
        Assert.Equal(FailureKind.Configuration, failure.Kind);
        Assert.Contains("schedule.milestones is missing", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_in_memory_must_fit_together_and_be_finite()
    {
        Assert.Contains(
            "not the same number of samples",
            Assert.Throws<ArgumentException>(() => new SampleTable("t", ["a", "b"], new float[3], ["c"], new double[1]))
            .Message, StringComparison.Ordinal);
        Assert.Contains(
            "two columns have the name 'a'",
            Assert.Throws<ArgumentException>(() => new SampleTable("t", ["a", "a"], new float[2], ["c"], new double[1]))
            .Message, StringComparison.Ordinal);
        var table = new SampleTable(
            "t", ["a"], [.. Enumerable.Repeat(1f, 19), float.PositiveInfinity], ["c"], new double[20]);
        DistTrainerException failure = Assert.Throws<DistTrainerException>(
            () => DataLoader.From(table, new DataDescription(), new LossDescription { Kind = "huber" }));
        Assert.Contains("t: row 19, feature 'a'", failure.Message, StringComparison.Ordinal);
    }

    private sealed class Reports : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> All { get; } = [];

        public Action<TrainingProgress> After { get; init; } = _ => { };

        public void Report(TrainingProgress value)
        {
            All.Add(value);
            After(value);
        }
    }
}
