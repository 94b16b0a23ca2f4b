using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Hosting;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cluster.Library;

/// <summary>How a run goes: exactly one of the two is there.</summary>
/// <param name="Step">Figures of the steps since the report before, every <see cref="RunSettings.ReportEvery"/> steps
/// and at the end of an epoch.</param>
/// <param name="Epoch">Figures of an epoch that has ended.</param>
public sealed record TrainingProgress(StepReport? Step, EpochReport? Epoch);

/// <summary>What a run has given.</summary>
/// <param name="Model">The model, to predict with or to save.</param>
/// <param name="Training">Why the run ended, losses, hash, speed.</param>
public sealed record FitResult(TrainedModel Model, TrainingResult Training);

/// <summary>Trains models in this process.</summary>
public static class Trainer
{
    /// <summary>Trains a job to its end, on all cores of the machine.</summary>
    /// <param name="job">What to train; from code, or <see cref="JobFile.Read"/>.</param>
    /// <param name="data">The samples; from <see cref="DataLoader.Load"/> or <see cref="DataLoader.From"/>.</param>
    /// <param name="progress">Hears of steps and epochs, one call at a time; it should return quickly. Null: nobody
    /// does.</param>
    /// <param name="cancellationToken">When cancelled, the open step is finished, and the model of that point is
    /// returned with <see cref="EndReason.Stopped"/>; nothing is thrown.</param>
    /// <returns>The model and how its training went. The parameters are the same bits for the same job and data, on any
    /// machine.</returns>
    /// <exception cref="DistTrainerException">The job is wrong or does not fit the data, or a gradient is not finite;
    /// <see cref="DistTrainerException.Kind"/> says which.</exception>
    public static Task<FitResult> FitAsync(
        JobDescription job, DataParts data, IProgress<TrainingProgress>? progress = null,
            CancellationToken cancellationToken = default) =>
        FitAsync(job, data, new RunOptions(), progress, cancellationToken);

    /// <summary>
    /// Trains a model of a program's own objects with the recipe for tables (<see cref="TableRecipe"/>): each readable
    /// property is a column (numbers, texts, truth values, enumerations, dates; null is a missing value).
    /// </summary>
    /// <typeparam name="T">The rows' type.</typeparam>
    /// <param name="rows">The rows; gone through once, and kept.</param>
    /// <param name="target">The property to predict.</param>
    /// <param name="task">Classification or regression; auto takes values for numbers and classes for all else.</param>
    /// <param name="progress">Hears of steps and epochs, one call at a time; null: nobody does.</param>
    /// <param name="cancellationToken">As for
    /// <see cref="FitAsync(JobDescription, DataParts, IProgress{TrainingProgress}?, CancellationToken)"/>.</param>
    /// <returns>The model and how its training went; <see cref="TrainedModel.PredictRows"/> takes rows of the same
    /// type.</returns>
    /// <exception cref="DistTrainerException">There is no such property, or a value is wrong.</exception>
    public static Task<FitResult> FitAsync<T>(
        IEnumerable<T> rows, string target, TaskKind task = TaskKind.Auto, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        IReadOnlyList<T> all = rows as IReadOnlyList<T> ?? [.. rows];
        if (task == TaskKind.Auto)
            task = DataLoader.IsNumber(typeof(T), target) ? TaskKind.Regression : TaskKind.Classification;
        JobFile file = JobFile.Read(
            TableRecipe.For(task, Math.Max(1, all.Count)),
            JobSource.FromOption("data.targets", target, nameof(target)));
        DataParts data = DataLoader.FromRows(all, file.Job.Data, file.Job.Model.Loss);
        return FitAsync(file.Job, data, progress, cancellationToken);
    }

    /// <summary>Trains a job to its end.</summary>
    /// <param name="job">What to train.</param>
    /// <param name="data">The samples.</param>
    /// <param name="options">Workers, threads, checkpoints: none of it changes the result by a bit. The actors' log is
    /// off unless <see cref="RunOptions.ActorConfiguration"/> says otherwise.</param>
    /// <param name="progress">Hears of steps and epochs, one call at a time; it should return quickly. Null: nobody
    /// does.</param>
    /// <param name="cancellationToken">When cancelled, the open step is finished, and the model of that point is
    /// returned with <see cref="EndReason.Stopped"/>; nothing is thrown.</param>
    /// <returns>The model and how its training went.</returns>
    /// <exception cref="DistTrainerException">The job is wrong or does not fit the data, or a gradient is not finite;
    /// <see cref="DistTrainerException.Kind"/> says which.</exception>
    public static async Task<FitResult> FitAsync(
        JobDescription job, DataParts data, RunOptions options, IProgress<TrainingProgress>? progress = null,
            CancellationToken cancellationToken = default)
    {
        var file = new JobFile(job, new RunSettings());
        JobChecks.Check(file, new ConfigObject(new Dictionary<string, ConfigNode>(), "job"));
        Network network = JobNetwork.Create(job.Model, data.Schema);
        TrainingResult result = await LocalTrainer.RunAsync(
            job, data, options with { ActorConfiguration = "akka.loglevel = OFF\n" + options.ActorConfiguration }, null,
                new ProgressObserver(progress), cancellationToken).ConfigureAwait(false);
        return new FitResult(
            new TrainedModel(file, data.Schema, network, result.Parameters, result.ParameterHash), result);
    }
}

/// <summary>Hands reports on to an <see cref="IProgress{T}"/>.</summary>
/// <param name="progress">Who hears of them; null: nobody.</param>
internal class ProgressObserver(IProgress<TrainingProgress>? progress) : ITrainingObserver
{
    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report) => progress?.Report(new TrainingProgress(report, null));

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report) => progress?.Report(new TrainingProgress(null, report));
}
