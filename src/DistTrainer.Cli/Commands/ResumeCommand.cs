using System.CommandLine;
using DistTrainer.Cli.Runs;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Engine.Data;
using DistTrainer.Engine.Files;
using DistTrainer.Engine.Models;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer.Checkpoints;

namespace DistTrainer.Cli.Commands;

/// <summary>
/// <c>disttrainer resume</c>: goes on with a run from its newest checkpoint, or with a paused run of a cluster.
/// </summary>
internal sealed class ResumeCommand : Command
{
    /// <summary>Its argument.</summary>
    public static Argument<string?> Run() => new("run")
    {
        Description = "A run folder; without it a paused run of a cluster goes on",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>What the help says of it.</summary>
    public const string Summary =
        "Goes on with a run that was stopped or cut off, from its newest checkpoint and in its own folder, with "
        + "any number of workers and parameter shards: the same bits as if it had never stopped. Without RUN: "
        + "goes on with a paused run of a cluster.";

    private readonly CliConsole _console;
    private readonly CliServices _services;
    private readonly ClusterCommands _commands;
    private readonly LocalRun _local;
    private readonly Option[] _localOptions;
    private readonly JobOptions _job = new("--workers", "--parameter-shards", "--compute-threads", "--epochs",
        "--max-steps", "--report-every", "--tensorboard", "--checkpoint-every-steps", "--checkpoint-every-time");
    private readonly Argument<string?> _run = Run();
    private readonly Option<string?> _cluster = new("--cluster")
    {
        Description =
            "With RUN: trains on this cluster, all of whose server nodes see the folder under the same path, in "
            + "place of this process. The cluster address of any node. Default without RUN: "
            + $"{ClusterCommands.DefaultAddress}",
        HelpName = "HOST:PORT",
    };

    private readonly Option<string?> _security = ClusterCommands.Security();

    /// <summary>Makes the command.</summary>
    public ResumeCommand(CliConsole console, CliServices services, StopSignals signals, ClusterCommands commands)
        : base("resume", Summary)
    {
        (_console, _services, _commands) = (console, services, commands);
        _local = new LocalRun(console, services, signals);
        Add(_run);
        Add(_cluster);
        Add(_security);
        _job.AddOverridesTo(this);
        _local.AddTo(this);
        _localOptions =
            [.. Options.Where(
                option =>
                option.Name is "--workers" or "--parameter-shards" or "--compute-threads" or "--log-format"
                or "--log-level" or "--quiet")];
        SetAction((result, _) => RunAsync(result));
    }

    private Task<int> RunAsync(ParseResult options)
    {
        string? address = options.GetValue(_cluster);
        if (options.GetValue(_run) is { } folder)
        {
            if (address is not null)
                Refuse(options, _localOptions, "counts only without --cluster, whose nodes have settings of their own");
            return GoOn(options, new StoppedRun(folder), address);
        }
        Refuse(
            options, Options.Where(option => option != _cluster && option != _security),
            "counts only with RUN; name the run folder to go on with");
        return _commands.AskAsync(
            address ?? ClusterCommands.DefaultAddress, options.GetValue(_security), new PauseCommand(false));
    }

    private async Task<int> GoOn(ParseResult options, StoppedRun stopped, string? address)
    {
        RequireFolder(stopped.Folder);
        using CheckpointReader? checkpoint = stopped.OpenNewest(_console.Error.WriteLine);
        JobFile file = stopped.Job(checkpoint, _job.Overrides(options));
        if (stopped.Ended is { } ended && ended.IsAllOf(file.Job.Training))
        {
            _console.Output.WriteLine(
                $"{stopped.Folder} is complete: epochs={Numbers.Text(ended.Epochs)} steps={Numbers.Text(ended.Steps)} "
                + $"parameters sha256={ended.ParameterHash}");
            return ExitCodes.Fine;
        }

        CheckpointReader from = checkpoint ?? throw stopped.NothingToGoOnFrom();
        string name = Path.GetFileName(stopped.Folder);
        DataParts data = JobData.Load(_services.Data, file.Job);
        ParameterLayout layout = JobNetwork.Create(file.Job.Model, data.Schema).Layout;
        stopped.RequireSame(from, file, layout);
        from.RequireData(data.Hash);
        if (address is not null)
            return await _commands.AskAsync(
                address, options.GetValue(_security), new SubmitRun(RunSubmission.Of(file, name, null, from.Folder)));
        _console.Error.WriteLine($"goes on after step {Numbers.Text(from.Manifest.Step)} from {from.Folder}");
        return await _local.RunAsync(
            options, file, data, layout, name, null,
            (from.Folder, new RunContinuation(stopped.Folder, from.Manifest.Step, TakesOver: false)));
    }

    private static void RequireFolder(string folder)
    {
        if (!AtomicFile.IsThere(folder))
            throw new DistTrainerException(FailureKind.Configuration, $"{folder}: there is no such run folder.");
    }

    private static void Refuse(ParseResult options, IEnumerable<Option> others, string why)
    {
        if (others.FirstOrDefault(option => options.GetResult(option) is { Implicit: false }) is { } option)
            throw new DistTrainerException(FailureKind.Configuration, $"{option.Name} {why}.");
    }
}
