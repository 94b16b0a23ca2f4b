using Akka.Actor;
using DistTrainer.Cluster.Control;
using DistTrainer.Cluster.Protocol;
using DistTrainer.Engine;

namespace DistTrainer.Cluster.Run.Hosting;

/// <summary>
/// What a coordinator is on a cluster, for a run in this process: takes people's requests, and knows the only node.
/// </summary>
internal sealed class LocalRoot : ReceiveActor
{
    /// <summary>The name of the only node.</summary>
    public const string NodeName = "local";

    private const string NoOthers = "a run in one process has no nodes to drain, and takes no other job";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Takes requests for a run.</summary>
    /// <param name="run">Its actor.</param>
    /// <param name="workers">Workers that it has.</param>
    public LocalRoot(IActorRef run, int workers)
    {
        NodeStatus[] nodes = [new NodeStatus(NodeName, NodeName, IsServer: true, workers, IsReachable: true)];
        Receive<StatusCommand>(status => run.Ask<RunStatus>(status, s_patience).PipeTo(
            Sender, success: answer => new ClusterStatus(answer, nodes, NodeName), failure: _ =>
                new ClusterStatus(null, nodes, NodeName)));
        Receive<IRunCommand>(run.Forward);
        Receive<IClusterCommand>(_ => Sender.Tell(new CommandAnswer(FailureKind.Configuration, NoOthers)));
    }

    /// <summary>How such a run is asked and told.</summary>
    /// <param name="root">This actor.</param>
    public static IRunControl Control(IActorRef root) =>
        new ActorControl(root, 2 * s_patience, "the run does not answer.");
}
