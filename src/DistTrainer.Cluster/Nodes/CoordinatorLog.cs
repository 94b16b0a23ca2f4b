using Akka.Event;
using DistTrainer.Cluster.Logging;
using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Nodes;

/// <summary>What happens in a cluster, as its coordinator logs it: one method an event, see docs/logs.md.</summary>
/// <param name="log">The coordinator's log.</param>
internal sealed class CoordinatorLog(ILoggingAdapter log)
{
    public void Started(NodeAddress node) =>
        Info("coordinator-started node={Node} dataEndpoint={DataEndpoint}",
            node.Name, node.Endpoint is { } endpoint ? $"{endpoint.Host}:{endpoint.Port}" : "");

    public void NodeKnown(KnownNode node, int nodes) =>
        Info("node-known node={Node} server={Server} workers={Workers} nodes={Nodes}",
            node.Name, node.IsServer, node.Workers, nodes);

    public void NodeRefused(string node, string reason) =>
        Warn("node-refused node={Node} reason=\"{Reason}\"", node, reason);

    public void NodeUnreachable(KnownNode node) => Warn("node-unreachable node={Node}", node.Name);

    public void NodeReachable(KnownNode node) => Info("node-reachable node={Node}", node.Name);

    public void NodeForgotten(KnownNode node, string reason, int nodes) =>
        Info("node-forgotten node={Node} reason=\"{Reason}\" nodes={Nodes}", node.Name, reason, nodes);

    public void NodeLeaves(string node) => Info("node-leaves node={Node}", node);

    public void NodeDrained(string node) => Info("node-drained node={Node}", node);

    public void RunSubmitted(RunDescription run) =>
        Info("run-submitted run={Run} name=\"{Name}\"", run.Id, run.Name);

    public void RunWithdrawn(RunDescription run) =>
        Info("run-withdrawn run={Run} name=\"{Name}\"", run.Id, run.Name);

    public void RunFound(RunDescription run) => Warn("run-found run={Run} name=\"{Name}\"", run.Id, run.Name);

    public void RunFailed(RunDescription run, string message) =>
        log.Event(LogLevel.ErrorLevel, "run-failed run={Run} name=\"{Name}\" message=\"{Message}\"",
            run.Id, run.Name, message);

    public void WaitingToStart(string missing, TimeSpan since) =>
        Info("waiting-for who=\"{Missing}\" for=start seconds={Seconds:F0}", missing, since.TotalSeconds);

    public void ParameterShardsDealt(string node, int[] shards) =>
        Warn("parameter-shards-dealt node={Node} shards=\"{Shards}\"", node, string.Join(' ', shards));

    private void Info(string template, params object?[] values) => log.Event(LogLevel.InfoLevel, template, values);

    private void Warn(string template, params object?[] values) => log.Event(LogLevel.WarningLevel, template, values);
}
