using System.CommandLine;
using DistTrainer.Cluster;
using DistTrainer.Engine;
using DistTrainer.ParameterServer;

namespace DistTrainer.Cli;

/// <summary>
/// <c>disttrainer resume</c>: with a run folder, goes on from its newest checkpoint, in this process or on a cluster;
/// without, lets a paused run of a cluster go on.
/// </summary>
internal sealed class ResumeCommand : Command
{
    private readonly CliConsole console;
    private readonly CliServices services;
    private readonly ClusterCommands cluster;
    private readonly LocalRun run;
    private readonly Argument<string?> folder = new("run") { Description = "A run folder with checkpoints; without it a paused run of the cluster goes on", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<int?> workers = new("--workers") { Description = "Worker actors. Default: as before", HelpName = "N" };
    private readonly Option<int?> parameterShards = new("--parameter-shards") { Description = "Parameter-shard actors. Default: as before", HelpName = "N" };
    private readonly Option<int?> computeThreads = new("--compute-threads") { Description = "Threads of one worker. Default: as before", HelpName = "N" };
    private readonly Option<string> address = ClusterCommands.Address();

    /// <summary>Makes the command.</summary>
    public ResumeCommand(CliConsole console, CliServices services, StopSignals signals, ClusterCommands cluster)
        : base("resume", "Goes on from the newest good checkpoint of a run folder, in that folder, to the same bits as if nothing had happened; without a folder, lets a paused run of the cluster go on.")
    {
        (this.console, this.services, this.cluster, run) = (console, services, cluster, new LocalRun(console, services, signals));
        Add(folder);
        Add(workers);
        Add(parameterShards);
        Add(computeThreads);
        Add(address);
        run.AddTo(this);
        SetAction((result, _) => RunAsync(result));
    }

    private Task<int> RunAsync(ParseResult options)
    {
        if (options.GetValue(folder) is not { } path)
            return cluster.AskAsync(options.GetValue(address)!, new PauseCommand(false));
        (string checkpoint, CheckpointManifest manifest) = Newest(path);
        JobFile file = JobFile.Read(new JobSource(manifest.Job, $"{checkpoint}: job"));
        string name = Path.GetFileName(Path.GetFullPath(path));
        if (options.GetResult(address) is { Implicit: false })
        {
            return cluster.AskAsync(
                options.GetValue(address)!, new SubmitRun(RunSubmission.Of(file, name, initFrom: null) with { ResumeFrom = Path.GetFullPath(checkpoint) }));
        }
        file = file with
        {
            Run = file.Run with
            {
                Workers = options.GetValue(workers) ?? file.Run.Workers,
                ParameterShards = options.GetValue(parameterShards) ?? file.Run.ParameterShards,
                ComputeThreads = options.GetValue(computeThreads) ?? file.Run.ComputeThreads,
            },
        };
        JobFile.Read(new JobSource(file.Write(), "resume"));
        DataParts data = JobData.Load(services.Data, file.Job);
        return run.RunAsync(options, file, name, data, initial: null, (checkpoint, new RunContinuation(path, manifest.Step, TakesOver: false)));
    }

    private (string Folder, CheckpointManifest Manifest) Newest(string path)
    {
        if (!Directory.Exists(path))
            throw new DistTrainerException(FailureKind.Configuration, $"{path}: there is no such folder; name a run folder, e.g. one under runs/.");
        NewestCheckpoint newest = new CheckpointStore(Path.Combine(path, "checkpoints")).OpenNewest();
        foreach (RefusedCheckpoint refused in newest.Refused)
            console.Error.WriteLine($"warning: {refused.Reason} An older checkpoint is taken, if there is one.");
        using CheckpointReader reader = newest.Reader
            ?? throw new DistTrainerException(FailureKind.ModelFile, $"{path}: has no checkpoint that can be used; train anew, with --init-from {path} where a model was saved.");
        return (reader.Folder, reader.Manifest);
    }
}
