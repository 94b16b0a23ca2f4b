using Akka.Actor;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run;
using DistTrainer.Cluster.Step;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Nodes;

/// <summary>Opens a run on the coordinator's node, and hands it to a <see cref="RunActor"/>.</summary>
/// <param name="runtime">What the node's actors share.</param>
/// <param name="shell">The coordinator's actor, which hears what comes of it.</param>
internal sealed class RunOpening(NodeRuntime runtime, CoordinatorShell shell)
{
    /// <summary>This node has read a run's data, or could not.</summary>
    internal sealed record Opened(OpenedRun? Run, Exception? Failure);

    /// <summary>Begins to read a run's data; <see cref="Opened"/> follows.</summary>
    /// <param name="run">The run.</param>
    /// <param name="servers">Server nodes that its parameter shards are spread over; counts for a run that is not
    /// taken over.</param>
    public void Begin(CurrentRun run, int servers)
    {
        Task<OpenedRun> opening = run.TakenOver is { } hosted
            ? runtime.OpenAsync(run.Run, hosted.ParameterShardCount)
            : runtime.OpenAsync(run.Run, runtime.Settings.ParameterShards, servers);
        opening.PipeTo(
            shell.Self, success: opened => new Opened(opened, null), failure: cause => new Opened(null, cause));
    }

    /// <summary>Makes a place for the run's results and starts its actor; <see cref="RunEnded"/> follows.</summary>
    /// <exception cref="DistTrainerException">There is no such place.</exception>
    public void Start(CurrentRun run, OpenedRun opened)
    {
        run.Opened = opened;
        TrainingSetup setup = opened.Setup;
        RunState start = setup.StartState();
        IRunOutput output = run.Output = runtime.Services.Open(
            run.Run, opened.Job, setup.Data, setup.Layout, Continuation(run, start.Step));
        var completion = new TaskCompletionSource<TrainingResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        (NodeAddress node, string? folder, int before) =
            (runtime.Address, output.Folder, run.TakenOver?.Coordinators ?? 0);
        run.Hosted = new HostedRun(run.Run, setup.Ranges.Count, folder, before + 1);
        run.LedBy(shell.Start(
            Props.Create(() => new RunActor(setup, node, output, completion, folder, start, before)),
            $"run-{run.Run.Id}"));
        opened.Links.Owner = run.Actor;
        completion.Task.PipeTo(
            shell.Self, success: result => new RunEnded(result, null), failure: cause => new RunEnded(null, cause));
    }

    /// <summary>
    /// Where the run goes on: in the folder of the coordinator before, or in that of the checkpoint that it is resumed
    /// from; null begins anew.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="step">The step that it starts after.</param>
    internal static RunContinuation? Continuation(CurrentRun run, long step)
    {
        if (run.TakenOver?.Folder is { } taken)
            return new RunContinuation(taken, long.MaxValue, TakesOver: true);
        return run.Run.ResumeFrom is { } checkpoint
            ? new RunContinuation(RunFolderOf(checkpoint), step, TakesOver: false) : null;
    }

    /// <summary>The run folder that a checkpoint's folder lies in: RUN/checkpoints/step-000000100.</summary>
    private static string RunFolderOf(string checkpoint) =>
        Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(checkpoint.TrimEnd(Path.DirectorySeparatorChar))))
            ?? "";
}
