using DistTrainer.Cluster.Protocol;
using DistTrainer.Cluster.Run.Members;

namespace DistTrainer.Cluster.Nodes;

/// <summary>
/// Which node is to host what of a run: at its start, when a node comes, and when parameter shards are lost.
/// </summary>
/// <param name="nodes">The nodes that are known.</param>
/// <param name="replicas">Copies that are wanted on other servers; 0 or 1.</param>
/// <param name="log">Where parameter shards are named that are dealt out anew.</param>
internal sealed class RunHosting(KnownNodes nodes, int replicas, CoordinatorLog log)
{
    /// <summary>
    /// Deals the parameter shards out to the server nodes, and asks all nodes for their workers. A run that is taken
    /// over is hosted, and nodes only hear who leads it.
    /// </summary>
    public IReadOnlyList<Letter> Begin(CurrentRun run)
    {
        KnownNode[] servers = run.TakenOver is null ? nodes.Servers : [];
        HostedRun hosted = run.Hosted!;
        List<Letter> letters = [];
        foreach (KnownNode node in nodes.Working)
        {
            int server = Array.IndexOf(servers, node);
            int[] shards = server < 0 ? []
                : ParameterShardDeal.First(hosted.ParameterShardCount, server, servers.Length, replicas);
            if (shards.Length > 0 || node.Workers > 0 || node.HostedBefore is not null)
                letters.Add(node.Host(new OpenRun(hosted, shards, node.Workers, run.Actor)));
        }
        return letters;
    }

    /// <summary>A node has come while there is a run: its workers are asked for, or it hears who leads.</summary>
    /// <param name="node">The node.</param>
    /// <param name="run">The run; null: there is none.</param>
    public static IReadOnlyList<Letter> Join(KnownNode node, CurrentRun? run) =>
        run?.Hosted is { } hosted && (node.Workers > 0 || node.HostedBefore is not null)
            ? [node.Host(new OpenRun(hosted, [], node.Workers, run.Actor))] : [];

    /// <summary>What a node was told may have been lost with a connection: it shows in what the node hosts.</summary>
    /// <param name="node">The node.</param>
    /// <param name="hosts">What it hosts; null: nothing.</param>
    /// <param name="run">The run; null: there is none.</param>
    public static IReadOnlyList<Letter> Again(KnownNode node, HostedRun? hosts, CurrentRun? run)
    {
        if (!node.IsWorking)
            return [];
        if (run?.Hosted is { } hosted && node.Opened is { } opened && opened.Run == hosted && hosts != hosted)
            return [new Letter(node.Actor, opened)];
        return hosts is not null && hosts.Run.Id != run?.Run.Id
            ? [new Letter(node.Actor, new CloseRun(hosts.Run.Id, null))] : [];
    }

    /// <summary>
    /// Deals parameter shards that are lost, or have lost a copy, out to the servers that are left; with none, the run
    /// asks again.
    /// </summary>
    /// <param name="lost">The parameter shards.</param>
    /// <param name="run">The run; null: there is none any more.</param>
    public IReadOnlyList<Letter> Deal(ParameterShardsLost lost, CurrentRun? run)
    {
        if (run?.Hosted is not { } hosted)
            return [];
        List<Letter> letters = [];
        foreach ((string name, int[] shards) in ParameterShardDeal.Again(
            lost, [.. nodes.Servers.Where(node => node.IsReachable).Select(node => node.Name)]))
        {
            KnownNode server = nodes.Find(name)!;
            if (!run.Dealt.IsSupersetOf(shards.Select(shard => (name, shard))))
                log.ParameterShardsDealt(name, shards);
            run.Dealt.UnionWith(shards.Select(shard => (name, shard)));
            letters.Add(server.Host(new OpenRun(hosted, shards, server.Workers, run.Actor)));
        }
        return letters;
    }
}
