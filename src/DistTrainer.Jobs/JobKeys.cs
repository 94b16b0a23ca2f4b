using DistTrainer.Engine.Training;
using Table = DistTrainer.Jobs.JobTable<DistTrainer.Jobs.JobFile>;

namespace DistTrainer.Jobs;

/// <summary>
/// The table of all keys of a job file. Reading, checking, the template of <c>config init</c>, the resolved job and the
/// help of the command all follow from it.
/// </summary>
internal static class JobKeys
{
    /// <summary>All keys with what they mean, those of loaded plug-ins' parts among them.</summary>
    public static IReadOnlyList<JobKeyInfo> All => [.. Root.Describe("")];

    /// <summary>The whole file.</summary>
    internal static JobSection<JobFile> Root { get; } = new(
        () => new JobFile(new JobDescription { Model = ModelKeys.Section.Defaults }, new RunSettings()),
        Table.Key("data", "Where the samples come from and how they are made ready",
            DataKeys.Section, f => f.Job.Data, (f, v) => f with { Job = f.Job with { Data = v } }),
        Table.Key("model", "The network and its loss",
            ModelKeys.Section, f => f.Job.Model, (f, v) => f with { Job = f.Job with { Model = v } }),
        Table.Key("optimizer", "The update rule",
            OptimizerKeys.Optimizer, f => f.Job.Optimizer, (f, v) => f with { Job = f.Job with { Optimizer = v } }),
        Table.Key("schedule", "How the learning rate changes",
            OptimizerKeys.Schedule, f => f.Job.Schedule, (f, v) => f with { Job = f.Job with { Schedule = v } }),
        Table.Key("regularization", "What is added to the plain gradient update; on weights only unless asked",
            OptimizerKeys.Regularization, f => f.Job.Regularization,
            (f, v) => f with { Job = f.Job with { Regularization = v } }),
        Table.Key("clipping", "Limits on the gradient, before regularization",
            OptimizerKeys.Clipping, f => f.Job.Clipping, (f, v) => f with { Job = f.Job with { Clipping = v } }),
        Table.Key("training", "Length, order and cut of the training",
            TrainingKeys.Training, f => f.Job.Training, (f, v) => f with { Job = f.Job with { Training = v } }),
        Table.Key(
            "checkpoint",
            "When the whole state is written, so that a run can go on after anything: none of it changes the result "
                + "by a bit",
            TrainingKeys.Checkpoint, f => f.Run.Checkpoint, (f, v) => f with { Run = f.Run with { Checkpoint = v } }),
        Table.Key("run", "How the job is run: none of it changes the result by a bit",
            TrainingKeys.Run, f => f.Run, (f, v) => f with { Run = v }));

    /// <summary>What a person needs to know of one key.</summary>
    /// <param name="path">Its full name, e.g. <c>training.epochs</c>.</param>
    /// <exception cref="ArgumentException">There is no such key.</exception>
    public static JobKeyInfo Of(string path) =>
        All.FirstOrDefault(key => key.Path == path) ?? throw new ArgumentException(
            $"{path} is not a key of a job file.", nameof(path));
}
