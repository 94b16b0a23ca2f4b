using System.CommandLine;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Engine.Training;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer train</c>.</summary>
internal sealed class TrainCommand : Command
{
    /// <summary>What the help says of it.</summary>
    public const string Summary =
        "Trains a job and leaves a run folder. Without --config a built-in job for the data is taken; without "
        + "--data that is the 1,797 digits.";

    private readonly CliServices _services;
    private readonly LocalRun _run;
    private readonly FoldedRun _folds;
    private readonly JobOptions _job = new();
    private readonly Option<string?> _initFrom = new("--init-from")
    {
        Description = "Starts from the parameters of this safetensors file or run folder instead of random ones",
        HelpName = "FILE",
    };

    /// <summary>Makes the command.</summary>
    public TrainCommand(CliConsole console, CliServices services, StopSignals signals)
        : base("train", Summary)
    {
        _services = services;
        _run = new LocalRun(console, services, signals);
        _folds = new FoldedRun(console, signals, _run);
        _job.AddTo(this);
        Add(_initFrom);
        _folds.AddTo(this);
        _run.AddTo(this);
        SetAction((result, _) => RunAsync(result));
    }

    private Task<int> RunAsync(ParseResult options)
    {
        JobSource[] folds = _folds.Overrides(options);
        (JobFile file, string name, TableJob? table) = _job.Read(options, _services.Data, over: folds);
        DataParts Load(JobDescription job)
        {
            DataParts data = JobData.Load(_services.Data, job, folds.Length == 0 ? table?.Data : null);
            return data with { Notes = [.. data.Notes, .. table?.Notes ?? []] };
        }
        float[]? Initial(ParameterLayout layout) => options.GetValue(_initFrom) is { } path
            ? ModelFile.LoadParameters(RunFolder.ModelOf(path), layout) : null;
        if (folds.Length > 0)
            return _folds.RunAsync(options, file, name, Load, Initial);
        DataParts data = Load(file.Job);
        ParameterLayout layout = JobNetwork.Create(file.Job.Model, data.Schema).Layout;
        return _run.RunAsync(options, file, data, layout, name, Initial(layout), null);
    }
}
