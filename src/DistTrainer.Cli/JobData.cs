using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Metrics;
using DistTrainer.Engine.Training;

namespace DistTrainer.Cli;

/// <summary>Reads a job's data, and checks that the job can be trained on them.</summary>
internal static class JobData
{
    /// <summary>Reads the data.</summary>
    /// <param name="access">Reads.</param>
    /// <param name="job">The job.</param>
    /// <param name="read">The data, where they have been read already.</param>
    /// <exception cref="DistTrainerException">They cannot be read, or the job watches a validation part that has no
    /// samples.</exception>
    public static DataParts Load(IDataAccess access, JobDescription job, DataParts? read = null)
    {
        DataParts data = read ?? access.Load(job.Data, job.Model.Loss);
        if (data.Validation.Count == 0 && (job.Training.EarlyStopping.Patience > 0 || job.Schedule.WatchesValidation))
            throw new DistTrainerException(
                FailureKind.Configuration,
                (job.Data.Split.Order == SplitOrder.Part
                    ? $"data.split.by = {job.Data.Split.By}: no row is of the validation part, which early stopping "
                        + "and reduce-on-plateau watch; say validation in some rows, or set "
                        + "training.early-stopping.patience = 0"
                    : "data.validation-fraction: leaves no sample for validation, which early stopping and "
                        + $"reduce-on-plateau watch{NoGroup(job.Data)}; raise it") + ".");
        if (job.Training.EarlyStopping is { Patience: > 0, Watch: FigureKind.AreaUnderCurve }
            && ClassNotIn(data.Validation, data.Schema) is { } absent)
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"training.early-stopping.watch = auc: the validation part has no row of {absent}, so the AUC is not "
                + "defined; watch another figure, raise data.validation-fraction, or set data.stratify = true.");
        return data;
    }

    private static string? ClassNotIn(ISampleSource part, DataSchema schema)
    {
        for (int target = 0; target < part.TargetWidth; target++)
        {
            HashSet<float> there = [.. SampleColumns.Targets(part, target)];
            if (schema.Task == TaskKind.Classification
                && schema.ClassNames.Index().FirstOrDefault(one => !there.Contains(one.Index)).Item is { } name)
                return $"class '{Printable.Short(name, 40)}'";
            if (schema.Task == TaskKind.Binary && there.Count < 2)
                return $"one of the two classes of '{Printable.Short(schema.TargetNames[target], 40)}'";
        }
        return null;
    }

    /// <summary>What a person may not have meant, a line each: it names the setting and what follows.</summary>
    /// <param name="job">The job.</param>
    /// <param name="data">Its data.</param>
    public static IEnumerable<string> Warnings(JobDescription job, DataParts data)
    {
        DataDescription description = job.Data;
        string rows = $"of {Numbers.Text(data.Train.Count + data.Validation.Count + data.Test.Count)} rows";
        bool isNamed = description.Split.Order == SplitOrder.Part;
        if (data.Test.Count == 0)
        {
            string setting = description.TestSource is { } path ? $"data.test-source = {path}"
                : isNamed ? $"data.split.by = {description.Split.By}"
                : $"data.test-fraction = {Numbers.Text(description.TestFraction)} {rows}"
                    + (description.TestFraction > 0 ? NoGroup(description) : "");
            yield return $"the test part has no rows ({setting}): there will be no test figures";
        }
        if (data.Validation.Count == 0 && (isNamed || description.ValidationFraction > 0))
        {
            yield return "the validation part has no rows ("
                + (isNamed ? $"data.split.by = {description.Split.By}): "
                    : $"data.validation-fraction = {Numbers.Text(description.ValidationFraction)} {rows}"
                        + $"{NoGroup(description)}): ")
                + "there will be no validation figures, and no checkpoint counts as a best one";
        }
        if (job.Optimizer.Kind == "adamw" && job.Regularization.DecoupledWeightDecay == 0)
            yield return "optimizer.kind = adamw without decay (regularization.decoupled-weight-decay = 0) is adam";
    }

    private static string NoGroup(DataDescription data) => data.Split.Order == SplitOrder.Group
        ? $", and no group of '{data.Split.By}' is small enough for it" : "";
}
