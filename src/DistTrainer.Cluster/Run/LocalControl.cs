using Akka.Actor;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run;

/// <summary>Asks and tells a run in this process.</summary>
/// <param name="run">The run's actor.</param>
/// <param name="workers">Workers that it has.</param>
internal sealed class LocalControl(IActorRef run, int workers) : IRunControl
{
    /// <summary>The name of the only node.</summary>
    public const string NodeName = "local";

    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(3);

    /// <inheritdoc/>
    public async Task<ClusterStatus> StatusAsync()
    {
        NodeStatus[] nodes = [new NodeStatus(NodeName, NodeName, IsServer: true, workers, IsReachable: true)];
        try
        {
            return new ClusterStatus(await run.Ask<RunStatus>(new RunActor.StatusRequest(NodeName, ""), s_timeout).ConfigureAwait(false), nodes, NodeName);
        }
        catch (AskTimeoutException)
        {
            return new ClusterStatus(null, nodes, NodeName);
        }
    }

    /// <inheritdoc/>
    public Task<CommandAnswer> TellAsync(IClusterCommand command)
    {
        (object? request, string text) = command switch
        {
            StopCommand => (new StopRun(), RunAnswers.Stop),
            PauseCommand pause => (new PauseRun(pause.Pause), RunAnswers.Pause(pause.Pause)),
            LearningRateCommand rate => (new SetLearningRate(rate.Rate), RunAnswers.Rate(rate.Rate)),
            _ => ((object?)null, "a run in one process has no nodes to drain, and takes no other job"),
        };
        if (request is null)
            return Task.FromResult(new CommandAnswer(FailureKind.Configuration, text));
        run.Tell(request);
        return Task.FromResult(new CommandAnswer(null, text));
    }
}

/// <summary>What people are told when they have asked for something.</summary>
internal static class RunAnswers
{
    public const string Stop = "the run ends after its open step";

    public static string Pause(bool pause) => pause ? "the run pauses after its open step" : "the run goes on";

    public static string Rate(double rate) => FormattableString.Invariant($"the learning rate is {rate:R} after the open step");
}
