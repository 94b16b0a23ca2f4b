using DistTrainer.Cli.Watch;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;
using DistTrainer.ParameterServer.Consistency;

namespace DistTrainer.Cli.Runs;

/// <summary>
/// What a run leaves behind: its folder, and the final figures on standard output. A run that fails leaves nothing but
/// a folder with checkpoints.
/// </summary>
internal sealed class RunOutput : Observers, IRunOutput
{
    // Text and pictures of a run take well below a MiB beside the model.
    private const long TextBytes = 1 << 20;

    private readonly CliConsole _console;
    private readonly JobFile _file;
    private readonly DataParts _data;
    private readonly ParameterLayout _layout;
    private readonly string _name;
    private readonly RunFolder _folder;
    private readonly RunRecorder _recorder;
    private readonly TensorBoardFile? _events;
    private readonly RunWatch? _watch;
    private bool _isComplete;

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
    /// <param name="told">Notes and warnings that the command has told already, and need not again; told ones are
    /// added. Null: none were.</param>
    /// <exception cref="DistTrainerException">The folder cannot be made or written, or another run writes into
    /// it.</exception>
    public RunOutput(
        CliConsole console, ITrainingObserver? progress, JobFile file, DataParts data, ParameterLayout layout,
            string name, string runs, RunContinuation? from,
        RunWatch? watch = null, TimeSpan? patience = null, HashSet<string>? told = null)
    {
        (_console, _file, _data, _layout, _name, _watch) =
            (console, file, data, layout, name, watch);
        _folder = from is null ? RunFolder.Create(file.Run.Output, runs, name, BytesOf(file, layout), patience)
            : RunFolder.Continue(from.Folder, from.TakesOver, BytesOf(file, layout), patience);
        _folder.Warn = Warn;
        try
        {
            _folder.WriteText(RunFolder.JobName, file.Write());
            if (from is null)
                Tell(told ?? []);
            watch?.Begin(name, _folder.Path);
            _recorder = new RunRecorder(
                _folder, new LedgerHeader(LedgerHeader.CurrentFormat, data.Train.Count, data.Hash),
                from?.Step ?? 0, watch);
            _events = file.Run.TensorBoard || TensorBoardFile.IsIn(_folder.Path)
                ? new TensorBoardFile(_folder.Path, _folder.Look, from?.Step ?? 0) : null;
            Add(_recorder);
            Add(_events);
            Add(watch);
            Add(progress);
        }
        catch
        {
            _folder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string? Folder => _folder.Path;

    /// <inheritdoc/>
    public void RequireFolder() => _folder.RequireOwned();

    /// <inheritdoc/>
    public void Complete(TrainingResult result)
    {
        Regain();
        string model = _folder.FileAt(RunFolder.ModelName);
        ModelFile.Save(model, _file, _data.Schema, _layout, result.Parameters);
        try
        {
            _folder.Keep();
            CompleteBeside(result);
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Disk)
        {
            throw new DistTrainerException(
                failure.Kind, $"{failure.Message} The final model is written: {model}", failure);
        }
        _isComplete = true;
        _watch?.End(result.Reason.Text());
        Report(result);
    }

    /// <summary>
    /// Ends the record; what an unfinished run wrote is deleted, unless there is a checkpoint to go on from.
    /// </summary>
    public void Dispose()
    {
        _watch?.End("failed");
        _recorder.Dispose();
        _events?.Dispose();
        bool canGoOn = !_isComplete && _folder.Look() != FolderOwner.Another && _folder.HasCheckpoints;
        _folder.Dispose();
        if (canGoOn)
            _console.Error.WriteLine(
                $"the run folder {_folder.Path} is kept, because it has checkpoints; to go on from the newest: "
                + $"disttrainer resume {_folder.Path}");
    }

    /// <summary>The folder is this run's; made anew for the model's sake where it was removed.</summary>
    private void Regain()
    {
        try
        {
            if (_folder.RequireOwnedOrMakeAnew())
                _folder.WriteText(RunFolder.JobName, _file.Write());
        }
        catch (DistTrainerException failure) when (failure.Kind == FailureKind.Disk)
        {
            throw new DistTrainerException(
                failure.Kind,
                $"{failure.Message} The final model is not written, and ledger and metrics end before; once the "
                    + "folder is back, "
                + $"go on from its newest checkpoint: disttrainer resume {_folder.Path}",
                failure);
        }
    }

    /// <summary>Writes all but the model; what says that the run is complete comes last.</summary>
    private void CompleteBeside(TrainingResult result)
    {
        _folder.WriteText(
            "curves.svg", CurvesPicture.Draw(
                $"{_name}: loss{(_data.Schema.Task == TaskKind.Regression ? "" : " and accuracy")}",
                _recorder.Epochs, _recorder.Steps));
        _recorder.Dispose();
        _events?.Dispose();
        if ((_recorder.Failure ?? _events?.Failure) is { } failure)
            throw failure;
        _folder.RequireOwned();
        _folder.WriteText(RunSummary.Name, RunSummary.Write(_file, _data, result));
    }

    private void Tell(HashSet<string> told)
    {
        foreach (string note in _data.Notes.Where(told.Add))
            _console.Error.WriteLine($"note: {_file.Job.Data.Source}: {note}");
        foreach (string warning in JobData.Warnings(_file.Job, _data).Where(told.Add))
            Warn(warning);
    }

    private void Warn(string warning) => _console.Error.WriteLine($"warning: {warning}");

    // With checkpoints on there is at least one at a time, with the optimizer's slots.
    private static long BytesOf(JobFile file, ParameterLayout layout)
    {
        int vectors = 1 + (file.Run.Checkpoint.IsOn ? 1 + RoundState.SlotNamesOf(file.Job).Count : 0);
        return (4L * layout.Length * vectors) + TextBytes;
    }

    private void Report(TrainingResult result)
    {
        _console.Output.WriteLine(
            $"{result.Reason.Text()} epochs={Numbers.Text(result.Epochs)} steps={Numbers.Text(result.Steps)} "
            + $"samples/s={Numbers.Text((long)result.SamplesPerSecond)}");
        if (result.Validation.Count > 0)
            _console.Output.WriteLine(
                TestFigures.Of(result.Validation, _data.Validation, _data.Schema.Task).Line("validation"));
        _console.Output.WriteLine(TestFigures.Of(result.Test, _data.Test, _data.Schema.Task).Line("test"));
        _console.Output.WriteLine($"parameters sha256={result.ParameterHash}");
        _console.Output.WriteLine($"run folder {_folder.Path}");
        if (result.Reason == EndReason.Stopped)
            _console.Output.WriteLine($"stopped after step {Numbers.Text(result.Steps)}; {WayOn()}");
    }

    private string WayOn() => _folder.HasCheckpoints
        ? $"to go on: disttrainer resume {_folder.Path}"
        : $"to go on from these parameters: disttrainer train --config {Path.Combine(_folder.Path, RunFolder.JobName)} "
            + $"--init-from {_folder.Path} --output DIR";
}
