namespace DistTrainer.Cluster.Step;

/// <summary>The dispatchers of the actors that compute.</summary>
internal static class ComputeDispatchers
{
    /// <summary>
    /// Workers and parameter shards compute in their handlers, so they have threads of their own: compute on the thread
    /// pool would delay everything else that the actor system does, heartbeats first. A worker and a parameter shard
    /// take turns on a thread: neither has anything to do while the other computes.
    /// </summary>
    public const string Settings = """
        disttrainer {
          turns {
            spin-microseconds = 0
            gives-way = on
          }
          worker-dispatcher {
            type = "DistTrainer.Cluster.Step.TurnDispatcherConfigurator, DistTrainer.Cluster"
            throughput = 100
            own-thread = on
          }
          parameter-shard-dispatcher {
            type = "DistTrainer.Cluster.Step.TurnDispatcherConfigurator, DistTrainer.Cluster"
            throughput = 100
            own-thread = off
          }
        }

        """;

    /// <summary>Laid over them in a process that has no heartbeats to care for.</summary>
    public const string Alone = """
        disttrainer.turns {
          spin-microseconds = 100
          gives-way = off
        }

        """;
}
