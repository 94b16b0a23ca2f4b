using Akka.Configuration;
using DistTrainer.Engine;
using DistTrainer.Jobs;

namespace DistTrainer.Cluster.Nodes;

/// <summary>Checks what no setting of a node can check alone.</summary>
internal static class NodeChecks
{
    private const string EnableSsl = "akka.remote.dot-netty.tcp.enable-ssl";

    /// <summary>Refuses the first combination that cannot work.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="read">What was read, for the origin of a key.</param>
    /// <param name="seedFollows">Whether the node hears of its seed node later.</param>
    /// <exception cref="DistTrainerException">Settings do not fit each other
    /// (<see cref="FailureKind.Configuration"/>).</exception>
    public static void Check(NodeSettings settings, ConfigObject read, bool seedFollows)
    {
        foreach ((string key, string what) in Problems(settings, seedFollows))
        {
            string path = key.StartsWith("akka.", StringComparison.Ordinal) ? key : $"disttrainer.node.{key}";
            throw JobChecks.NodeAt(read, path).Refuse(path, " " + what);
        }
    }

    private static IEnumerable<(string Key, string What)> Problems(NodeSettings node, bool seedFollows)
    {
        if (node.Roles.Count == 0)
            yield return ("role", "is empty; allowed: server, worker or both");
        if (!node.IsServer && node.SeedNodes.Count == 0 && !seedFollows)
            yield return ("seed-node",
                "is missing; a node without the role server joins a cluster: name a server, e.g. server:4053");
        if (node.PublicHost is { } host && NodeSettings.IsEveryAddress(host))
            yield return ("public-host", $"= \"{host}\" is no address that other nodes can reach; name the machine");
        if (node.PortToBind != 0 && node.PortToBind == node.DataPort)
            yield return (
                "data-port", $"= {node.DataPort} is the cluster port too; name another one, or 0 for any free one");
        if (ConfigurationFactory.ParseString(node.AkkaSettings).HasPath(EnableSsl))
            yield return (EnableSsl,
                "would not reach the data plane; allowed: disttrainer.node.security.folder, which secures both");
        if (node.MaxWorkers < node.MinWorkers)
            yield return ("max-workers", $"= {node.MaxWorkers} is below min-workers = {node.MinWorkers}");
        if (node.AcceptablePause < node.HeartbeatInterval)
            yield return ("acceptable-pause",
                $"= {JobValues.Show(node.AcceptablePause)} is below heartbeat-interval = "
                + $"{JobValues.Show(node.HeartbeatInterval)}");
    }
}
