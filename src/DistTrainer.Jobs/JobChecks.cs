using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Optimizers;
using DistTrainer.Engine.Parts;
using DistTrainer.Engine.Plugins;
using DistTrainer.Engine.Schedules;
using DistTrainer.Engine.Training;

namespace DistTrainer.Jobs;

/// <summary>Checks what no key can check alone: settings that do not fit each other.</summary>
internal static class JobChecks
{
    /// <summary>Refuses the first combination that cannot work.</summary>
    /// <param name="file">The job.</param>
    /// <param name="read">What was read, for the origin of a key.</param>
    /// <exception cref="DistTrainerException">Settings do not fit each other
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(JobFile file, ConfigObject read)
    {
        foreach ((string path, string what) in ModelProblems(file.Job.Model).Concat(DataProblems(file.Job))
            .Concat(OptimizerProblems(file.Job)).Concat(TrainingProblems(file.Job.Training)))
            throw NodeAt(read, path).Refuse(path, " " + what);
    }

    private static IEnumerable<(string Path, string What)> ModelProblems(ModelDescription model)
    {
        if (model.Layers.Count == 0)
            yield return ("model.layers",
                "is missing; name at least one layer, e.g. layers = [ { units = 64, activation = relu }, { } ]");
        for (int i = 0; i < model.Layers.Count - 1; i++)
        {
            if (model.Layers[i].Units is null && PluginRegistry.Shared.Layers[model.Layers[i].Kind].NeedsUnits)
                yield return ($"model.layers[{i}].units",
                    "is missing; only the last layer may leave it out, the data decide it there; allowed: a whole "
                    + "number from 1");
        }

        for (int i = 0; i < model.Layers.Count; i++)
        {
            LayerDescription layer = model.Layers[i];
            Part[] parts =
                [PluginRegistry.Shared.Layers[layer.Kind], PluginRegistry.Shared.Activations[layer.Activation]];
            foreach ((string setting, string what) in parts.SelectMany(part => Problems(part, layer.Settings)))
                yield return ($"model.layers[{i}].{setting}", what);
        }
        foreach ((string setting, string what) in Problems(PluginRegistry.Shared.Losses[model.Loss.Kind],
            model.Loss.Settings))
            yield return ($"model.loss.{setting}", what);
        if (model.Layers.Count > 0 && model.Layers[^1]
            .Activation == "sigmoid" && PluginRegistry.Shared.Losses[model.Loss.Kind].HasOutputFunction)
            yield return ($"model.layers[{model.Layers.Count - 1}].activation",
                "= sigmoid comes before the sigmoid or softmax that is part of the loss; leave it out");
    }

    private static IEnumerable<(string Path, string What)> DataProblems(JobDescription job)
    {
        DataDescription data = job.Data;
        TaskKind task = job.Model.Loss.Task;
        if (data.TestSource is null && data.ValidationFraction + data.TestFraction >= 1)
            yield return ("data.validation-fraction",
                "and data.test-fraction leave nothing to train on; their sum must be below 1");
        if (data.Task != TaskKind.Auto && data.Task != task)
            yield return (
                "data.task",
                "does not fit model.loss.kind; classification goes with cross-entropy, binary with "
                + "binary-cross-entropy, regression with mean-squared-error and huber");
        if (data.NormalizeTargets && task != TaskKind.Regression)
            yield return (
                "data.normalize-targets", "= true works only on regression targets, with mean-squared-error or huber");
        if (job.Training.EarlyStopping is { Patience: > 0, Watch: var watched }
            && watched.IsOfValues() is { } ofValues && ofValues != (task == TaskKind.Regression))
            yield return ("training.early-stopping.watch", ofValues
                ? "is a figure of values, but the loss is for classes; watch loss, accuracy, balanced-accuracy, "
                    + "log-loss, auc or f1-macro"
                : "is a figure of classes, but the loss is for values; watch loss, mean-absolute-error, "
                    + "root-mean-squared-error, r2 or median-absolute-error");
        if (data.Split.Problem() is { } problem)
            yield return ($"data.split.{problem.Key}", problem.What);
        if (data.ValidationFraction > 0 || data.Split.HasValidation)
            yield break;
        if (job.Schedule.WatchesValidation)
            yield return ("schedule.kind",
                $"= {job.Schedule.Kind} watches the validation loss; set data.validation-fraction above 0");
        if (job.Training.EarlyStopping.Patience > 0)
            yield return ("training.early-stopping.patience",
                "above 0 watches the validation loss; set data.validation-fraction above 0");
    }

    private static IEnumerable<(string Path, string What)> OptimizerProblems(JobDescription job)
    {
        OptimizerDescription optimizer = job.Optimizer;
        foreach ((string setting, string what) in Problems(PluginRegistry.Shared.Optimizers[optimizer.Kind],
            optimizer.Settings))
            yield return ($"optimizer.{setting}", what);
        ScheduleDescription schedule = job.Schedule;
        SchedulePart part = PluginRegistry.Shared.Schedules[schedule.Kind];
        foreach ((string setting, string what) in Problems(part, schedule.Settings))
            yield return ($"schedule.{setting}", what);
        if (part.Settings.OfType<Setting<float>>()
            .FirstOrDefault(setting => setting.Name == "minimum-rate") is { } minimum
            && schedule.Settings.Get(minimum) > optimizer.LearningRate)
            yield return ("schedule.minimum-rate", "is above optimizer.learning-rate");
    }

    private static IEnumerable<(string Path, string What)> TrainingProblems(TrainingDescription training)
    {
        if (training.Problem() is { } problem)
            yield return ($"training.{problem.Key}", problem.What);
    }

    private static IEnumerable<(string Setting, string What)> Problems(Part part, PartSettings settings) =>
        part.Problems?.Invoke(settings) ?? [];

    /// <summary>What was read at a path, or the nearest section above it.</summary>
    internal static ConfigNode NodeAt(ConfigObject root, string path)
    {
        ConfigNode node = root;
        foreach (string part in path.Split('.', '['))
        {
            if (node is ConfigObject section && section.Items.TryGetValue(part, out ConfigNode? item))
                node = item;
        }

        return node;
    }
}
