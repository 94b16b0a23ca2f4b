using System.CommandLine;
using DistTrainer.Cluster;
using DistTrainer.Engine;

namespace DistTrainer.Cli;

/// <summary><c>disttrainer train</c>.</summary>
internal sealed class TrainCommand : Command
{
    private readonly CliConsole console;
    private readonly CliServices services;
    private readonly StopSignals signals;
    private readonly JobOptions job = new();
    private readonly Option<string?> initFrom = new("--init-from") { Description = "Starts from the parameters of this safetensors file or run folder instead of random ones", HelpName = "FILE" };
    private readonly Option<string> logFormat = new("--log-format") { Description = "How the actors' log lines (on standard error) look: text or json", HelpName = "text|json", DefaultValueFactory = _ => "text" };
    private readonly Option<string> logLevel = new("--log-level") { Description = "The least important log level that is printed: debug, info, warning or error", HelpName = "LEVEL", DefaultValueFactory = _ => "info" };
    private readonly Option<bool> quiet = new("--quiet") { Description = "Prints only warnings and the final figures" };

    /// <summary>Makes the command.</summary>
    public TrainCommand(CliConsole console, CliServices services, StopSignals signals)
        : base("train", "Trains a job and leaves a run folder. Without --config a built-in job for the data is taken; without --data that is the 1,797 digits.")
    {
        (this.console, this.services, this.signals) = (console, services, signals);
        job.AddTo(this);
        Add(initFrom);
        Add(logFormat.AcceptOnlyFromAmong("text", "json"));
        Add(logLevel.AcceptOnlyFromAmong("debug", "info", "warning", "error"));
        Add(quiet);
        SetAction((result, _) => RunAsync(result));
    }

    private async Task<int> RunAsync(ParseResult options)
    {
        (JobFile file, string name) = job.Read(options, services.Data);
        DataParts data = services.Data.Load(file.Job.Data, file.Job.Model.Loss);
        Network network = JobNetwork.Create(file.Job.Model, data.Schema);
        if (data.Validation.Count == 0 && (file.Job.Training.EarlyStopping.Patience > 0 || file.Job.Schedule.Kind == ScheduleKind.ReduceOnPlateau))
            throw new DistTrainerException(FailureKind.Configuration, "data.validation-fraction: leaves no sample for validation, which early stopping and reduce-on-plateau watch; raise it.");
        float[]? initial = options.GetValue(initFrom) is { } path ? ModelFile.LoadParameters(RunFolder.ModelOf(path), network.Layout) : null;

        // Text and pictures of a run take well below a MiB beside the model.
        using RunFolder folder = RunFolder.Create(file.Run.Output, name, (4L * network.Layout.Length) + (1 << 20));
        folder.WriteText("job.conf", file.Write());
        using var recorder = new RunRecorder(folder.FileAt("metrics.jsonl"));
        IProgressDisplay display = Display(options.GetValue(quiet));
        TrainingResult? result = null;
        using (var log = new LogOutput(Format(options), Threshold(options), display.Log))
        {
            await display.RunAsync(async () => result = await services.Train(
                file.Job, data, file.Run.ToOptions(log.ActorConfiguration), initial, new Observers(recorder, display), signals.Token));
        }

        Save(folder, recorder, file, data, network, result!, name);
        Report(folder, data, result!);
        return result!.Reason == EndReason.Stopped && signals.ExitCode != 0 ? signals.ExitCode : ExitCodes.Fine;
    }

    private static void Save(RunFolder folder, RunRecorder recorder, JobFile file, DataParts data, Network network, TrainingResult result, string name)
    {
        ModelFile.Save(folder.FileAt(RunFolder.ModelName), file, data.Schema, network.Layout, result.Parameters);
        folder.WriteText("curves.svg", CurvesPicture.Draw($"{name}: loss{(data.Schema.Task == TaskKind.Regression ? "" : " and accuracy")}", recorder.Epochs, recorder.Steps));
        recorder.Dispose();
        if (recorder.Failure is not null)
            throw recorder.Failure;
        folder.WriteText("run.json", RunSummary.Write(file.Job, data, result));
        folder.Keep();
    }

    private void Report(RunFolder folder, DataParts data, TrainingResult result)
    {
        console.Output.WriteLine($"{Reason(result.Reason)} epochs={Numbers.Text(result.Epochs)} steps={Numbers.Text(result.Steps)} samples/s={Numbers.Text((long)result.SamplesPerSecond)}");
        if (result.Validation.Count > 0)
            console.Output.WriteLine(TestFigures.Of(result.Validation, data.Validation, data.Schema.Task).Line("validation"));
        console.Output.WriteLine(TestFigures.Of(result.Test, data.Test, data.Schema.Task).Line("test"));
        console.Output.WriteLine($"parameters sha256={result.ParameterHash}");
        console.Output.WriteLine($"run folder {folder.Path}");
        if (result.Reason == EndReason.Stopped)
            console.Output.WriteLine($"stopped after step {Numbers.Text(result.Steps)}; to go on from these parameters: disttrainer train --config {Path.Combine(folder.Path, "job.conf")} --init-from {folder.Path} --output DIR");
    }

    private static string Reason(EndReason reason) => reason switch
    {
        EndReason.Completed => "completed",
        EndReason.EarlyStopping => "early-stopping",
        _ => "stopped",
    };

    private IProgressDisplay Display(bool isQuiet) => console.Terminal is { } terminal && !isQuiet
        ? new BarProgress(terminal, console.ErrorIsTerminal ? null : console.Error)
        : new PlainProgress(console.Output, console.Error, isQuiet);

    private LogFormat Format(ParseResult options) => options.GetValue(logFormat) == "json" ? LogFormat.Json : LogFormat.Text;

    private LogThreshold Threshold(ParseResult options)
    {
        LogThreshold threshold = Enum.Parse<LogThreshold>(options.GetValue(logLevel)!, ignoreCase: true);
        return options.GetValue(quiet) && threshold < LogThreshold.Warning ? LogThreshold.Warning : threshold;
    }
}
