using DistTrainer.Cluster;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli;

/// <summary>What a run leaves behind: its folder, and the final figures on standard output. A run that fails leaves nothing.</summary>
internal sealed class RunOutput : IRunOutput
{
    // Text and pictures of a run take well below a MiB beside the model.
    private const long TextBytes = 1 << 20;

    private readonly CliConsole console;
    private readonly ITrainingObserver progress;
    private readonly JobFile file;
    private readonly DataParts data;
    private readonly Network network;
    private readonly string name;
    private readonly RunFolder folder;
    private readonly RunRecorder recorder;

    /// <summary>Makes the run folder.</summary>
    /// <param name="console">Where the final figures go.</param>
    /// <param name="progress">Shows how it goes.</param>
    /// <param name="file">The job.</param>
    /// <param name="data">Its data.</param>
    /// <param name="network">Its network.</param>
    /// <param name="name">The run's name.</param>
    /// <param name="runs">The folder that run folders without a name of their own are made in.</param>
    /// <param name="from">Where an earlier part of the run has left off; null begins anew.</param>
    /// <exception cref="DistTrainerException">The folder cannot be made or written, or belongs to another run.</exception>
    public RunOutput(CliConsole console, ITrainingObserver progress, JobFile file, DataParts data, Network network, string name, string runs, RunContinuation? from = null)
    {
        (this.console, this.progress, this.file, this.data, this.network, this.name) = (console, progress, file, data, network, name);
        long needed = (4L * network.Layout.Length) + TextBytes;
        folder = from is null ? RunFolder.Create(file.Run.Output, runs, name, needed) : RunFolder.Continue(from.Folder, from.TakesOver, needed);
        folder.WriteText("job.conf", file.Write());
        recorder = new RunRecorder(folder.FileAt("metrics.jsonl"), folder.FileAt(RunRecorder.LedgerName), from?.Step ?? 0);
        recorder.Begin(data.Train.Count);
    }

    /// <inheritdoc/>
    public bool IsOwned => folder.IsOwned;

    /// <inheritdoc/>
    public void OnLedger(LedgerEntry entry)
    {
        if (IsOwned)
            recorder.OnLedger(entry);
    }

    /// <inheritdoc/>
    public void OnWentBack(long lastStep)
    {
        recorder.OnWentBack(lastStep);
        progress.OnWentBack(lastStep);
    }

    /// <inheritdoc/>
    public void OnCheckpoint(CheckpointReport report) => progress.OnCheckpoint(report);

    /// <inheritdoc/>
    public string? Folder => folder.Path;

    /// <inheritdoc/>
    public void OnStarted(int stepsPerEpoch, long totalSteps)
    {
        recorder.OnStarted(stepsPerEpoch, totalSteps);
        progress.OnStarted(stepsPerEpoch, totalSteps);
    }

    /// <inheritdoc/>
    public void OnStep(StepReport report)
    {
        if (IsOwned)
            recorder.OnStep(report);
        progress.OnStep(report);
    }

    /// <inheritdoc/>
    public void OnEpoch(EpochReport report)
    {
        if (IsOwned)
            recorder.OnEpoch(report);
        progress.OnEpoch(report);
    }

    /// <inheritdoc/>
    public void Complete(TrainingResult result)
    {
        if (!IsOwned)
            throw new DistTrainerException(FailureKind.Quorum, $"{folder.Path}: another coordinator has taken the run over; this one writes nothing more.");
        ModelFile.Save(folder.FileAt(RunFolder.ModelName), file, data.Schema, network.Layout, result.Parameters);
        folder.WriteText("curves.svg", CurvesPicture.Draw($"{name}: loss{(data.Schema.Task == TaskKind.Regression ? "" : " and accuracy")}", recorder.Epochs, recorder.Steps));
        recorder.Dispose();
        if (recorder.Failure is not null)
            throw recorder.Failure;
        folder.WriteText(RunFolder.SummaryName, RunSummary.Write(file.Job, data, result));
        folder.Keep();
        Report(result);
    }

    /// <summary>Ends the record; what an unfinished run wrote is deleted.</summary>
    public void Dispose()
    {
        recorder.Dispose();
        folder.Dispose();
    }

    private void Report(TrainingResult result)
    {
        console.Output.WriteLine($"{Reason(result.Reason)} epochs={Numbers.Text(result.Epochs)} steps={Numbers.Text(result.Steps)} samples/s={Numbers.Text((long)result.SamplesPerSecond)}");
        if (result.Validation.Count > 0)
            console.Output.WriteLine(TestFigures.Of(result.Validation, data.Validation, data.Schema.Task).Line("validation"));
        console.Output.WriteLine(TestFigures.Of(result.Test, data.Test, data.Schema.Task).Line("test"));
        console.Output.WriteLine($"parameters sha256={result.ParameterHash}");
        console.Output.WriteLine($"run folder {folder.Path}");
        if (result.Reason == EndReason.Stopped)
            console.Output.WriteLine(new CheckpointStore(folder.Checkpoints).List().Count > 0
                ? $"stopped after step {Numbers.Text(result.Steps)}; to go on: disttrainer resume {folder.Path}"
                : $"stopped after step {Numbers.Text(result.Steps)}; to go on from these parameters: disttrainer train --config {Path.Combine(folder.Path, "job.conf")} --init-from {folder.Path} --output DIR");
    }

    private static string Reason(EndReason reason) => reason switch
    {
        EndReason.Completed => "completed",
        EndReason.EarlyStopping => "early-stopping",
        _ => "stopped",
    };
}
