using System.CommandLine;
using DistTrainer.Cli.Runs;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;

namespace DistTrainer.Cli.Commands;

/// <summary><c>disttrainer train</c>.</summary>
internal sealed class TrainCommand : Command
{
    private readonly CliServices _services;
    private readonly LocalRun _run;
    private readonly JobOptions _job = new();
    private readonly Option<string?> _initFrom = new("--init-from")
    {
        Description = "Starts from the parameters of this safetensors file or run folder instead of random ones",
        HelpName = "FILE",
    };

    /// <summary>Makes the command.</summary>
    public TrainCommand(CliConsole console, CliServices services, StopSignals signals)
        : base(
            "train",
            "Trains a job and leaves a run folder. Without --config a built-in job for the data is taken; without "
            + "--data that is the 1,797 digits.")
    {
        _services = services;
        _run = new LocalRun(console, services, signals);
        _job.AddTo(this);
        Add(_initFrom);
        _run.AddTo(this);
        SetAction((result, _) => RunAsync(result));
    }

    private Task<int> RunAsync(ParseResult options)
    {
        (JobFile file, string name, TableJob? table) = _job.Read(options, _services.Data);
        DataParts data = JobData.Load(_services.Data, file.Job, table?.Data);
        data = data with { Notes = [.. data.Notes, .. table?.Notes ?? []] };
        ParameterLayout layout = JobNetwork.Create(file.Job.Model, data.Schema).Layout;
        float[]? initial = options.GetValue(_initFrom) is { } path
            ? ModelFile.LoadParameters(RunFolder.ModelOf(path), layout) : null;
        return _run.RunAsync(options, file, data, layout, name, initial, null);
    }
}
