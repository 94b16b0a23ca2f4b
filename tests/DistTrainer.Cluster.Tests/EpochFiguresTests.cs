using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using Xunit;

namespace DistTrainer.Cluster.Tests;

/// <summary>The validation part's figures at the end of each epoch, and early stopping by one of them.</summary>
public sealed class EpochFiguresTests
{
    private static readonly DataParts s_data = TestJobs.Classification(samples: 203, features: 11, classes: 4);

    private static readonly JobDescription s_job = TestJobs.Variants["adam"];

    [Fact]
    public async Task An_epoch_has_the_figures_of_its_parameters_where_they_are_asked_for()
    {
        var recorder = new Recorder();
        TrainingResult result = await Run(Training(t => t with { Figures = true }), 2, recorder);
        Network network = Network.Create(s_job.Model, 11, 4);
        using var evaluator = new Evaluator(network, 1);
        QualityFigures expected = QualityFigures.Of(evaluator, result.Parameters, s_data.Validation, s_data.Schema);
        Assert.Equal(expected.Summary(), recorder.Epochs[^1].Figures);
        Assert.NotNull(expected.Summary().AreaUnderCurve);
        Assert.Equal(recorder.Epochs[^1].ValidationAccuracy, recorder.Epochs[^1].Figures.Accuracy);
    }

    [Fact]
    public async Task Without_being_asked_for_there_are_none_and_the_parameters_are_the_same()
    {
        Recorder plain = new(), asked = new();
        TrainingResult result = await Run(s_job, 2, plain);
        Assert.Equal(
            result.ParameterHash, (await Run(Training(t => t with { Figures = true }), 3, asked)).ParameterHash);
        Assert.All(plain.Epochs, epoch => Assert.Equal(new PartFigures(), epoch.Figures));
        Assert.All(asked.Epochs, epoch => Assert.NotEqual(new PartFigures(), epoch.Figures));
    }

    [Theory]
    [InlineData(FigureKind.AreaUnderCurve)]
    [InlineData(FigureKind.BalancedAccuracy)]
    [InlineData(FigureKind.Accuracy)]
    [InlineData(FigureKind.LogLoss)]
    public async Task Early_stopping_takes_the_epoch_back_whose_watched_figure_is_best(FigureKind watched)
    {
        JobDescription job = Training(t => t with
        {
            Epochs = 40,
            EarlyStopping = new EarlyStoppingDescription { Patience = 3, Watch = watched },
        });
        var recorder = new Recorder();
        TrainingResult result = await Run(job, 1, recorder);
        Assert.Equal(EndReason.EarlyStopping, result.Reason);
        double Figure(EpochReport epoch) => watched == FigureKind.Accuracy ? epoch.ValidationAccuracy!.Value
            : epoch.Figures[watched]!.Value;
        EpochReport best = watched == FigureKind.LogLoss ? recorder.Epochs.MinBy(Figure)!
            : recorder.Epochs.MaxBy(Figure)!;
        Assert.Equal(best.ParameterHash, result.ParameterHash);
        Assert.Equal(best.Epoch + 3, recorder.Epochs.Count);
        Assert.Equal(result.ParameterHash, (await Run(job, 5, new Recorder())).ParameterHash);
    }

    private static JobDescription Training(Func<TrainingDescription, TrainingDescription> change) =>
        s_job with { Training = change(s_job.Training) };

    private static Task<TrainingResult> Run(JobDescription job, int workers, Recorder recorder) =>
        TestJobs.Run(job, s_data, new RunOptions { Workers = workers, ParameterShards = 2 }, recorder);
}
