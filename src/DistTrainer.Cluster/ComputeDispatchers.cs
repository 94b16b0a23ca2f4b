namespace DistTrainer.Cluster;

/// <summary>The dispatchers of the actors that compute.</summary>
internal static class ComputeDispatchers
{
    /// <summary>
    /// Workers and parameter shards compute in their handlers, so each has a thread of its own: compute on the thread pool
    /// would delay everything else that the actor system does, heartbeats first.
    /// </summary>
    public const string Settings = """
        disttrainer {
          worker-dispatcher {
            type = PinnedDispatcher
            throughput = 100
          }
          parameter-shard-dispatcher {
            type = PinnedDispatcher
            throughput = 100
          }
        }

        """;
}
