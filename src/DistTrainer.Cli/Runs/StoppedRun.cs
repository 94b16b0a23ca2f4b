using DistTrainer.Engine;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cli.Runs;

/// <summary>A run in its folder, as <c>resume</c> finds it.</summary>
/// <param name="folder">The run folder.</param>
internal sealed class StoppedRun(string folder)
{
    /// <summary>The folder.</summary>
    public string Folder { get; } = Path.GetFullPath(folder);

    /// <summary>What has ended the run; null where it was cut off.</summary>
    public EndedRun? Ended => RunSummary.Read(Folder);

    /// <summary>Opens the newest checkpoint that is whole.</summary>
    /// <param name="tell">Takes a line for each newer one that is not.</param>
    /// <returns>The caller disposes it; null where there is none.</returns>
    /// <exception cref="DistTrainerException">This is no run folder
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public CheckpointReader? OpenNewest(Action<string> tell)
    {
        if (!AtomicFile.IsThere(Path.Combine(Folder, RunFolder.JobName)))
            throw new DistTrainerException(
                FailureKind.Configuration,
                Directory.Exists(Path.Combine(Folder, FoldFigures.NameOf(1)))
                    ? $"{Folder}: has a run for each fold; name one of them, e.g. "
                        + $"{Path.Combine(Folder, FoldFigures.NameOf(1))}."
                    : $"{Folder}: is no run folder (it has no {RunFolder.JobName}); name the folder that `disttrainer "
                        + "train` made.");
        NewestCheckpoint newest = RunFolder.CheckpointsOf(Folder).OpenNewest();
        foreach (RefusedCheckpoint refused in newest.Refused)
            tell($"checkpoint {refused.Folder} is refused: {refused.Reason}");
        return newest.Reader;
    }

    /// <summary>Why a run without a checkpoint cannot go on.</summary>
    public DistTrainerException NothingToGoOnFrom() => RunFolder.CheckpointsOf(Folder).List().Count is > 0 and int count
        ? new DistTrainerException(
            FailureKind.ModelFile,
            $"{Folder}: none of its {Numbers.Text(count)} checkpoints can be used; begin anew: {BeginAnew}.")
        : new DistTrainerException(
            FailureKind.Configuration, $"{Folder}: has no checkpoint to go on from; begin anew: {BeginAnew}.");

    private string BeginAnew => $"disttrainer train --config {Path.Combine(Folder, RunFolder.JobName)} --output DIR";

    /// <summary>The run's job, with some settings laid over it.</summary>
    /// <param name="checkpoint">The checkpoint to go on from; null takes the folder's job file.</param>
    /// <param name="overrides">What is laid over it.</param>
    public JobFile Job(CheckpointReader? checkpoint, IReadOnlyList<JobSource> overrides) =>
        JobFile.Read([Own(checkpoint), .. overrides]);

    /// <summary>
    /// Requires that a job differs from the run's in nothing that could change what was trained so far.
    /// </summary>
    /// <param name="checkpoint">The checkpoint to go on from.</param>
    /// <param name="job">The job.</param>
    /// <param name="layout">Its network's tensors.</param>
    /// <exception cref="DistTrainerException">It does; layers and optimizers are named
    /// (<see cref="FailureKind.ModelFile"/>), other keys too (<see cref="FailureKind.Configuration"/>).</exception>
    public void RequireSame(CheckpointReader checkpoint, JobFile job, ParameterLayout layout)
    {
        checkpoint.RequireFit(layout, job.Job);
        JobFile own = JobFile.Read(Own(checkpoint));
        TrainingDescription length = own.Job.Training;
        JobDescription compared = job.Job with
        {
            Training = job.Job.Training with { Epochs = length.Epochs, MaxSteps = length.MaxSteps },
        };
        string[] before = (own with { Run = job.Run }).Write().Split('\n'), after = (job with { Job = compared })
            .Write().Split('\n');
        if (before.Except(after).Concat(after.Except(before)).FirstOrDefault() is { } line)
        {
            throw new DistTrainerException(
                FailureKind.Configuration,
                $"--set: the run was begun with another \"{line.Trim().TrimEnd(
                    '{').Trim()}\"; a run goes on with its own job, and only the sections run and checkpoint, "
                    + "training.epochs and training.max-steps may be others: begin anew with --init-from {Folder} for "
                    + "the rest.");
        }
    }

    private JobSource Own(CheckpointReader? checkpoint) => checkpoint is null
        ? JobSource.FromFile(Path.Combine(Folder, RunFolder.JobName))
        : new JobSource(checkpoint.Manifest.Job, Path.Combine(checkpoint.Folder, "checkpoint.json (job)"));
}
