using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli;

/// <summary>
/// What a run leaves behind: its folder, and the final figures on standard output. A run that fails leaves nothing but
/// a folder with checkpoints.
/// </summary>
internal sealed class RunOutput : Observers, IRunOutput
{
    // Text and pictures of a run take well below a MiB beside the model.
    private const long TextBytes = 1 << 20;

    private readonly CliConsole console;
    private readonly JobFile file;
    private readonly DataParts data;
    private readonly ParameterLayout layout;
    private readonly string name;
    private readonly RunFolder folder;
    private readonly RunRecorder recorder;
    private readonly TensorBoardFile? events;
    private readonly RunWatch? watch;
    private bool isComplete;

    /// <summary>Makes the run folder, or opens that of a run that goes on.</summary>
    /// <param name="console">Where the final figures go.</param>
    /// <param name="progress">Shows how it goes; null: nobody does.</param>
    /// <param name="file">The job.</param>
    /// <param name="data">Its data.</param>
    /// <param name="layout">Its model's tensors.</param>
    /// <param name="name">The run's name.</param>
    /// <param name="runs">The folder that run folders without a name of their own are made in.</param>
    /// <param name="from">Where an earlier part of the run has left off; null begins anew.</param>
    /// <param name="watch">Hears what a dashboard shows, with the run's earlier parts; null: there is none.</param>
    /// <param name="patience">How long the folder may be away before that counts; null: the usual.</param>
    /// <exception cref="DistTrainerException">The folder cannot be made or written, or another run writes into
    /// it.</exception>
    public RunOutput(
        CliConsole console, ITrainingObserver? progress, JobFile file, DataParts data, ParameterLayout layout,
            string name, string runs, RunContinuation? from,
        RunWatch? watch = null, TimeSpan? patience = null)
    {
        (this.console, this.file, this.data, this.layout, this.name, this.watch) =
            (console, file, data, layout, name, watch);
        folder = from is null ? RunFolder.Create(file.Run.Output, runs, name, BytesOf(file, layout), patience)
            : RunFolder.Continue(from.Folder, from.TakesOver, BytesOf(file, layout), patience);
        folder.Warn = Warn;
        try
        {
            folder.WriteText(RunFolder.JobName, file.Write());
            foreach (string warning in from is null ? JobData.Warnings(file.Job, data) : [])
                Warn(warning);
            watch?.Begin(name, folder.Path);
            recorder = new RunRecorder(
                folder, new LedgerHeader(LedgerHeader.CurrentFormat, data.Train.Count, data.Hash),
                from?.Step ?? 0, watch);
            events = file.Run.TensorBoard || TensorBoardFile.IsIn(folder.Path)
                ? new TensorBoardFile(folder.Path, folder.Look, from?.Step ?? 0) : null;
            Add(recorder);
            Add(events);
            Add(watch);
            Add(progress);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string? Folder => folder.Path;

    /// <inheritdoc/>
    public void RequireFolder() => folder.RequireOwned();

    /// <inheritdoc/>
    public void Complete(TrainingResult result)
    {
        Regain();
        string model = folder.FileAt(RunFolder.ModelName);
        ModelFile.Save(model, file, data.Schema, layout, result.Parameters);
        try
        {
            folder.Keep();
            CompleteBeside(result);
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Disk)
        {
            throw new DistTrainerException(
                failure.Kind, $"{failure.Message} The final model is written: {model}", failure);
        }
        isComplete = true;
        watch?.End(result.Reason.Text());
        Report(result);
    }

    /// <summary>
    /// Ends the record; what an unfinished run wrote is deleted, unless there is a checkpoint to go on from.
    /// </summary>
    public void Dispose()
    {
        watch?.End("failed");
        recorder.Dispose();
        events?.Dispose();
        bool canGoOn = !isComplete && folder.Look() != Hold.Another && folder.HasCheckpoints;
        folder.Dispose();
        if (canGoOn)
            console.Error.WriteLine(
                $"the run folder {folder.Path} is kept, because it has checkpoints; to go on from the newest: "
                + $"disttrainer resume {folder.Path}");
    }

    /// <summary>The folder is this run's; made anew for the model's sake where it was removed.</summary>
    private void Regain()
    {
        try
        {
            if (folder.RequireOwnedOrMakeAnew())
                folder.WriteText(RunFolder.JobName, file.Write());
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Disk)
        {
            throw new DistTrainerException(
                failure.Kind,
                $"{failure.Message} The final model is not written, and ledger and metrics end before; once the "
                    + "folder is back, "
                + $"go on from its newest checkpoint: disttrainer resume {folder.Path}",
                failure);
        }
    }

    /// <summary>Writes all but the model; what says that the run is complete comes last.</summary>
    private void CompleteBeside(TrainingResult result)
    {
        folder.WriteText(
            "curves.svg", CurvesPicture.Draw(
                $"{name}: loss{(data.Schema.Task == TaskKind.Regression ? "" : " and accuracy")}",
                recorder.Epochs, recorder.Steps));
        recorder.Dispose();
        events?.Dispose();
        if ((recorder.Failure ?? events?.Failure) is { } failure)
            throw failure;
        folder.RequireOwned();
        folder.WriteText(RunSummary.Name, RunSummary.Write(file.Job, data, result));
    }

    private void Warn(string warning) => console.Error.WriteLine($"warning: {warning}");

    // With checkpoints on there is at least one at a time, with the optimizer's slots.
    private static long BytesOf(JobFile file, ParameterLayout layout)
    {
        int vectors = 1 + (file.Run.Checkpoint.IsOn ? 1 + Optimizer.Create(file.Job.Optimizer).SlotNames.Count : 0);
        return (4L * layout.Length * vectors) + TextBytes;
    }

    private void Report(TrainingResult result)
    {
        console.Output.WriteLine(
            $"{result.Reason.Text()} epochs={Numbers.Text(result.Epochs)} steps={Numbers.Text(result.Steps)} "
            + $"samples/s={Numbers.Text((long)result.SamplesPerSecond)}");
        if (result.Validation.Count > 0)
            console.Output.WriteLine(
                TestFigures.Of(result.Validation, data.Validation, data.Schema.Task).Line("validation"));
        console.Output.WriteLine(TestFigures.Of(result.Test, data.Test, data.Schema.Task).Line("test"));
        console.Output.WriteLine($"parameters sha256={result.ParameterHash}");
        console.Output.WriteLine($"run folder {folder.Path}");
        if (result.Reason == EndReason.Stopped)
            console.Output.WriteLine($"stopped after step {Numbers.Text(result.Steps)}; {WayOn()}");
    }

    private string WayOn() => folder.HasCheckpoints
        ? $"to go on: disttrainer resume {folder.Path}"
        : $"to go on from these parameters: disttrainer train --config {Path.Combine(folder.Path, RunFolder.JobName)} "
            + $"--init-from {folder.Path} --output DIR";
}
