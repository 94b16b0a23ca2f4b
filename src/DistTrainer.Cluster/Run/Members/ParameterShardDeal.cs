using DistTrainer.Cluster.Protocol;

namespace DistTrainer.Cluster.Run.Members;

/// <summary>
/// Which server hosts which parameter shards, without the actors' doings: at the start of a run, and after a loss.
/// </summary>
internal static class ParameterShardDeal
{
    /// <summary>
    /// The parameter shards of one server at the start, dealt out one after the other; with replicas those of the
    /// server before it too.
    /// </summary>
    /// <param name="parameterShards">Parameter shards of the run.</param>
    /// <param name="server">The server's number.</param>
    /// <param name="servers">How many servers there are, ≥ 1.</param>
    /// <param name="replicas">Copies that are wanted on other servers; 0 or 1.</param>
    public static int[] First(int parameterShards, int server, int servers, int replicas) =>
        [.. Enumerable.Range(0, parameterShards)
            .Where(
                index =>
                index % servers == server || (replicas > 0 && servers > 1 && (index + 1) % servers == server))];

    /// <summary>
    /// Each parameter shard that is scarce goes to a server that does not host it, the one that is dealt fewest; to
    /// none, where all do.
    /// </summary>
    /// <param name="lost">The parameter shards, and who is most likely dead: they get none, unless there is nobody
    /// else.</param>
    /// <param name="servers">Names of the servers that can be reached.</param>
    /// <returns>By server, in their order: numbers of parameter shards; servers that get none are missing.</returns>
    public static IReadOnlyList<(string Server, int[] ParameterShards)> Again(
        ParameterShardsLost lost, IReadOnlyList<string> servers)
    {
        string[] alive = [.. servers.Except(lost.Gone)];
        (string Server, List<int> Dealt)[] deals =
            [.. (alive.Length > 0 ? alive : servers).Select(server => (server, new List<int>()))];
        foreach (ScarceParameterShard shard in lost.ParameterShards)
            deals.Where(deal => !shard.Hosts.Contains(deal.Server)).Select(deal => deal.Dealt)
                .MinBy(dealt => dealt.Count)?.Add(shard.Index);
        return [.. deals.Where(deal => deal.Dealt.Count > 0).Select(deal => (deal.Server, deal.Dealt.ToArray()))];
    }
}
