using System.CommandLine;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;
using DistTrainer.Jobs;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli;

/// <summary>
/// <c>disttrainer resume</c>: goes on with a run from its newest checkpoint, or with a paused run of a cluster.
/// </summary>
internal sealed class ResumeCommand : Command
{
    private readonly CliConsole console;
    private readonly CliServices services;
    private readonly ClusterCommands commands;
    private readonly LocalRun local;
    private readonly Option[] localOptions;
    private readonly JobOptions job = new("--workers", "--parameter-shards", "--compute-threads", "--epochs",
        "--max-steps", "--report-every", "--tensorboard", "--checkpoint-every-steps", "--checkpoint-every-time");
    private readonly Argument<string?> run = new("run")
    {
        Description = "A run folder; without it a paused run of a cluster goes on",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string?> cluster = new("--cluster")
    {
        Description =
            "With RUN: trains on this cluster, all of whose server nodes see the folder under the same path, in "
            + "place of this process. The cluster address of any node. Default without RUN: "
            + $"{ClusterCommands.DefaultAddress}",
        HelpName = "HOST:PORT",
    };

    private readonly Option<string?> security = ClusterCommands.Security();

    /// <summary>Makes the command.</summary>
    public ResumeCommand(CliConsole console, CliServices services, StopSignals signals, ClusterCommands commands)
        : base(
            "resume",
            "Goes on with a run that was stopped or cut off, from its newest checkpoint and in its own folder, with "
            + "any number of workers and parameter shards: the same bits as if it had never stopped. Without RUN: "
            + "goes on with a paused run of a cluster.")
    {
        (this.console, this.services, this.commands) = (console, services, commands);
        local = new LocalRun(console, services, signals);
        Add(run);
        Add(cluster);
        Add(security);
        job.AddOverridesTo(this);
        local.AddTo(this);
        localOptions =
            [.. Options.Where(
                option =>
                option.Name is "--workers" or "--parameter-shards" or "--compute-threads" or "--log-format"
                or "--log-level" or "--quiet")];
        SetAction((result, _) => RunAsync(result));
    }

    private Task<int> RunAsync(ParseResult options)
    {
        string? address = options.GetValue(cluster);
        if (options.GetValue(run) is { } folder)
        {
            if (address is not null)
                Refuse(options, localOptions, "counts only without --cluster, whose nodes have settings of their own");
            return GoOn(options, new StoppedRun(folder), address);
        }
        Refuse(
            options, Options.Where(option => option != cluster && option != security),
            "counts only with RUN; name the run folder to go on with");
        return commands.AskAsync(
            address ?? ClusterCommands.DefaultAddress, options.GetValue(security), new PauseCommand(false));
    }

    private async Task<int> GoOn(ParseResult options, StoppedRun stopped, string? address)
    {
        RequireFolder(stopped.Folder);
        using CheckpointReader? checkpoint = stopped.OpenNewest(console.Error.WriteLine);
        JobFile file = stopped.Job(checkpoint, job.Overrides(options));
        if (stopped.Ended is { } ended && ended.IsAllOf(file.Job.Training))
        {
            console.Output.WriteLine(
                $"{stopped.Folder} is complete: epochs={Numbers.Text(ended.Epochs)} steps={Numbers.Text(ended.Steps)} "
                + $"parameters sha256={ended.ParameterHash}");
            return ExitCodes.Fine;
        }

        CheckpointReader from = checkpoint ?? throw stopped.NothingToGoOnFrom();
        string name = Path.GetFileName(stopped.Folder);
        DataParts data = JobData.Load(services.Data, file.Job);
        ParameterLayout layout = JobNetwork.Create(file.Job.Model, data.Schema).Layout;
        stopped.RequireSame(from, file, layout);
        from.RequireData(data.Hash);
        if (address is not null)
            return await commands.AskAsync(
                address, options.GetValue(security), new SubmitRun(RunSubmission.Of(file, name, null, from.Folder)));
        console.Error.WriteLine($"goes on after step {Numbers.Text(from.Manifest.Step)} from {from.Folder}");
        return await local.RunAsync(
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
